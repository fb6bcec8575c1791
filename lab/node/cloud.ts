import { join } from 'node:path';
import { z } from 'zod';
import { ask, call } from '../api.ts';
import { giveCephToNode } from '../ceph/node.ts';
import { run, waitFor } from '../command.ts';
import { type Ini, renderIni } from '../config/ini.ts';
import { forgetReports } from '../nova-services.ts';
import type { Lab } from '../paths.ts';
import { findPid } from '../process.ts';
import { purgeQueue } from '../rabbitmq.ts';
import { change, query } from '../sql.ts';
import { takeTurn } from '../turn.ts';
import { nodeMl2Config, nodeNeutronConfig, nodeNovaConfig } from './config.ts';
import { nodeName } from './paths.ts';
import { readPower, runOnNode } from './power.ts';

type Say = (line: string) => void;

/** The daemons of a compute host, with their config files in the lab's `etc`. */
const agents = {
  'nova-compute': ['nova.conf'],
  'neutron-openvswitch-agent': ['neutron.conf', 'ml2.ini'],
} as const;

const services = z.object({
  services: z.array(z.object({ id: z.string(), host: z.string(), binary: z.string(), state: z.string() })),
});
const networkAgents = z.object({
  agents: z.array(z.object({ id: z.string(), host: z.string(), alive: z.boolean() })),
});

/** Makes the node a compute host of the lab's cloud, which must be up, and waits until a server can be placed on it. */
export async function enrolNode(lab: Lab, say: Say): Promise<void> {
  if (readPower(lab) !== 'on') throw new Error(`${nodeName} does not run: \`node lab/node.ts up\` boots it`);
  if (findPid(lab, 'nova-api') === undefined) throw new Error('the lab does not run: `npm run lab:up`');
  await takeTurn(lab);
  const begun = Date.now();
  await writeNodeConfigs(lab);
  await giveCephToNode(lab);
  for (const name of agentNames()) await startAgent(lab, name);
  await waitFor(
    `Nova to report ${nodeName} up`,
    async () => (await readComputes(lab)).some((service) => service.state === 'up'),
    { timeoutMs: 300_000, everyMs: 1000 },
  );
  say(`${seconds(begun)} s  nova-compute reports`);
  await waitFor(
    `the network agent of ${nodeName}`,
    async () => (await readNetworkAgents(lab)).some((agent) => agent.alive),
    { timeoutMs: 300_000, everyMs: 1000 },
  );
  say(`${seconds(begun)} s  the network agent reports`);
  await waitForPlace(lab);
  say(`${seconds(begun)} s  ${nodeName} is a compute host of cell1`);
}

/** True when the cloud knows the node, also one that is down. */
export async function isEnrolled(lab: Lab): Promise<boolean> {
  return (await readComputes(lab)).length > 0 || (await readNetworkAgents(lab)).length > 0;
}

/** Takes the node out of the cloud, whether it runs or not, with all that its being there wrote. It must have no servers. */
export async function withdrawNode(lab: Lab): Promise<void> {
  await takeTurn(lab);
  if (readPower(lab) === 'on') for (const name of agentNames()) await stopAgent(lab, name);
  for (const service of await readComputes(lab))
    await call(lab, 'compute', 'DELETE', `/os-services/${service.id}`);
  for (const agent of await readNetworkAgents(lab))
    await call(lab, 'network', 'DELETE', `/agents/${agent.id}`);
  // Nova only marks these; a recording of the cloud must not show a host that is none of its own.
  await change(lab, 'nova', [
    ['DELETE FROM compute_nodes WHERE host = ?', [nodeName]],
    ['DELETE FROM services WHERE host = ?', [nodeName]],
  ]);
}

/** Stops the node's nova-compute in its tracks, its connections open; requests for it pile up. */
export async function freezeNodeCompute(lab: Lab): Promise<void> {
  const { stdout } = await runOnNode(lab, ['cat', agentPidFile(lab, 'nova-compute')]);
  await runOnNode(lab, ['kill', '-STOP', stdout.trim()]);
}

/** Ends what is left of it, frozen or not, drops what waits for it, and starts a fresh one. */
export async function reviveNodeCompute(lab: Lab): Promise<void> {
  await killNodeCompute(lab);
  await purgeQueue(lab, `compute.${nodeName}`);
  await forgetReports(lab, 'nova-compute', nodeName);
  await startAgent(lab, 'nova-compute');
  await waitForCompute(lab, 'up');
}

