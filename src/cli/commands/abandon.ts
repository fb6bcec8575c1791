import { basename } from 'node:path';
import { UsageError } from '../../plan/errors.ts';
import { abandonRun } from '../../run/abandon.ts';
import { type RunRecord, readRun } from '../../run/read-run.ts';
import { type RunState, standingOf } from '../../run/runs.ts';
import type { Given } from '../begin.ts';
import { assertSameSite, findRun } from '../find-run.ts';
import type { CommonOptions } from '../options.ts';
import { serialise } from '../render/data.ts';
import { renderAbandoned } from '../render/resume.ts';
import { sayWhoGaveUp } from '../render/run-state.ts';
import { type RunSite, withSite } from '../session.ts';
import { assertUnlocked } from '../unfinished.ts';

type AbandonOptions = CommonOptions & { readonly why?: string };

/** Gives a run up. The cloud is not touched, and not asked. */
export async function abandon(command: Given): Promise<number> {
  const { io, options, args } = command;
  const given = options as unknown as AbandonOptions;
  return withSite(command, async (site) => {
    const run = await readRun(await findRun(site.runs, String(args[0])));
    assertSameSite(run, site);
    const state = await assertAbandonable(run, site);
    const abandoned = await abandonRun(run.folder, given.why ?? null, new Date());
    if (given.format === 'text') io.out(renderAbandoned(run, state, io, given.site));
    else
      io.out(
        await serialise(given.format, {
          format: 1,
          command: 'abandon',
          exitCode: 0,
          run: basename(run.folder),
          server: { uuid: run.plan.server.uuid, name: run.plan.server.name },
          state,
          abandoned,
        }),
      );
    return 0;
  });
}

/**
 * @returns how the run stands
 * @throws UsageError for one that nothing is left of, or whose process lives; RefusedError when somebody is at work on the server
 */
async function assertAbandonable(run: RunRecord, site: RunSite): Promise<RunState> {
  const name = basename(run.folder);
  const no = (code: string, sentence: string, hint: string) => {
    throw new UsageError(`${name} ${sentence}`, { code, hint });
  };
  const nothing = 'there is nothing to give up; runs tells how it stands';
  const { abandoned, links, plan } = run;
  if (links.undoes !== undefined) no('run-is-undo', 'is the undo of a run', nothing);
  if (abandoned !== null) no('run-abandoned', `was given up before by ${sayWhoGaveUp(abandoned)}`, nothing);
  const { state, undoneBy: undo, followedBy: next } = await standingOf(site.runs, run);
  if (undo !== null) no('run-undone', `was taken back by ${basename(undo.folder)}`, nothing);
  if (next !== null) no('run-continued', `was gone on with by ${basename(next.folder)}`, nothing);
  if (state === 'complete') no('run-complete', 'is complete', nothing);
  if (state === 'running')
    no('run-still-going', `is still going, as process ${run.by?.pid}`, 'wait for its end, or stop it');
  await assertUnlocked(site, plan.server.uuid);
  return state;
}
