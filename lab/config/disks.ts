import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cephDisks } from '../ceph/config.ts';
import type { Lab } from '../paths.ts';
import type { Ini } from './ini.ts';

/** Where servers of the first compute host have their own disks: files in their folders, or images in Ceph. */
export type Disks = 'files' | 'ceph';

export function disksConfig(lab: Lab, disks: Disks): NonNullable<Ini[string]> {
  return disks === 'ceph' ? cephDisks(lab) : { images_type: 'qcow2' };
}

/** What was chosen last; `up` keeps to it. */
export function readDisks(lab: Lab): Disks {
  return existsSync(mark(lab)) ? 'ceph' : 'files';
}

export function writeDisks(lab: Lab, disks: Disks): void {
  if (disks === 'ceph') writeFileSync(mark(lab), '');
  else rmSync(mark(lab), { force: true });
}

function mark(lab: Lab): string {
  return join(lab.done, 'disks-in-ceph');
}
