import { z } from 'zod';
import { type RunResult, run } from '../command.ts';
import type { Lab } from '../paths.ts';
import { type CephUser, cephPaths } from './paths.ts';

const names = z.array(z.string());
const records = z.array(
  z.object({
    image: z.string(),
    snapshot: z.string().optional(),
    size: z.number(),
    protected: z.enum(['true', 'false']).optional(),
  }),
);
const status = z.object({ watchers: z.array(z.object({ address: z.string(), client: z.number() })) });
const snapshots = z.array(z.object({ name: z.string(), protected: z.enum(['true', 'false']) }));

export interface RbdSnapshot {
  readonly name: string;
  readonly isProtected: boolean;
}

/** The `rbd` command of one pool, as Nova's or Cinder's user. */
export function rbd(lab: Lab, user: CephUser, pool: string, args: readonly string[]): Promise<RunResult> {
  return run(['rbd', '--id', user, '--conf', cephPaths(lab).conf, '-p', pool, ...args], {
    timeoutMs: 60_000,
  });
}

export async function listImages(lab: Lab, pool: string): Promise<readonly string[]> {
  return names.parse(await askRbd(lab, pool, ['ls']));
}

/** Images and their snapshots: a snapshot is a record of its own, after its image's. Sizes in bytes. */
export async function listImageRecords(lab: Lab, pool: string): Promise<z.infer<typeof records>> {
  return records.parse(await askRbd(lab, pool, ['ls', '--long']));
}

/** Clients that have an image open, as `10.77.0.1:0/2187418577`: their address and a number of their own. */
export async function listWatchers(lab: Lab, pool: string, image: string): Promise<readonly string[]> {
  const { watchers } = status.parse(await askRbd(lab, pool, ['status', image]));
  return watchers.map((watcher) => watcher.address);
}

export async function listSnapshots(lab: Lab, pool: string, image: string): Promise<readonly RbdSnapshot[]> {
  const found = snapshots.parse(await askRbd(lab, pool, ['snap', 'ls', image]));
  return found.map((snapshot) => ({ name: snapshot.name, isProtected: snapshot.protected === 'true' }));
}

async function askRbd(lab: Lab, pool: string, args: readonly string[]): Promise<unknown> {
  return JSON.parse((await rbd(lab, 'nova', pool, [...args, '--format', 'json'])).stdout);
}
