/** Looks at one host for the connections of the server's volumes. Most hosts have none, and are asked little. */
import type { Reader } from '../../site/reader.ts';
import type { Subject } from '../subject/subject.ts';
import { readScsi, readSessionFolders } from './block.ts';
import type { DiskFacts, MountFacts, NvmeFacts, RbdFacts, RecordFacts, SessionFacts } from './facts.ts';
import { describeOther, matchOthers } from './other-volumes.ts';
import { type Overview, readOverview } from './overview.ts';
import { choose, describeDisks, disksOf, type Matched, stackOf } from './scsi.ts';
import { atEveryPortal, describeSession, nearby, usesTarget } from './sessions.ts';
import { readOpenDevices, readSurroundings, type Surroundings } from './surroundings.ts';
import type { WantedVolume } from './wanted.ts';

export interface HostConnections {
  readonly volumes: readonly (DiskFacts | NvmeFacts | RbdFacts | MountFacts)[];
  readonly sessions: readonly SessionFacts[];
  readonly records: readonly RecordFacts[];
}

const NOTHING_HERE: HostConnections = { volumes: [], sessions: [], records: [] };

/** @throws LookError when something of it cannot be read */
export async function lookOnHost(
  look: Reader,
  host: string,
  subject: Subject,
  named: readonly WantedVolume[],
): Promise<HostConnections> {
  const types = new Set(named.flatMap((w) => w.connections.map((c) => c.type)));
  if (![...types].some((type) => ['iscsi', 'fibre_channel', 'nvmeof', 'rbd', 'nfs'].includes(type)))
    return NOTHING_HERE;
  const overview = await readOverview(look, host, types);
  const wanted = atEveryPortal(named, overview.initiator);
  const matched = matchDisks(wanted, overview);
  const near = nearby(wanted, overview, []);
  const rest = matchOthers(wanted, overview);
  if (matched.length + near.sessions.length + near.records.length + rest.length === 0) return NOTHING_HERE;
  const hasSessions = overview.initiator.sessions.length > 0;
  const [around, folders, scsi] = await Promise.all([
    readSurroundings(look, host, subject),
    hasSessions ? readSessionFolders(look, host) : new Map<number, string>(),
    hasSessions ? readScsi(look, host) : [],
  ]);
  const chosen = chooseAll(matched, around, overview);
  const names = [...chosen.flatMap(({ stack }) => stack.names), ...rest.flatMap((one) => one.names)];
  const open = await readOpenDevices(look, host, [...new Set(names)], around, subject.uuid);
  const carrying = chosen.flatMap(({ stack }) => stack.disks.map((disk) => disk.session));
  const { sessions } = overview.initiator;
  const others = await Promise.all(rest.map((one) => describeOther(look, host, subject, one, around, open)));
  return {
    volumes: [
      ...chosen.map(({ match, stack }) => describeDisks(host, match, stack, around, sessions, open)),
      ...others,
    ],
    sessions: nearby(wanted, overview, carrying).sessions.flatMap((session) =>
      describeSession(host, session, overview, around, folders, scsi),
    ),
    records: near.records
      .filter((record) => !around.claims.some((claim) => usesTarget(claim, record.iqn)))
      .map((record) => ({ host, ...record })),
  };
}

function matchDisks(wanted: readonly WantedVolume[], { disks, initiator, links }: Overview): Matched[] {
  return wanted.flatMap((one) =>
    one.connections.flatMap((connection): Matched[] => {
      if (connection.type !== 'iscsi' && connection.type !== 'fibre_channel') return [];
      const found = disksOf(connection, disks, initiator.sessions, links);
      return found.length === 0 ? [] : [{ wanted: one, connection, disks: found, further: false }];
    }),
  );
}

/**
 * For each volume what its records of today lead to, then what older ones do, or those that were not chosen: a detachment that failed
 * leaves disks, and nothing finds them once the rows are gone. A disk is one volume's: a row that is marked deleted has no claim on what
 * a live one has, and of two live ones neither is taken for granted (`claims.ts` tells whose it is by Nova's other rows).
 */
function chooseAll(matched: readonly Matched[], around: Surroundings, { disks }: Overview) {
  const taken = new Set<string>();
  const have = new Set<WantedVolume>();
  const take = (match: Matched) => {
    const left = match.disks.filter((disk) => !taken.has(disk.name));
    if (left.length === 0) return [];
    const stack = stackOf(left, disks, around);
    for (const name of stack.names) taken.add(name);
    const further = have.has(match.wanted);
    have.add(match.wanted);
    return [{ match: { ...match, further }, stack }];
  };
  const isCurrent = ({ wanted, connection }: Matched): boolean => wanted.current.includes(connection);
  const volumes = [...new Set(matched.map((match) => match.wanted))];
  const first = volumes.flatMap((wanted) => {
    const of = matched.filter((match) => match.wanted === wanted);
    return choose(of, around) ?? [];
  });
  const chosen = [...first.filter(isCurrent), ...first.filter((match) => !isCurrent(match))].flatMap(take);
  return [...chosen, ...matched.filter((match) => !first.includes(match)).flatMap(take)];
}
