import { z } from 'zod';
import { ask, call } from './api.ts';
import { run, waitFor } from './command.ts';
import { settle } from './delta/settle.ts';
import type { Lab } from './paths.ts';
import { type FlavorName, readSeed } from './seed.ts';

export interface LabServer {
  readonly id: string;
  readonly name: string;
  /** The port that the user made beforehand; Nova unbinds it on delete and does not remove it. */
  readonly prePort: string | undefined;
}

export interface ServerOptions {
  readonly name: string;
  readonly prePort?: boolean;
  /** The port made beforehand is the parent of a trunk with one subport. Neutron must have the plug-in. */
  readonly trunk?: boolean;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly flavor?: FlavorName;
  readonly consoleToken?: boolean;
  /** The compute host that it shall be placed on; without it Nova chooses. */
  readonly host?: string;
  /** As `setPlugging` has the agent do it; only the hybrid way has firewall rules to wait for. */
  readonly plugging?: 'hybrid' | 'native';
}

const withId = z.object({ id: z.string() });
const serverState = z.object({
  server: z.object({
    id: z.string(),
    status: z.string(),
    'OS-EXT-STS:task_state': z.string().nullable(),
    'OS-EXT-STS:vm_state': z.string(),
    fault: z.object({ message: z.string() }).optional(),
  }),
});

type ServerState = z.infer<typeof serverState>['server'];

/** Boots a server and waits until it is active and the agents have finished their work for it. */
export async function createServer(lab: Lab, options: ServerOptions): Promise<LabServer> {
  const server = await requestServer(lab, options);
  await waitForStatus(lab, server, 'ACTIVE');
  if (options.consoleToken ?? true) await askConsole(lab, server);
  await waitForPorts(lab, server, options.plugging ?? 'hybrid');
  await settle(lab);
  return server;
}

/** Asks for a server and does not wait for it. */
export async function requestServer(lab: Lab, options: ServerOptions): Promise<LabServer> {
  const seed = await readSeed(lab);
  const prePort =
    (options.prePort ?? true) ? await createPort(lab, `pre-${options.name}`, seed.network) : undefined;
  if (options.trunk === true && prePort !== undefined) {
    const subport = await createPort(lab, `sub-${options.name}`, seed.network);
    await createTrunk(lab, options.name, { parent: prePort, subport });
  }
  const networks = [{ uuid: seed.network }, ...(prePort === undefined ? [] : [{ port: prePort }])];
  const made = await ask(lab, 'compute', 'POST', '/servers', z.object({ server: withId }), {
    server: {
      name: options.name,
      imageRef: seed.image,
      flavorRef: seed.flavors[options.flavor ?? 'm1.nano'],
      networks,
      metadata: options.metadata ?? { purpose: 'lab' },
      tags: options.tags ?? ['t1'],
      security_groups: [{ name: 'default' }],
      ...(options.host === undefined ? {} : { host: options.host }),
    },
  });
  return { id: made.server.id, name: options.name, prePort };
}

async function createPort(lab: Lab, name: string, network: string): Promise<string> {
  const body = { port: { name, network_id: network } };
  return (await ask(lab, 'network', 'POST', '/ports', z.object({ port: withId }), body)).port.id;
}

/** Of ports that are there. @returns the trunk's id */
export async function createTrunk(
  lab: Lab,
  name: string,
  { parent, subport }: { readonly parent: string; readonly subport: string },
): Promise<string> {
  const tagged = { port_id: subport, segmentation_type: 'vlan', segmentation_id: 101 };
  const body = { trunk: { name, port_id: parent, sub_ports: [tagged] } };
  return (await ask(lab, 'network', 'POST', '/trunks', z.object({ trunk: withId }), body)).trunk.id;
}

/** A console url, asked for as a user does: it leaves a row in console_auth_tokens. */
async function askConsole(lab: Lab, server: LabServer): Promise<void> {
  const body = { remote_console: { protocol: 'vnc', type: 'novnc' } };
  await call(lab, 'compute', 'POST', `/servers/${server.id}/remote-consoles`, { body });
}

async function readServer(lab: Lab, server: LabServer): Promise<ServerState | undefined> {
  const answer = await call(lab, 'compute', 'GET', `/servers/${server.id}`, { allow: [404] });
  return answer.status === 404 ? undefined : serverState.parse(answer.body).server;
}

