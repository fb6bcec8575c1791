/** The demo cloud. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '../../plan/errors.ts';
import { buildWorld } from '../build.ts';
import { readMeta, setMeta, type World } from '../world.ts';
import { DEMO_HOSTS, DEMO_SERVERS, type DemoServer } from './servers.ts';

/** The seed of every demo: documents can name its uuids. */
const SEED = 2026;

export interface DemoEntry extends DemoServer {
  readonly uuid: string;
}

/**
 * Makes the demo cloud beside its folder and then puts it there as a whole: of two that are made at once one is kept, and nobody sees
 * half of one. One that is there stays, unless it is to be made anew.
 *
 * @returns path of its site file
 */
export async function createDemo(
  folder: string,
  options: { readonly now?: Date; readonly reset?: boolean } = {},
): Promise<string> {
  const { now, reset = true } = options;
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  const draft = mkdtempSync(`${folder}.`);
  try {
    const { world, servers } = await buildWorld(draft, {
      seed: SEED,
      home: folder,
      hosts: DEMO_HOSTS,
      servers: DEMO_SERVERS,
      ...(now === undefined ? {} : { now }),
    });
    setMeta(world, 'demo', JSON.stringify(servers.map(({ name, uuid }) => ({ name, uuid }))));
    world.close();
    if (reset) rmSync(folder, { recursive: true, force: true });
    moveUnlessThere(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return join(folder, 'expunge.yaml');
}

function moveUnlessThere(draft: string, folder: string): void {
  try {
    renameSync(draft, folder);
  } catch (error) {
    const there = hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST');
    if (!there || !existsSync(join(folder, 'expunge.yaml'))) throw error;
  }
}

/** The servers of a demo that was made, in the order of its list; null when another version of expunge made it, with other servers. */
export function listDemo(world: World): readonly DemoEntry[] | null {
  const made = JSON.parse(readMeta(world, 'demo') ?? '[]') as readonly { name: string; uuid: string }[];
  const same =
    made.length === DEMO_SERVERS.length && made.every(({ name }, i) => name === DEMO_SERVERS[i]?.name);
  return same ? DEMO_SERVERS.map((server, i) => ({ ...server, uuid: made[i]?.uuid ?? '' })) : null;
}
