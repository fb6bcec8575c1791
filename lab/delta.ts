/** The comparison of what two removals did to a cloud: snapshot, difference, and its form without identities. */
export { canonicalise, compareDeltas, type Deviation } from './delta/canonicalise.ts';
export { diffSnapshots } from './delta/diff.ts';
export { completeNeutronDeletes } from './delta/forgotten-rows.ts';
export { neighbourView } from './delta/neighbour-view.ts';
export { findRoles } from './delta/roles.ts';
export { settle } from './delta/settle.ts';
export { type Snapshot, takeSnapshot } from './delta/snapshot.ts';
