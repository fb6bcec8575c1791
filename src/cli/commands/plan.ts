import { rm, writeFile } from 'node:fs/promises';
import { hasCode, UsageError } from '../../plan/errors.ts';
import type { Plan } from '../../plan/types.ts';
import { actInContainers } from '../../site/command/containers.ts';
import type { Given } from '../begin.ts';
import type { Screen } from '../io.ts';
import { type CommonOptions, type DecisionOptions, decisionsFrom } from '../options.ts';
import { renderData, reportsOf } from '../render/data.ts';
import { reasonOf } from '../render/error.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderLost } from '../render/lost.ts';
import { renderNext, siteWords } from '../render/next.ts';
import { plain } from '../render/plain.ts';
import { shellWord } from '../render/shell-word.ts';
import { type RenderAct, renderSteps } from '../render/steps.ts';
import {
  block,
  joinParts,
  LONG,
  renderHeading,
  renderKept,
  renderObstacles,
  renderWhere,
} from '../render/survey.ts';
import { planEach, type ReadSite, withSite } from '../session.ts';
import { blockingRuns } from '../unfinished.ts';

type PlanOptions = CommonOptions &
  DecisionOptions & { readonly output?: string; readonly commands?: boolean };

export async function plan(command: Given): Promise<number> {
  const { io, options, args } = command;
  const given = options as unknown as PlanOptions;
  const servers = args[0] as readonly string[];
  if (given.output !== undefined && servers.length > 1)
    throw new UsageError('a plan file holds one server: ask for one at a time', {
      code: 'one-server-per-file',
    });
  return withSite(command, async (site: ReadSite) => {
    const plans = await whileLooking(io, given.format === 'text', () =>
      planEach(site, servers, decisionsFrom(given)),
    );
    const blocking = await blockingRuns(site, plans);
    const exitCode = Math.max(...plans.map(planExit));
    for (const one of plans) if (given.output !== undefined) await savePlan(given.output, one);
    if (given.format !== 'text')
      io.out(await renderData(given.format, 'plan', exitCode, reportsOf(plans, blocking)));
    else {
      const renderAct = given.commands ? await rendererFor(site) : null;
      io.out(plans.map((p, i) => renderPlan(p, io, given, renderAct, blocking[i])).join('\n\n'));
    }
    return exitCode;
  });
}

/** Word for word is as it is run: where a program is in a container, its engine stands before it. */
async function rendererFor(site: ReadSite): Promise<RenderAct> {
  const { renderAct } = await import('../render/act.ts');
  return (act, columns) => {
    const containers = act.door === 'command' ? site.reader.host(act.host)?.containers : null;
    return renderAct(containers ? actInContainers(containers, act) : act, columns);
  };
}

/** 3: apply would refuse it. 4: it is not known whether this is all. */
function planExit(one: Plan): number {
  if (one.unknown.length > 0) return 4;
  return one.refusals.length > 0 ? 3 : 0;
}

export function renderPlan(
  one: Plan,
  screen: Screen,
  { output, site }: { readonly output?: string; readonly site?: string },
  renderAct: RenderAct | null,
  blocking: string | null = null,
): string {
  return joinParts([
    renderHeading(one, screen),
    renderWhere(one, screen),
    renderSteps(one, screen, renderAct),
    renderLost(one, screen),
    renderKept(one, screen),
    renderObstacles(one, screen),
    output !== undefined && blocking !== null ? `Plan saved in ${plain(output, LONG)}.\n` : '',
    output === undefined || blocking !== null
      ? renderNext(one, screen.columns, site, ['purge'], blocking)
      : renderSaved(one, output, site),
  ]);
}

function renderSaved(one: Plan, output: string, site: string | undefined): string {
  const saved = `Plan saved in ${plain(output, LONG)}.`;
  if (planExit(one) !== 0) return `${saved} As it is, apply does not begin it.\n`;
  const words = ['expunge', 'apply', shellWord(output), ...siteWords(site)];
  return block([saved, `Next: ${words.join(' ')}`]);
}

/** 0600: a plan tells where things are, and its cache keys open consoles until it is done. */
async function savePlan(path: string, one: Plan): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(one, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const exists = hasCode(error, 'EEXIST');
    // Half of it would stand in the way of the next one. Why it could not be written says more than why it could not be tidied up.
    if (!exists) await rm(path, { force: true }).catch(() => {});
    throw new UsageError(exists ? `${path} is there already` : `cannot write ${path}: ${reasonOf(error)}`, {
      code: 'plan-file-unwritable',
    });
  }
}
