import { z } from 'zod';
import { ask, call } from './api.ts';
import { run, waitFor } from './command.ts';
import { waitServiceUp } from './nova-services.ts';
import { host, type Lab } from './paths.ts';
import { query } from './sql.ts';

/** What every server of the lab is made of. */
export interface Seed {
  readonly image: string;
  readonly network: string;
  readonly subnet: string;
  readonly flavors: Readonly<Record<FlavorName, string>>;
}

/** `m1.micro` is what a server is resized to; no host has the disk for `m1.huge`, which no quota limits. */
const flavors = {
  'm1.nano': { ram: 64, vcpus: 1, disk: 1 },
  'm1.micro': { ram: 128, vcpus: 1, disk: 1 },
  'm1.huge': { ram: 64, vcpus: 1, disk: 10_000_000 },
} as const;

export type FlavorName = keyof typeof flavors;

const named = z.array(z.object({ id: z.string(), name: z.string() }));

/** Makes the image, the flavors and the network when they are missing, and waits until a server can be placed. */
export async function seed(lab: Lab): Promise<Seed> {
  const [image, nano, micro, huge, net] = await Promise.all([
    ensureImage(lab),
    ensureFlavor(lab, 'm1.nano'),
    ensureFlavor(lab, 'm1.micro'),
    ensureFlavor(lab, 'm1.huge'),
    ensureNetwork(lab),
  ]);
  await waitForHost(lab);
  return { image, ...net, flavors: { 'm1.nano': nano, 'm1.micro': micro, 'm1.huge': huge } };
}

/** The seed of a lab that is up. */
export async function readSeed(lab: Lab): Promise<Seed> {
  const [image, net, ...ids] = await Promise.all([
    ensureImage(lab),
    ensureNetwork(lab),
    ...(['m1.nano', 'm1.micro', 'm1.huge'] as const).map((name) => ensureFlavor(lab, name)),
  ]);
  const [nano = '', micro = '', huge = ''] = ids;
  return { image, ...net, flavors: { 'm1.nano': nano, 'm1.micro': micro, 'm1.huge': huge } };
}

async function ensureImage(lab: Lab): Promise<string> {
  const { images } = await ask(
    lab,
    'image',
    'GET',
    '/images?name=tiny',
    z.object({ images: z.array(z.object({ id: z.string(), status: z.string() })) }),
  );
  const ready = images.find((image) => image.status === 'active');
  if (ready !== undefined) return ready.id;
  const fields = { name: 'tiny', disk_format: 'raw', container_format: 'bare', visibility: 'public' };
  const { id } = await ask(lab, 'image', 'POST', '/images', z.object({ id: z.string() }), fields);
  await call(lab, 'image', 'PUT', `/images/${id}/file`, { body: new Blob([new Uint8Array(1_048_576)]) });
  return id;
}

async function ensureFlavor(lab: Lab, name: FlavorName): Promise<string> {
  const known = await ask(lab, 'compute', 'GET', '/flavors', z.object({ flavors: named }));
  const found = known.flavors.find((flavor) => flavor.name === name);
  if (found !== undefined) return found.id;
  const flavor = { name, id: null, ...flavors[name] };
  const made = await ask(
    lab,
    'compute',
    'POST',
    '/flavors',
    z.object({ flavor: z.object({ id: z.string() }) }),
    { flavor },
  );
  return made.flavor.id;
}

async function ensureNetwork(lab: Lab): Promise<{ network: string; subnet: string }> {
  const networks = await ask(lab, 'network', 'GET', '/networks?name=n1', z.object({ networks: named }));
  const network = networks.networks[0]?.id ?? (await makeNetwork(lab));
  const subnets = await ask(
    lab,
    'network',
    'GET',
    `/subnets?network_id=${network}`,
    z.object({ subnets: named }),
  );
  const subnet = subnets.subnets[0]?.id ?? (await makeSubnet(lab, network));
  return { network, subnet };
}

async function makeNetwork(lab: Lab): Promise<string> {
  const shape = z.object({ network: z.object({ id: z.string() }) });
  return (await ask(lab, 'network', 'POST', '/networks', shape, { network: { name: 'n1' } })).network.id;
}

async function makeSubnet(lab: Lab, network: string): Promise<string> {
  const shape = z.object({ subnet: z.object({ id: z.string() }) });
  const subnet = { name: 's1', network_id: network, ip_version: 4, cidr: '10.9.0.0/16', enable_dhcp: false };
  return (await ask(lab, 'network', 'POST', '/subnets', shape, { subnet })).subnet.id;
}

/** The scheduler can place nothing before the host is mapped to its cell and has told Placement what it has. */
async function waitForHost(lab: Lab): Promise<void> {
  await waitFor(`nova-compute's own record of ${host}`, async () => {
    return (
      (await query(lab, 'nova', 'SELECT 1 FROM compute_nodes WHERE host = ? AND deleted = 0', [host]))
        .length > 0
    );
  });
  await waitServiceUp(lab, 'nova-compute');
  const mapped = await query(lab, 'nova_api', 'SELECT 1 FROM host_mappings WHERE host = ?', [host]);
  if (mapped.length === 0) {
    await run(['/usr/bin/nova-manage', '--config-file', `${lab.etc}/nova.conf`, 'cell_v2', 'discover_hosts']);
  }
  await waitFor(`the inventory of ${host}`, async () => {
    return (await query(lab, 'placement', 'SELECT id FROM inventories')).length >= 3;
  });
  await waitFor('the network agent', async () => {
    const shape = z.object({ agents: z.array(z.object({ alive: z.boolean() })) });
    const { agents } = await ask(lab, 'network', 'GET', '/agents', shape);
    return agents.length > 0 && agents.every((agent) => agent.alive);
  });
}
