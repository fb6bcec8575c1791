import { readFile } from 'node:fs/promises';
import { digestPlan } from '../../plan/digest.ts';
import { UsageError } from '../../plan/errors.ts';
import type { Plan } from '../../plan/types.ts';
import { explainIssue } from '../../site/config/load.ts';
import type { Given } from '../begin.ts';
import { assertCanAsk, confirmByName } from '../confirm.ts';
import type { CommonOptions } from '../options.ts';
import { renderData } from '../render/data.ts';
import { reasonOf } from '../render/error.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderOutcome } from '../render/outcome.ts';
import { renderSteps } from '../render/steps.ts';
import { joinParts, renderHeading, renderKept } from '../render/survey.ts';
import { assertAppliable, runPlan } from '../run-plan.ts';
import { planUuid, withSite } from '../session.ts';
import { refuseStale } from '../stale.ts';

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
    assertAppliable(saved, io);
    const now = await whileLooking(io, given.format === 'text', () =>
      planUuid(site, saved.server.uuid, saved.decisions),
    );
    if (now.digest !== saved.digest) refuseStale(saved, now);
    const text = given.format === 'text';
    if (text)
      io.out(
        `${joinParts([renderHeading(now, io), renderSteps(now, io, null), given.yes ? '' : renderKept(now, io)])}\n`,
      );
    if (given.yes !== true) await confirmByName(now, io);
    const report = await runPlan(site, now, io, !text);
    if (!text)
      io.out(
        await renderData(given.format === 'yaml' ? 'yaml' : 'json', 'apply', report.exitCode, [
          { plan: now, ...report },
        ]),
      );
    else io.out(renderOutcome(now, report, io, { kept: given.yes !== true, site: given.site }));
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
    throw new UsageError(`${path} is not a plan: ${explainIssue(parsed.error)}`, {
      code: 'plan-file-invalid',
    });
  const { digest, ...rest } = parsed.data;
  if (digestPlan(rest) !== digest)
    throw new UsageError(`${path} was changed since it was made: its digest does not match`, {
      code: 'plan-file-changed',
      hint: 'make the plan again',
    });
  return parsed.data;
}
