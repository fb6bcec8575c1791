/** Where the demo cloud of this user is. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../plan/errors.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../render/error.ts';
import { stateFolder } from '../state-folder.ts';

export function demoFolder(io: Pick<Io, 'env'>): string {
  return join(stateFolder(io), 'demo');
}

/**
 * The site file of the demo cloud, which is made first when there is none, or when it is to be made anew.
 *
 * @throws UsageError when it cannot be written there
 */
export async function ensureDemo(io: Pick<Io, 'env'>, reset = false): Promise<string> {
  const folder = demoFolder(io);
  const site = join(folder, 'expunge.yaml');
  if (!reset && existsSync(site)) return site;
  const { createDemo } = await import('../../simulator/demo/create.ts');
  try {
    return await createDemo(folder, { reset });
  } catch (error) {
    throw new UsageError(`the demo cloud cannot be made in ${folder}: ${reasonOf(error)}`, {
      code: 'demo-unwritable',
      hint: 'XDG_STATE_HOME says where it goes',
    });
  }
}

export function damagedDemo(io: Pick<Io, 'env'>): UsageError {
  return new UsageError(`the demo cloud in ${demoFolder(io)} is damaged`, {
    code: 'simulator-unusable',
    hint: 'make it anew: expunge demo --reset',
  });
}
