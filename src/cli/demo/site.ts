/** Where the demo cloud of this user is. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Io } from '../io.ts';
import { stateFolder } from '../state-folder.ts';

export function demoFolder(io: Pick<Io, 'env'>): string {
  return join(stateFolder(io), 'demo');
}

/** The site file of the demo cloud, which is made first when there is none, or when it is to be made anew. */
export async function ensureDemo(io: Pick<Io, 'env'>, reset = false): Promise<string> {
  const folder = demoFolder(io);
  const site = join(folder, 'expunge.yaml');
  // Written last: a demo whose making was cut has none.
  if (!reset && existsSync(site)) return site;
  const { createDemo } = await import('../../simulator/demo/create.ts');
  return createDemo(folder);
}
