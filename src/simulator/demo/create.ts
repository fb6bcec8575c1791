/** The demo cloud. */
import { buildWorld } from '../build.ts';
import { readMeta, setMeta, type World } from '../world.ts';
import { DEMO_HOSTS, DEMO_SERVERS, type DemoServer } from './servers.ts';

/** The seed of every demo: documents can name its uuids. */
const SEED = 2026;

export interface DemoEntry extends DemoServer {
  readonly uuid: string;
}

/** Makes the demo cloud in a folder, over whatever was there. @returns path of its site file */
export async function createDemo(folder: string, options: { readonly now?: Date } = {}): Promise<string> {
  const { now } = options;
  const { world, servers, site } = await buildWorld(folder, {
    seed: SEED,
    hosts: DEMO_HOSTS,
    servers: DEMO_SERVERS,
    ...(now === undefined ? {} : { now }),
  });
  setMeta(world, 'demo', JSON.stringify(servers.map(({ name, uuid }) => ({ name, uuid }))));
  world.close();
  return site;
}

/** The servers of a demo that was made, in the order of its list; null when another version of expunge made it, with other servers. */
export function listDemo(world: World): readonly DemoEntry[] | null {
  const made = JSON.parse(readMeta(world, 'demo') ?? '[]') as readonly { name: string; uuid: string }[];
  const same =
    made.length === DEMO_SERVERS.length && made.every(({ name }, i) => name === DEMO_SERVERS[i]?.name);
  return same ? DEMO_SERVERS.map((server, i) => ({ ...server, uuid: made[i]?.uuid ?? '' })) : null;
}
