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
  const ids = new Set([...subject.volumes.map((v) => v.volumeId), ...here.map((a) => a.volumeId)]);
  const wanted = [...ids].sort().map((volumeId): WantedVolume => {
    // The newest first: what an older one noted was given anew when the volume was attached again.
    const rows = subject.volumes.filter((v) => v.volumeId === volumeId).sort((a, b) => b.rowId - a.rowId);
    const live = rows.filter((v) => !v.deleted);
    const held = here.filter((a) => a.volumeId === volumeId);
    const connections = distinct(connectionsOf(held), connectionsOf([...live, ...rows]));
    // Nova writes down one connection, that of the host the server is on; LUNs may differ from host to host. Where it has the server on
    // no host (shelved and offloaded, never started, the row gone), what it wrote down is of one that Cinder may still name.
    const home = subject.row?.host ?? held.find((a) => a.host === host)?.host;
    const isHome = home === host;
    // An attachment that lives and says no connection is by what Nova noted of it, though its row may be marked deleted already.
    const isNoted = live.length === 0 && held.some(({ connection }) => connection === null);
    const today = connectionsOf([
      ...held.filter((a) => isHome || a.host === host),
      ...(isHome ? [...live, ...(isNoted ? rows.slice(0, 1) : [])] : []),
    ]).map(whereTo);
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

function connectionsOf(records: readonly { readonly connection: Connection | null }[]): Connection[] {
  return records.flatMap(({ connection }) => connection ?? []);
}

/**
 * One of each. What was noted when it was connected only Nova has; the WWID counts of the newest row alone, since storage may give a
 * volume another one each time that it exports it.
 *
 * @param held as Cinder has them
 * @param rows as Nova has them, the newest first
 */
function distinct(held: readonly Connection[], rows: readonly Connection[]): Connection[] {
  const all = [...held, ...rows];
  return all
    .filter((one, at) => all.findIndex((other) => whereTo(other) === whereTo(one)) === at)
    .map((one): Connection => {
      const noted = rows.filter((row) => whereTo(row) === whereTo(one));
      const devicePath = noted.flatMap((row) => row.devicePath ?? [])[0] ?? one.devicePath;
      return { ...one, devicePath, multipathId: (noted[0] ?? one).multipathId };
    });
}

/** The same for two records that lead to one thing, whatever else they note. */
function whereTo(connection: Connection): string {
  const { devicePath: _, multipathId: __, encrypted: ___, ...where } = connection;
  return JSON.stringify(where);
}
