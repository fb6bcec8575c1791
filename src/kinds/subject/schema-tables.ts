import { ERA_TABLES } from './era.ts';

/** Every table of a cell's database whose columns somebody wants to know: asked for in one question. */
export const SCHEMA_TABLES: readonly string[] = [
  ...new Set([
    ...ERA_TABLES,
    'instances',
    'security_group_instance_association',
    'instance_info_caches',
    'instance_metadata',
    'instance_faults',
    'instance_extra',
    'instance_system_metadata',
    'tags',
    'instance_group_member',
    'block_device_mapping',
    'migrations',
    'console_auth_tokens',
    'instance_id_mappings',
    'virtual_interfaces',
    'pci_devices',
    'share_mapping',
    'quota_usages',
    'instance_actions_events',
    'shadow_instance_info_caches',
    'shadow_instance_system_metadata',
    'shadow_migrations',
    'shadow_block_device_mapping',
    'shadow_instance_actions_events',
    'shadow_instance_faults',
  ]),
];
