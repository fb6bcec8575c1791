import { run } from '../command.ts';
import { settle } from '../delta.ts';
import { killCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { createServer, deleteServer } from '../servers.ts';
import { change } from '../sql.ts';
import type { Scenario } from './scenario.ts';

/** Somebody began to clean up by hand and stopped: no domain, but bridges, switch ports, files and most rows. */
export const halfCleaned: Scenario = {
  name: 'half-cleaned',
  title: 'domain undefined by hand, interfaces and files left, some child rows missing',
  outcome: 'purged',
  async make(lab, name) {
    const server = await createServer(lab, { name });
    // The twin lacks the same rows, so that what is left can be compared.
    await change(lab, 'nova', [
      ['DELETE FROM instance_metadata WHERE instance_uuid = ?', [server.id]],
      ['DELETE FROM instance_id_mappings WHERE uuid = ?', [server.id]],
      [
        'DELETE FROM virtual_interfaces WHERE instance_uuid = ? AND uuid = ?',
        [server.id, server.prePort ?? null],
      ],
    ]);
    return server;
  },
  async break(lab, server) {
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
    await run(['virsh', 'destroy', server.id]);
    await run(['virsh', 'undefine', server.id]);
    await settle(lab);
    await change(lab, 'nova', [
      ["UPDATE instances SET vm_state = 'error', task_state = 'deleting' WHERE uuid = ?", [server.id]],
    ]);
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};
