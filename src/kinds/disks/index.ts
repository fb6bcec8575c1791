import type { Kind } from '../kind.ts';
import { type DiskFacts, findDisks } from './find.ts';
import { planDisks } from './plan.ts';

export const disks: Kind<DiskFacts> = {
  id: 'disks',
  title: 'Disks outside the instances folder',
  looksAt:
    'the rbd pool or the volume group that Nova keeps its disks in: what begins with the uuid of the server',
  doors: ['command'],
  find: findDisks,
  plan: planDisks,
};
