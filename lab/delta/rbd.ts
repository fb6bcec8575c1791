import { pools } from '../ceph/paths.ts';
import { listImageRecords } from '../ceph/rbd.ts';
import { isTurnedOn } from '../config/backends.ts';
import type { Lab } from '../paths.ts';
import type { Things } from './host.ts';

/** Images of both pools and their snapshots, as `vms/<image>` and `vms/<image>@<snapshot>`; nothing when the lab has no Ceph. */
export async function readRbd(lab: Lab): Promise<Things> {
  if (!isTurnedOn(lab, 'ceph')) return {};
  const found = await Promise.all(
    Object.values(pools).map(async (pool) =>
      (await listImageRecords(lab, pool)).map(({ image, snapshot, size, protected: held }) => {
        const name = snapshot === undefined ? image : `${image}@${snapshot}`;
        return [`${pool}/${name}`, `${size} bytes${held === 'true' ? ', protected' : ''}`] as const;
      }),
    ),
  );
  return Object.fromEntries(found.flat());
}
