import { basename } from 'node:path';
import { awaitedHosts } from '../../run/make-plan.ts';
import { type ListedRun, listRuns } from '../../run/runs.ts';
import type { Given } from '../begin.ts';
import type { CommonOptions } from '../options.ts';
import { serialise } from '../render/data.ts';
import { renderRuns } from '../render/runs.ts';
import { withSite } from '../session.ts';

export async function runs({ io, options, ...command }: Given): Promise<number> {
  const { format, site: said } = options as unknown as CommonOptions;
  return withSite({ io, options, ...command }, async (site) => {
    const listed = await listRuns(site.runs, site.name);
    if (format === 'text') io.out(renderRuns({ folder: site.runs, ...listed }, io, said));
    else
      io.out(
        await serialise(format, {
          format: 1,
          command: 'runs',
          exitCode: 0,
          folder: site.runs,
          runs: listed.runs.map(describe),
          unreadable: listed.unreadable.map(({ folder, why }) => ({ run: basename(folder), why })),
        }),
      );
    return 0;
  });
}

function describe({ record, state, undoneBy: undo, followedBy: next }: ListedRun) {
  const { folder, plan, begunAt, by, links, acted, announced, abandoned } = record;
  return {
    run: basename(folder),
    server: { uuid: plan.server.uuid, name: plan.server.name },
    begunAt,
    by,
    state,
    waitsFor: state === 'open' ? awaitedHosts(plan) : [],
    steps: { planned: plan.steps.length, acted: acted.length, withoutResult: announced.map(({ id }) => id) },
    continues: links.continues ?? null,
    undoes: links.undoes ?? null,
    undoneBy: undo === null ? null : basename(undo.folder),
    followedBy: next === null ? null : basename(next.folder),
    abandoned,
  };
}
