/** iSCSI sessions and records of targets that have to do with the server, and who else they serve. */
import type { Connection, IscsiPath } from '../subject/connection.ts';
import { type Claim, describeClaim } from './claims.ts';
import type { SessionFacts } from './facts.ts';
import { type Initiator, leadsTo, type Session, sameTarget } from './iscsi.ts';
import type { Overview } from './overview.ts';
import type { Surroundings } from './surroundings.ts';
import type { WantedVolume } from './wanted.ts';

/**
 * The same volumes, each with every portal at which the initiator knows the target that is called after it. Cinder may name one portal of
 * several: os-brick asks that one for the others when it connects with multipath, and nobody writes them down (6.1
 * `connectors/iscsi.py:_get_discoverydb_portals`).
 */
export function atEveryPortal(
  wanted: readonly WantedVolume[],
  { sessions, records }: Initiator,
): readonly WantedVolume[] {
  return wanted.map((one) => {
    const widened = new Map(
      one.connections.map((connection): [Connection, Connection] => {
        if (connection.type !== 'iscsi') return [connection, connection];
        const { paths } = connection;
        const further = [...sessions, ...records].flatMap((target): IscsiPath[] => {
          const path = paths.find(({ iqn }) => iqn === target.iqn && iqn.includes(one.volumeId));
          return path === undefined || paths.some((known) => leadsTo(target, known))
            ? []
            : [{ ...path, portal: target.portal }];
        });
        return [connection, { ...connection, paths: [...paths, ...further] }];
      }),
    );
    const widen = (connections: readonly Connection[]) =>
      connections.flatMap((connection) => widened.get(connection) ?? []);
    return { ...one, connections: widen(one.connections), current: widen(one.current) };
  });
}

/**
 * Sessions and records that have to do with the server: those that carry a disk of it, those to its targets that carry nobody's,
 * and records of targets that are called after one of its volumes and have no session.
 *
 * @param carrying numbers of the sessions through which its disks come
 */
export function nearby(
  wanted: readonly WantedVolume[],
  { initiator, disks }: Overview,
  carrying: readonly (number | null)[],
): Initiator {
  const paths = wanted.flatMap((one) =>
    one.connections.flatMap((c) => (c.type === 'iscsi' ? c.paths.map((path) => ({ path, one })) : [])),
  );
  const sessions = initiator.sessions.filter(
    (session) =>
      carrying.includes(session.sid) ||
      (paths.some(({ path }) => leadsTo(session, path)) &&
        !disks.some((disk) => disk.session === session.sid)),
  );
  const records = initiator.records.filter(
    (record) =>
      paths.some(({ path, one }) => leadsTo(record, path) && record.iqn.includes(one.volumeId)) &&
      !initiator.sessions.some((session) => sameTarget(session, record)),
  );
  return { sessions, records };
}

export function usesTarget({ connection }: Claim, iqn: string): boolean {
  return connection.type === 'iscsi' && connection.paths.some((path) => path.iqn === iqn);
}

/** None when the session ended meanwhile: then there is nothing to log out of. */
export function describeSession(
  host: string,
  session: Session,
  { disks, initiator }: Overview,
  around: Surroundings,
  folders: ReadonlyMap<number, string>,
  scsi: readonly string[],
): SessionFacts[] {
  const folder = folders.get(session.sid);
  if (folder === undefined) return [];
  const alike = initiator.sessions.filter((one) => one.sid !== session.sid && sameTarget(one, session));
  const devices = scsi
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => {
      const id = path.slice(path.lastIndexOf('/') + 1);
      const disk = disks.find((d) => d.scsi === path)?.name ?? null;
      return { id, lun: Number(id.split(':')[3]), disk };
    });
  return [
    {
      ...session,
      host,
      folder,
      recorded: initiator.records.some((record) => sameTarget(record, session)),
      alike: alike.map((one) => one.sid),
      devices,
      claimedBy: around.claims.filter((claim) => usesTarget(claim, session.iqn)).map(describeClaim),
    },
  ];
}
