/** A whole world from a few lines: which hosts there are and how they fare, which servers and in what state. */
import { cutHost, freezeCompute, giveUpCompute, killCompute } from './agents/states.ts';
import { type Planted, plantCloud, plantHost, plantServer } from './plant.ts';
import { plantVolumes, type VolumeDescription } from './plant-volumes.ts';
import { loadCloud, loadHost, loadServer, type State } from './recordings.ts';
import { writeSiteFiles } from './site-files.ts';
import { createWorld, setMeta, type World } from './world.ts';

/** `hung`: frozen, and RabbitMQ has given up on it. `cut`: nothing answers there, neither ssh nor nova-compute. */
export type HostState = 'alive' | 'frozen' | 'hung' | 'dead' | 'cut';

export interface ServerDescription {
  readonly name: string;
  readonly state: State;
  readonly host: string;
  /** how long ago it got into its state; default: an hour */
  readonly ageSeconds?: number;
  readonly uuid?: string;
  readonly volumes?: readonly VolumeDescription[];
  /** what else is the matter with it, done when all servers are there */
  readonly twists?: readonly Twist[];
}

/** A small change to the world that makes a server other than it was recorded. */
export type Twist = (world: World, server: Planted) => void;

export interface WorldDescription {
  /** the same number gives the same uuids, addresses and names; default 1 */
  readonly seed?: number;
  /** where the world's clock stands; without it the clock goes */
  readonly now?: Date;
  /** the folder that its site file is to name, where that is another than the one it is made in */
  readonly home?: string;
  readonly hosts: Readonly<Record<string, HostState>>;
  readonly servers: readonly ServerDescription[];
}

export interface BuiltWorld {
  readonly world: World;
  /** in the order in which they were described */
  readonly servers: readonly Planted[];
  /** path of the site file */
  readonly site: string;
}

const AN_HOUR = 3_600;
const MEMCACHED = ['127.0.0.1:11211'];

/**
 * Replaces whatever world was in the folder.
 *
 *     const { world, servers } = await buildWorld(folder, {
 *       hosts: { 'cmp-1': 'dead' },
 *       servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1', volumes: [{ target: 'shared' }] }],
 *     });
 */
export async function buildWorld(folder: string, description: WorldDescription): Promise<BuiltWorld> {
  const { now, hosts } = description;
  const world = await createWorld(folder, now === undefined ? {} : { now });
  setMeta(world, 'seed', String(description.seed ?? 1));
  setMeta(world, 'memcached', JSON.stringify(MEMCACHED));
  plantCloud(world, await loadCloud());
  const recordedHost = await loadHost();
  for (const name of Object.keys(hosts))
    plantHost(world, recordedHost, { name, instances: '/var/lib/nova/instances' });
  const planted: Planted[] = [];
  for (const { state, twists: _, volumes: __, ...server } of description.servers)
    planted.push(plantServer(world, await loadServer(state), { ageSeconds: AN_HOUR, ...server }));
  const servers = await plantVolumes(world, planted, description.servers);
  for (const [name, state] of Object.entries(hosts)) {
    if (state === 'frozen' || state === 'hung') freezeCompute(world, name);
    if (state === 'hung') giveUpCompute(world, name);
    if (state === 'dead' || state === 'cut') killCompute(world, name);
    if (state === 'cut') cutHost(world, name);
  }
  for (const [index, server] of servers.entries())
    for (const twist of description.servers[index]?.twists ?? []) twist(world, server);
  // Last of all: without a site file a world that was cut while it was made is none.
  return { world, servers, site: writeSiteFiles(world, description.home) };
}
