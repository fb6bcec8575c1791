import { z } from 'zod';
import { ask } from '../api.ts';
import { run } from '../command.ts';
import { settle } from '../delta.ts';
import { killCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import type { Lab } from '../paths.ts';
import { setPlugging } from '../plugging.ts';
import { createServer, deleteServer, type LabServer } from '../servers.ts';
import { change } from '../sql.ts';
import type { Scenario } from './scenario.ts';

const ports = z.object({ ports: z.array(z.object({ id: z.string(), mac_address: z.string() })) });

/**
 * A host that crashed: its domains are down, and the switch's database, which is on disk, still names their taps. This is what Open
 * vSwitch with native plugging leaves; with the hybrid one bridges and pairs are gone after a reboot.
 */
export const nativePlug: Scenario = {
  name: 'native-plug',
  title: 'taps directly in br-int; after a crash only the switch still names them',
  outcome: 'purged',
  async make(lab, name) {
    await setPlugging(lab, 'native');
    return createServer(lab, { name, plugging: 'native' });
  },
  async break(lab, server) {
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
    await run(['virsh', 'destroy', server.id]);
    await settle(lab);
    await nameTapsAgain(lab, server);
    await change(lab, 'nova', [["UPDATE instances SET task_state = 'deleting' WHERE uuid = ?", [server.id]]]);
    await settle(lab);
  },
  novaDelete: deleteServer,
  async mend(lab) {
    await setPlugging(lab, 'hybrid');
    await reviveCompute(lab);
  },
  beyondNova: [],
};

/** libvirt takes the records away when a domain stops in order; a crash does not. */
async function nameTapsAgain(lab: Lab, server: LabServer): Promise<void> {
  const own = await ask(lab, 'network', 'GET', `/ports?device_id=${server.id}`, ports);
  for (const port of own.ports) {
    const tap = `tap${port.id.slice(0, 11)}`;
    const marks = {
      'attached-mac': port.mac_address,
      'iface-id': port.id,
      'iface-status': 'active',
      'vm-uuid': server.id,
    };
    await run([
      'ovs-vsctl',
      '--',
      '--may-exist',
      'add-port',
      'br-int',
      tap,
      '--',
      'set',
      'Interface',
      tap,
      ...Object.entries(marks).map(([key, value]) => `external_ids:${key}="${value}"`),
    ]);
  }
}
