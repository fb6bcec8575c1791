/** Which tables of a cell's database Nova's own delete touches, and since which release. */

export interface ChildTable {
  readonly table: string;
  readonly key: string;
  /** soft: `deleted = id, deleted_at = now`; hard: the rows go */
  readonly how: 'soft' | 'hard';
  /** first major version whose delete takes it */
  readonly since: number;
  /** first major version whose delete takes it no more */
  readonly until?: number;
}

/**
 * nova `instance_destroy` (`db/sqlalchemy/api.py` to 23, `db/main/api.py` from 24), read at every final tag from 2014.1 to 33;
 * block_device_mapping by the manager before 13.1.1, virtual_interfaces by the network API before 20.
 *
 * instance_actions and instance_actions_events are not here on purpose: Nova keeps them so that operators can read what was
 * done to a deleted server. fixed_ips is a pool, never deleted. instance_id_mappings by 17.0.11, taken from 17 on: the row
 * has no other use than to be archived with its server.
 */
export const CHILD_TABLES: readonly ChildTable[] = [
  { table: 'security_group_instance_association', key: 'instance_uuid', how: 'soft', since: 0 },
  { table: 'instance_info_caches', key: 'instance_uuid', how: 'soft', since: 0 },
  { table: 'instance_metadata', key: 'instance_uuid', how: 'soft', since: 0 },
  { table: 'instance_faults', key: 'instance_uuid', how: 'soft', since: 0 },
  { table: 'instance_extra', key: 'instance_uuid', how: 'soft', since: 10 },
  { table: 'instance_system_metadata', key: 'instance_uuid', how: 'soft', since: 12 },
  { table: 'block_device_mapping', key: 'instance_uuid', how: 'soft', since: 0 },
  { table: 'migrations', key: 'instance_uuid', how: 'soft', since: 14 },
  { table: 'virtual_interfaces', key: 'instance_uuid', how: 'soft', since: 0 },
  { table: 'instance_id_mappings', key: 'uuid', how: 'soft', since: 17 },
  { table: 'instance_group_member', key: 'instance_id', how: 'soft', since: 13, until: 18 },
  { table: 'tags', key: 'resource_id', how: 'hard', since: 12 },
  { table: 'console_auth_tokens', key: 'instance_uuid', how: 'hard', since: 14 },
  { table: 'share_mapping', key: 'instance_uuid', how: 'hard', since: 31 },
];

/** Whether the delete of the release at hand takes a table. Known only as a range, so the newest possible release counts. */
export function takes(child: ChildTable, era: { readonly atLeast: number; readonly below: number }): boolean {
  return child.since < era.below && (child.until === undefined || era.atLeast < child.until);
}