/** Ends it without a word, frozen or not: what it had in hand goes back to its queue. */
export async function killNodeCompute(lab: Lab): Promise<void> {
  await runOnNode(lab, [
    ...['start-stop-daemon', '--stop', '--oknodo', '--retry', 'KILL/5'],
    ...['--remove-pidfile', '--pidfile', agentPidFile(lab, 'nova-compute')],
  ]);
}

/** Makes Nova take a frozen or killed nova-compute of the node for down at once, as `waitServiceDown` does for the other. */
export async function waitNodeComputeDown(lab: Lab): Promise<void> {
  await forgetReports(lab, 'nova-compute', nodeName);
  await waitForCompute(lab, 'down');
}

async function waitForCompute(lab: Lab, state: 'up' | 'down'): Promise<void> {
  await waitFor(
    `Nova to report nova-compute of ${nodeName} ${state}`,
    async () => (await readComputes(lab)).some((service) => service.state === state),
    { timeoutMs: 300_000, everyMs: 500 },
  );
}

function agentNames(): readonly (keyof typeof agents)[] {
  return ['nova-compute', 'neutron-openvswitch-agent'];
}

async function writeNodeConfigs(lab: Lab): Promise<void> {
  const folders = [lab.etc, lab.run, lab.log, lab.instances, join(lab.dir, 'neutron')];
  for (const name of ['nova-locks', 'neutron-locks']) folders.push(join(lab.run, name));
  await runOnNode(lab, ['mkdir', '-p', ...folders]);
  const files: Readonly<Record<string, Ini>> = {
    'nova.conf': nodeNovaConfig(lab),
    'neutron.conf': nodeNeutronConfig(lab),
    'ml2.ini': nodeMl2Config(),
  };
  for (const [name, ini] of Object.entries(files)) {
    const file = join(lab.etc, name);
    await runOnNode(lab, ['install', '-m', '640', '/dev/null', file]);
    await runOnNode(lab, ['dd', `of=${file}`, 'status=none'], { input: renderIni(ini) });
  }
}

async function startAgent(lab: Lab, name: keyof typeof agents): Promise<void> {
  const files = agents[name].flatMap((file) => ['--config-file', join(lab.etc, file)]);
  await runOnNode(lab, [
    ...['start-stop-daemon', '--start', '--oknodo', '--background', '--make-pidfile'],
    ...['--pidfile', agentPidFile(lab, name), '--output', join(lab.log, `${name}.log`)],
    ...['--startas', `/usr/bin/${name}`, '--', ...files],
  ]);
}

export async function stopAgent(lab: Lab, name: keyof typeof agents): Promise<void> {
  // With --pidfile alone: the id and no name decides what is ended.
  await runOnNode(lab, [
    ...['start-stop-daemon', '--stop', '--oknodo', '--retry', 'TERM/20/KILL/5'],
    ...['--remove-pidfile', '--pidfile', agentPidFile(lab, name)],
  ]);
}

function agentPidFile(lab: Lab, name: string): string {
  return join(lab.run, `${name}.pid`);
}

/** The scheduler can place nothing before the host is mapped to its cell and has told Placement what it has. */
async function waitForPlace(lab: Lab): Promise<void> {
  await waitFor(`nova-compute's own record of ${nodeName}`, async () => {
    const nodes = await query(lab, 'nova', 'SELECT 1 FROM compute_nodes WHERE host = ? AND deleted = 0', [
      nodeName,
    ]);
    return nodes.length > 0;
  });
  const mapped = await query(lab, 'nova_api', 'SELECT 1 FROM host_mappings WHERE host = ?', [nodeName]);
  if (mapped.length === 0)
    await run(['/usr/bin/nova-manage', '--config-file', `${lab.etc}/nova.conf`, 'cell_v2', 'discover_hosts']);
  await waitFor(`the inventory of ${nodeName}`, async () => {
    const statement =
      'SELECT i.id FROM inventories i JOIN resource_providers p ON p.id = i.resource_provider_id WHERE p.name = ?';
    return (await query(lab, 'placement', statement, [nodeName])).length >= 3;
  });
}

async function readComputes(lab: Lab): Promise<z.infer<typeof services>['services']> {
  const path = `/os-services?binary=nova-compute&host=${nodeName}`;
  return (await ask(lab, 'compute', 'GET', path, services)).services;
}

async function readNetworkAgents(lab: Lab): Promise<z.infer<typeof networkAgents>['agents']> {
  return (await ask(lab, 'network', 'GET', `/agents?host=${nodeName}`, networkAgents)).agents;
}

function seconds(from: number): string {
  return ((Date.now() - from) / 1000).toFixed(1).padStart(5);
}
