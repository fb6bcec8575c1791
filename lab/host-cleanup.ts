import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import type { Lab } from './paths.ts';
import { findPid } from './process.ts';
import { ovsRunFolder } from './services.ts';
import { query } from './sql.ts';

/** libvirt has these paths compiled in: the definitions, and the state of what runs. */
const domainFolders = ['/etc/libvirt/qemu', '/run/libvirt/qemu'];

/** Ends and undefines the lab's domains: those whose definition points into its instances folder. */
export async function removeDomains(lab: Lab, startLibvirt: () => Promise<void>): Promise<void> {
  const names = new Set<string>();
  for (const folder of domainFolders.filter((each) => existsSync(each))) {
    for (const file of readdirSync(folder).filter((each) => each.endsWith('.xml'))) {
      if (readFileSync(join(folder, file), 'utf8').includes(`${lab.instances}/`))
        names.add(file.slice(0, -4));
    }
  }
  if (names.size === 0) return;
  if (findPid(lab, 'libvirtd') === undefined) await startLibvirt();
  for (const name of names) {
    await run(['virsh', 'destroy', name], { allow: 'any' });
    await run(['virsh', 'undefine', name, '--managed-save', '--snapshots-metadata', '--nvram'], {
      allow: 'any',
    });
  }
}

/** Removes the bridges, veth pairs and taps of every port that a server of the lab ever had. */
export async function removeInterfaces(lab: Lab): Promise<void> {
  const stems = new Set([...readOvsStems(lab), ...(await readPortStems(lab))]);
  const links = (await run(['ip', '-o', 'link', 'show'])).stdout.matchAll(/^\d+: ([^:@\s]+)/gm);
  const ours = [...links].map((match) => match[1] ?? '').filter((name) => stems.has(name.slice(3)));
  for (const name of ours.filter((each) => /^(qbr|qvo|qvb|tap)/.test(each))) {
    // The other end of a veth pair goes with the first.
    await run(['ip', 'link', 'delete', name], { allow: 'any' });
  }
}

/** What the switch leaves when it ends: its own devices, which it makes persistent, and the sockets of a crashed run. */
export async function removeSwitch(): Promise<void> {
  for (const name of ['br-int', 'ovs-netdev']) await run(['ip', 'link', 'delete', name], { allow: 'any' });
  if (!existsSync(ovsRunFolder)) return;
  for (const name of readdirSync(ovsRunFolder)) {
    if (/^(ovsdb-server|ovs-vswitchd)\.|^db\.sock$|^br-int\./.test(name))
      rmSync(join(ovsRunFolder, name), { force: true });
  }
}

/** The journal of the switch's database still has the names of ports that were taken out. */
function readOvsStems(lab: Lab): readonly string[] {
  const file = join(lab.dir, 'ovs/conf.db');
  if (!existsSync(file)) return [];
  return [...readFileSync(file, 'utf8').matchAll(/\bqvo([0-9a-f]{8}-[0-9a-f]{2})\b/g)].map(
    (match) => match[1] ?? '',
  );
}

async function readPortStems(lab: Lab): Promise<readonly string[]> {
  if (findPid(lab, 'mariadb') === undefined) return [];
  try {
    const rows = await query(lab, 'nova', 'SELECT address FROM virtual_interfaces');
    return rows
      .map((row) => (row['address'] ?? '').split('/')[1]?.slice(0, 11) ?? '')
      .filter((stem) => stem !== '');
  } catch {
    return [];
  }
}

/** The agent leaves its chains when it ends. No other Neutron runs on this machine, so all of them are the lab's. */
export async function removeFirewall(): Promise<void> {
  for (const family of ['iptables', 'ip6tables']) {
    const rules = (await run([`${family}-save`], { allow: 'any' })).stdout;
    if (!rules.includes('neutron-')) continue;
    const kept = rules.split('\n').filter((line) => !line.includes('neutron-'));
    await run([`${family}-restore`], { input: `${kept.join('\n')}\n` });
  }
  const sets = (await run(['ipset', 'list', '-n'], { allow: 'any' })).stdout.split('\n');
  for (const name of sets.filter((each) => /^NIPv[46]/.test(each)))
    await run(['ipset', 'destroy', name], { allow: 'any' });
}
