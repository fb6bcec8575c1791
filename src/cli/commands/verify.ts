import type { Plan } from '../../plan/types.ts';
import { isClean, waitsOnly } from '../../run/make-plan.ts';
import type { Given } from '../begin.ts';
import type { Screen } from '../io.ts';
import { type CommonOptions, type DecisionOptions, decisionsFrom } from '../options.ts';
import { renderData, reportsOf } from '../render/data.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderVerdict } from '../render/outcome.ts';
import { joinParts, renderHeading, renderKept, renderObstacles, renderRemains } from '../render/survey.ts';
import { planEach, type ReadSite, withSite } from '../session.ts';
import { blockingRuns } from '../unfinished.ts';

export async function verify(command: Given): Promise<number> {
  const { io, options, args } = command;
  const common = options as unknown as CommonOptions & DecisionOptions;
  return withSite(command, async (site: ReadSite) => {
    const plans = await whileLooking(io, common.format === 'text', () =>
      planEach(site, args[0] as readonly string[], decisionsFrom(common)),
    );
    const blocking = await blockingRuns(site, plans);
    const exitCode = Math.max(...plans.map(verdict));
    if (common.format !== 'text')
      io.out(await renderData(common.format, 'verify', exitCode, reportsOf(plans, blocking)));
    else {
      io.out(plans.map((plan, i) => renderVerification(plan, io, common.site, blocking[i])).join('\n\n'));
    }
    return exitCode;
  });
}

/** Not knowing weighs more than something being left: 4 over 1. */
function verdict(plan: Plan): number {
  if (plan.unknown.length > 0 || waitsOnly(plan)) return 4;
  return isClean(plan) ? 0 : 1;
}

export function renderVerification(
  plan: Plan,
  screen: Screen,
  site: string | undefined,
  blocking: string | null = null,
): string {
  // What waits for a host is told of by itself.
  const ended =
    blocking === null || waitsOnly(plan) ? undefined : { run: blocking, finished: false, kept: [] };
  return joinParts([
    renderHeading(plan, screen),
    renderRemains(plan, screen),
    renderKept(plan, screen),
    // What is refused is not gone: verify says so too.
    renderObstacles(plan, screen),
    isClean(plan) ? '' : renderVerdict(plan, screen, site, ended),
  ]);
}
