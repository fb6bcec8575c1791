import { killCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { createServer, deleteServer } from '../servers.ts';
import { change } from '../sql.ts';
import type { Scenario } from './scenario.ts';

const longAgo = '2019-03-01 12:00:00';

/** The children that the manual procedure marks deleted; it forgets the others, and it forgets `deleted_at`. */
const markedChildren = [
  'instance_faults',
  'instance_info_caches',
  'instance_system_metadata',
  'security_group_instance_association',
  'block_device_mapping',
  'virtual_interfaces',
] as const;

/** Somebody changed the rows by hand years ago, with the procedure's mistakes, and never looked at the host. */
export const rowGoneDomainRuns: Scenario = {
  name: 'row-gone-domain-runs',
  title: 'row soft-deleted by hand years ago, domain still running',
  outcome: 'purged',
  make: (lab, name) => createServer(lab, { name }),
  async break(lab, server) {
    // A live nova-compute would reap the domain.
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
    await change(lab, 'nova', [
      ...markedChildren.map(
        (table) =>
          [
            `UPDATE ${table} SET deleted = id, updated_at = ? WHERE instance_uuid = ?`,
            [longAgo, server.id],
          ] as const,
      ),
      [
        "UPDATE instances SET vm_state = 'deleted', power_state = 0, deleted = id, updated_at = ? WHERE uuid = ?",
        [longAgo, server.id],
      ],
    ]);
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};
