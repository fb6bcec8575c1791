import { readFile } from 'node:fs/promises';
import { digestPlan } from '../../plan/digest.ts';
import { UsageError } from '../../plan/errors.ts';
import { refuseFormat } from '../../plan/format.ts';
import type { Plan } from '../../plan/types.ts';
import type { RunRecord } from '../../run/read-run.ts';
import { explainIssue } from '../../site/config/load.ts';
import type { Given } from '../begin.ts';
import { assertCanAsk, confirmByName } from '../confirm.ts';
import type { Io } from '../io.ts';
import type { CommonOptions } from '../options.ts';
import { freshPlan } from '../pondered.ts';
import { renderData } from '../render/data.ts';
import { reasonOf } from '../render/error.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderLost } from '../render/lost.ts';
import { renderOutcome } from '../render/outcome.ts';
import { renderEarlier } from '../render/resume.ts';
import { renderSteps } from '../render/steps.ts';
import { joinParts, renderHeading, renderKept } from '../render/survey.ts';
import { assertAppliable, runPlan } from '../run-plan.ts';
import { planUuid, type RunSite, withSite } from '../session.ts';
import { refuseStale } from '../stale.ts';
import { assertNoneUnfinished, assertUnlocked, linksTo } from '../unfinished.ts';
import { withLock } from '../with-lock.ts';

type ApplyOptions = CommonOptions & { readonly yes?: boolean };

export async function apply(command: Given): Promise<number> {
  const { io, options, args } = command;
  const given = options as unknown as ApplyOptions;
  const saved = await readPlan(String(args[0]));
  assertCanAsk('apply', given, io);
  return withSite(command, async (site) => {
    if (saved.site !== site.name)
      throw new UsageError(`this plan is for the site ${saved.site}, not for ${site.name}`, {
        code: 'other-site',
      });
    await assertUnlocked(site, saved.server.uuid);
    const earlier = await assertNoneUnfinished(site, saved.server.uuid, given.site);
    assertAppliable(saved, io);
    const now = await whileLooking(io, given.format === 'text', () =>
      planUuid(site, saved.server.uuid, saved.decisions),
    );
    if (now.digest !== saved.digest) refuseStale(saved, now);
    return applyNow(site, now, earlier, given, io);
  });
}

async function applyNow(
  site: RunSite,
  shown: Plan,
  earlier: RunRecord | null,
  given: ApplyOptions,
  io: Io,
): Promise<number> {
  const text = given.format === 'text';
  const shownAt = performance.now();
  if (text)
    io.out(
      `${joinParts([
        renderHeading(shown, io),
        earlier === null ? '' : renderEarlier(earlier, io),
        renderSteps(shown, io, null),
        renderLost(shown, io),
        given.yes ? '' : renderKept(shown, io),
      ])}\n`,
    );
  if (given.yes !== true) await confirmByName(shown, io);
  const prepare = async () => {
    await assertNoneUnfinished(site, shown.server.uuid, given.site);
    return freshPlan(shown, shownAt, { io, text }, () => planUuid(site, shown.server.uuid, shown.decisions));
  };
  return withLock(site, shown.server.uuid, io, prepare, async (plan, lock) => {
    const report = await runPlan(site, plan, io, !text, {
      lock,
      said: given.site,
      links: linksTo(earlier),
    });
    if (text) io.out(renderOutcome(plan, report, io, { kept: given.yes !== true, site: given.site }));
    else
      io.out(
        await renderData(given.format === 'yaml' ? 'yaml' : 'json', 'apply', report.exitCode, [
          { plan, ...report },
        ]),
      );
    return report.exitCode;
  });
}

/** @throws UsageError for a file that is no plan, or one of which a byte was changed */
async function readPlan(path: string): Promise<Plan> {
  let data: unknown;
  try {
    data = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`cannot read the plan ${path}: ${reasonOf(error)}`, {
      code: 'plan-file-unreadable',
    });
  }
  const { plan: schema } = await import('../../plan/schema.ts');
  const parsed = schema.safeParse(data);
  if (!parsed.success)
    throw (
      refuseFormat(path, data) ??
      new UsageError(`${path} is not a plan: ${explainIssue(parsed.error)}`, {
        code: 'plan-file-invalid',
      })
    );
  const { digest, ...rest } = parsed.data;
  if (digestPlan(rest) !== digest)
    throw new UsageError(`${path} was changed since it was made: its digest does not match`, {
      code: 'plan-file-changed',
      hint: 'make the plan again',
    });
  return parsed.data;
}
