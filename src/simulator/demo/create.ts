/** The demo cloud. */
import { type BuiltWorld, buildWorld } from '../build.ts';
import { setMeta } from '../world.ts';
import { DEMO_HOSTS, DEMO_SERVERS, type DemoServer } from './servers.ts';

/** The seed of every demo: documents can name its uuids. */
const SEED = 2026;

export interface DemoEntry extends DemoServer {
  readonly uuid: string;
}

/** Makes the demo cloud in a folder, over whatever was there. @returns path of its site file */
export async function createDemo(folder: string, options: { readonly now?: Date } = {}): Promise<string> {
  const { now } = options;
  const built = await buildWorld(folder, {
    seed: SEED,
    hosts: DEMO_HOSTS,
    servers: DEMO_SERVERS.map(({ name, state, host, ageSeconds }) => ({ name, state, host, ageSeconds })),
    ...(now === undefined ? {} : { now }),
  });
  try {
    twist(built);
    setMeta(built.world, 'demo', JSON.stringify(built.servers.map(({ uuid }) => uuid)));
  } finally {
    built.world.close();
  }
  return built.site;
}

function twist({ world, servers }: BuiltWorld): void {
  for (const [index, planted] of servers.entries())
    for (const apply of DEMO_SERVERS[index]?.twists ?? []) apply(world, planted);
}

/** The servers of a demo that was made, in the order of its list. */
export function listDemo(meta: string): readonly DemoEntry[] {
  const uuids = JSON.parse(meta) as readonly string[];
  return DEMO_SERVERS.map((server, index) => ({ ...server, uuid: uuids[index] ?? '' }));
}
