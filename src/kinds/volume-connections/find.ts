import type { Reader } from '../../site/reader.ts';
import { knownHost } from '../domain/host.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { attachmentsIfKnown } from '../volumes/attachments.ts';
import type { ByHand, ConnectionFacts } from './facts.ts';
import { lookOnHost } from './on-host.ts';
import { type CinderConnection, wantedOn } from './wanted.ts';

/**
 * Every host of the server is looked at for every volume that it ever had: a migration leaves connections on the host that it left,
 * and a deleted server on the one that it died on. A server without volumes asks no host anything.
 */
export async function findConnections(look: Reader, subject: Subject): Promise<Found<ConnectionFacts>> {
  const attachments = await attachmentsIfKnown(look, subject);
  const { facts, unknown } = await lookAt(subject.hosts, async (host) => {
    const wanted = wantedOn(host.name, subject, attachments);
    if (wanted.every((one) => one.connections.length === 0))
      return { volumes: [], sessions: [], records: [] };
    return lookOnHost(look, knownHost(host).name, subject, wanted);
  });
  return {
    facts: {
      volumes: facts.flatMap((at) => at.volumes),
      sessions: facts.flatMap((at) => at.sessions),
      records: facts.flatMap((at) => at.records),
      byHand: byHand(subject, attachments),
    },
    unknown,
  };
}

/**
 * Connections that expunge has no commands for. One of a row that is marked deleted counts when the whole server is: of a server that
 * lives it is a volume that was detached.
 */
function byHand(subject: Subject, attachments: readonly CinderConnection[]): ByHand[] {
  const gone = subject.row === null || subject.row.deleted !== 0;
  const rows = subject.volumes.filter((v) => !v.deleted || gone);
  const home = subject.row?.host ?? subject.hosts[0]?.name;
  const found = [
    ...rows.map((v) => ({ volumeId: v.volumeId, connection: v.connection, host: home, live: !v.deleted })),
    ...attachments.map((a) => ({ ...a, host: a.host ?? home, live: true })),
  ];
  const named = found.flatMap(({ volumeId, connection, host, live }): ByHand[] =>
    connection?.type !== 'other' || host === undefined
      ? []
      : [{ place: `host ${host}`, volumeId, driver: connection.driver, live }],
  );
  // One that is listed still counts before one that was.
  const first = [...named.filter((one) => one.live), ...named.filter((one) => !one.live)];
  return first.filter(
    (one, at) =>
      first.findIndex(({ place, volumeId }) => place === one.place && volumeId === one.volumeId) === at,
  );
}