export async function waitForStatus(
  lab: Lab,
  server: LabServer,
  status: string,
  options: { readonly timeoutMs?: number } = {},
): Promise<void> {
  const hasIt = async (): Promise<boolean> => {
    const state = await readServer(lab, server);
    if (state === undefined) throw new Error(`${server.name} is gone, it should become ${status}`);
    if (state.status === 'ERROR' && status !== 'ERROR') {
      throw new Error(`${server.name} is in error: ${state.fault?.message ?? 'no fault recorded'}`);
    }
    return state.status === status && state['OS-EXT-STS:task_state'] === null;
  };
  await waitFor(`${server.name} to be ${status}`, hasIt, options);
}

export async function serverAction(
  lab: Lab,
  server: LabServer,
  action: string,
  body: unknown = null,
): Promise<unknown> {
  const answer = await call(lab, 'compute', 'POST', `/servers/${server.id}/action`, {
    body: { [action]: body },
  });
  return answer.body;
}

export async function requestDelete(lab: Lab, server: LabServer): Promise<void> {
  await call(lab, 'compute', 'DELETE', `/servers/${server.id}`);
}

/** Nova's own delete, to the very end: row, ports and host. */
export async function deleteServer(lab: Lab, server: LabServer): Promise<void> {
  await requestDelete(lab, server);
  await waitGone(lab, server);
  await waitFor(`the ports of ${server.name} to be let go`, async () => {
    const ports = await listPorts(lab, `device_id=${server.id}`);
    if (ports.length > 0) return false;
    if (server.prePort === undefined) return true;
    const [kept] = await listPorts(lab, `id=${server.prePort}`);
    return kept?.status === 'DOWN';
  });
  await settle(lab);
}

export async function waitGone(lab: Lab, server: LabServer): Promise<void> {
  await waitFor(`Nova to delete ${server.name}`, async () => (await readServer(lab, server)) === undefined);
}

/** A snapshot of the user's own, which is no business of a delete. */
export async function createSnapshot(lab: Lab, server: LabServer, name: string): Promise<string> {
  const shape = z.object({ image_id: z.string() });
  const { image_id: image } = shape.parse(await serverAction(lab, server, 'createImage', { name }));
  await waitFor(`the snapshot ${name}`, async () => {
    const { status } = await ask(lab, 'image', 'GET', `/images/${image}`, z.object({ status: z.string() }));
    return status === 'active';
  });
  await waitForStatus(lab, server, 'ACTIVE');
  return image;
}

export async function waitForPorts(
  lab: Lab,
  server: LabServer,
  plugging: 'hybrid' | 'native' = 'hybrid',
): Promise<void> {
  await waitFor(`the ports of ${server.name} to be active, with their rules`, async () => {
    const ports = await listPorts(lab, `device_id=${server.id}`);
    if (ports.length === 0 || ports.some((port) => port.status !== 'ACTIVE')) return false;
    if (plugging === 'native') return true;
    const rules = (await run(['iptables-save', '-t', 'filter'])).stdout;
    return ports.every((port) => rules.includes(`neutron-openvswi-i${port.id.slice(0, 10)}`));
  });
}

async function listPorts(lab: Lab, filter: string): Promise<readonly { id: string; status: string }[]> {
  const shape = z.object({ ports: z.array(z.object({ id: z.string(), status: z.string() })) });
  return (await ask(lab, 'network', 'GET', `/ports?${filter}`, shape)).ports;
}

/** Has Nova take away what a broken server left, as far as it can: for a scenario that was played without expunge. */
export async function giveUp(lab: Lab, server: LabServer): Promise<void> {
  if ((await readServer(lab, server)) !== undefined) await deleteInError(lab, server);
  // A row that is gone leaves the domain to the reaper of nova-compute, which comes a little after the start.
  await waitFor(`the domain of ${server.name} to be gone`, async () => {
    return (await run(['virsh', 'domstate', server.id], { allow: [1] })).code === 1;
  });
  await settle(lab);
}

async function deleteInError(lab: Lab, server: LabServer): Promise<void> {
  await call(lab, 'compute', 'POST', `/servers/${server.id}/action`, {
    body: { 'os-resetState': { state: 'error' } },
    // Nova fails where there is a build request and no row.
    allow: [404, 409, 500],
  });
  await call(lab, 'compute', 'DELETE', `/servers/${server.id}`, { allow: [404, 409] });
  await waitGone(lab, server);
}
