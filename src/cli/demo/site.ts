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
 * @throws UsageError when it cannot be written there, or the folder of runs cannot be read; ActError when that cannot be written
 */
export async function ensureDemo(io: Pick<Io, 'env'>, reset = false): Promise<string> {
  const folder = demoFolder(io);
  const site = join(folder, 'expunge.yaml');
  if (!reset && existsSync(site)) return site;
  const { createDemo } = await import('../../simulator/demo/create.ts');
  let made: string;
  try {
    made = await createDemo(folder, { reset });
  } catch (error) {
    throw new UsageError(`the demo cloud cannot be made in ${folder}: ${reasonOf(error)}`, {
      code: 'demo-unwritable',
      hint: 'XDG_STATE_HOME says where it goes',
    });
  }
  await giveUpRuns(join(stateFolder(io), 'runs'), folder);
  return made;
}

/**
 * Of runs on the cloud that was there before nothing is left to do: on the new one, whose servers bear the same uuids, they would keep them
 * from being purged. By those uuids they are known: a real cloud may be called demo too.
 */
async function giveUpRuns(runsDir: string, demo: string): Promise<void> {
  const [{ isUnfinished, listRuns }, { abandonRun }, { openWholeWorld }, { listDemo }] = await Promise.all([
    import('../../run/runs.ts'),
    import('../../run/abandon.ts'),
    import('../../simulator/world.ts'),
    import('../../simulator/demo/create.ts'),
  ]);
  const world = openWholeWorld(demo);
  const uuids = new Set((listDemo(world) ?? []).map(({ uuid }) => uuid));
  world.close();
  const { runs } = await listRuns(runsDir, 'demo');
  for (const run of runs)
    if (uuids.has(run.record.plan.server.uuid) && isUnfinished(run) && run.state !== 'running')
      await abandonRun(run.record.folder, 'the demo cloud was made anew', new Date());
}

export function damagedDemo(io: Pick<Io, 'env'>): UsageError {
  return new UsageError(`the demo cloud in ${demoFolder(io)} is damaged`, {
    code: 'simulator-unusable',
    hint: 'make it anew: expunge demo --reset',
  });
}
