import type { Snapshot } from './snapshot.ts';

const CACHES = 'nova.instance_info_caches';

/**
 * The same without what nova-compute writes by itself: it asks Neutron for each server's network info from time to time (nova 26
 * `compute/manager.py:_heal_instance_info_cache`). All else of those rows stays.
 */
export function withoutHealing(snapshot: Snapshot): Snapshot {
  const caches = Object.entries(snapshot.rows[CACHES] ?? {}).map(([key, row]) => [
    key,
    { ...row, network_info: '' },
  ]);
  return { ...snapshot, rows: { ...snapshot.rows, [CACHES]: Object.fromEntries(caches) } };
}
