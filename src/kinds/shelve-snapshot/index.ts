import type { Kind } from '../kind.ts';
import { findShelveSnapshot, type SnapshotFacts } from './find.ts';
import { planShelveSnapshot } from './plan.ts';

export const shelveSnapshot: Kind<SnapshotFacts> = {
  id: 'shelve-snapshot',
  title: 'Shelve snapshot',
  looksAt: 'Glance: the image that Nova made to shelve the server, and the user’s own snapshots, which stay',
  doors: ['http'],
  find: findShelveSnapshot,
  plan: planShelveSnapshot,
};
