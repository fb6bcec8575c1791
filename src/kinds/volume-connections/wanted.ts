/** Which connections of the server's volumes are to be looked for on a host. */
import type { Connection } from '../subject/connection.ts';
import type { Subject } from '../subject/subject.ts';

/** What Cinder's attachments say of it. */
export interface CinderConnection {
  readonly volumeId: string;
  /** null: Cinder noted none */
  readonly host: string | null;
  readonly connection: Connection | null;
}

/** One volume of the server, and every way that somebody wrote down for it. */
export interface WantedVolume {
  readonly volumeId: string;
  /** Nova lists it still, or Cinder does: what is on the host is this server's until somebody else has a claim */
  readonly live: boolean;
  /** as Nova wrote it down; null: it did not */
  readonly sizeGb: number | null;
  /** Cinder's first: Nova's copy can be older than a move of the storage */
  readonly connections: readonly Connection[];
  /** those of them that speak of this host and of today: of the others LUN and target may be somebody else's by now */
  readonly current: readonly Connection[];
}

/**
 * Connections of rows that are marked deleted count too: what a deleted server left on its host is found by nothing else. One
 * that a live row has as well is that row's.
 *
 * @param host the host that is looked at: an attachment that Cinder has on another is not looked for here
 */
export function wantedOn(
  host: string,
  subject: Subject,
  attachments: readonly CinderConnection[],
): readonly WantedVolume[] {
  const here = attachments.filter((a) => a.host === null || a.host === host);
  // Nova writes down one connection, that of the host the server is on; LUNs may differ from host to host.
  const home = subject.row?.host ?? host;
  const ids = new Set([...subject.volumes.map((v) => v.volumeId), ...here.map((a) => a.volumeId)]);
  const wanted = [...ids].sort().map((volumeId): WantedVolume => {
    const rows = subject.volumes.filter((v) => v.volumeId === volumeId);
    const live = rows.filter((v) => !v.deleted);
    const held = here.filter((a) => a.volumeId === volumeId);
    const connections = distinct([...held, ...live, ...rows].flatMap(({ connection }) => connection ?? []));
    // An attachment that lives and says no connection is by what Nova noted of it, though its row may be marked deleted already.
    const noted = held.some(({ connection }) => connection === null) ? rows : live;
    const today = [...held, ...(home === host ? noted : [])].flatMap(({ connection }) =>
      connection === null ? [] : [whereTo(connection)],
    );
    return {
      volumeId,
      live: live.length > 0 || held.length > 0,
      sizeGb: [...live, ...rows].flatMap((v) => v.sizeGb ?? [])[0] ?? null,
      connections,
      current: connections.filter((connection) => today.includes(whereTo(connection))),
    };
  });
  return wanted.sort((a, b) => Number(b.live) - Number(a.live));
}

/** One of each. Cinder does not know what Nova noted when it connected: that is taken over from Nova's copy. */
function distinct(connections: readonly Connection[]): Connection[] {
  const places = [...new Set(connections.map(whereTo))];
  return places.flatMap((place) => {
    const alike = connections.filter((c) => whereTo(c) === place);
    const devicePath = alike.flatMap((c) => c.devicePath ?? [])[0] ?? null;
    const multipathId = alike.flatMap((c) => c.multipathId ?? [])[0] ?? null;
    return alike.slice(0, 1).map((c): Connection => ({ ...c, devicePath, multipathId }));
  });
}

/** The same for two records that lead to one thing, whatever else they note. */
function whereTo(connection: Connection): string {
  const { devicePath: _, multipathId: __, encrypted: ___, ...where } = connection;
  return JSON.stringify(where);
}
