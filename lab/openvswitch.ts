import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import type { Lab } from './paths.ts';
import { ovsRunFolder } from './services.ts';

export async function prepareOvs(lab: Lab): Promise<void> {
  mkdirSync(ovsRunFolder, { recursive: true });
  const database = join(lab.dir, 'ovs/conf.db');
  if (!existsSync(database))
    await run(['ovsdb-tool', 'create', database, '/usr/share/openvswitch/vswitch.ovsschema']);
}

/** The row that everything hangs from: without it the agent's first transaction fails, and it never recovers. */
export async function initOvs(): Promise<void> {
  await run(['ovs-vsctl', '--timeout=10', '--no-wait', 'init']);
}
