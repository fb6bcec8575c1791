import type { Plan } from '../../plan/types.ts';
import type { Given } from '../begin.ts';
import type { Screen } from '../io.ts';
import { type CommonOptions, type DecisionOptions, decisionsFrom } from '../options.ts';
import { renderData, reportsOf } from '../render/data.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderNext } from '../render/next.ts';
import { joinParts, renderHeading, renderKept, renderObstacles, renderRemains } from '../render/survey.ts';
import { planEach, type ReadSite, withSite } from '../session.ts';
import { blockingRuns } from '../unfinished.ts';

export async function inspect(command: Given): Promise<number> {
  const { io, options, args } = command;
  const common = options as unknown as CommonOptions & DecisionOptions;
  const servers = args[0] as readonly string[];
  return withSite(command, async (site: ReadSite) => {
    const plans = await whileLooking(io, common.format === 'text', () =>
      planEach(site, servers, decisionsFrom(common)),
    );
    const blocking = await blockingRuns(site, plans);
    const exitCode = plans.some((plan) => plan.unknown.length > 0 || plan.deferred !== undefined) ? 4 : 0;
    if (common.format !== 'text') {
      io.out(await renderData(common.format, 'inspect', exitCode, reportsOf(plans, blocking)));
      return exitCode;
    }
    io.out(plans.map((plan, i) => renderInspection(plan, io, common.site, blocking[i])).join('\n\n'));
    return exitCode;
  });
}

export function renderInspection(
  plan: Plan,
  screen: Screen,
  site: string | undefined,
  blocking: string | null = null,
): string {
  return joinParts([
    renderHeading(plan, screen),
    renderRemains(plan, screen),
    renderKept(plan, screen),
    renderObstacles(plan, screen),
    renderNext(plan, screen.columns, site, ['plan', 'purge'], blocking),
  ]);
}
