import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { call } from './api.ts';
import { waitFor } from './command.ts';
import type { Lab } from './paths.ts';
import { stopService } from './process.ts';
import { startService } from './start.ts';

/** Starts Neutron anew with these service plugins besides ml2, as `[DEFAULT]service_plugins` names them; none is what the lab has. */
export async function setServicePlugins(lab: Lab, plugins: readonly string[]): Promise<void> {
  const file = join(lab.etc, 'neutron.conf');
  const before = readFileSync(file, 'utf8');
  const after = before.replace(/^service_plugins =.*$/m, `service_plugins = ${plugins.join(',')}`);
  if (after === before) return;
  writeFileSync(file, after);
  await stopService(lab, 'neutron');
  await startService(lab, 'neutron');
  await waitFor('Neutron with its plugins', async () => {
    const { status } = await call(lab, 'network', 'GET', '/networks?fields=id', { allow: [500, 503] });
    return status === 200;
  });
}
