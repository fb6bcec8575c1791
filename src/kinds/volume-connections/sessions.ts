/** iSCSI sessions and records of targets that have to do with the server, and who else they serve. */
import { type Claim, describeClaim } from './claims.ts';
import type { SessionFacts } from './facts.ts';
import { type Initiator, leadsTo, type Session } from './iscsi.ts';
import type { Overview } from './overview.ts';
import type { Surroundings } from './surroundings.ts';
import type { WantedVolume } from './wanted.ts';

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
      !initiator.sessions.some((session) => session.iqn === record.iqn && session.portal === record.portal),
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
      recorded: initiator.records.some((r) => r.iqn === session.iqn && r.portal === session.portal),
      devices,
      claimedBy: around.claims.filter((claim) => usesTarget(claim, session.iqn)).map(describeClaim),
    },
  ];
}
