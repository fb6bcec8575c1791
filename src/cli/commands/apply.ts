import { readFile } from 'node:fs/promises';
import { digestPlan } from '../../plan/digest.ts';
import { UsageError } from '../../plan/errors.ts';
import { refuseFormat } from '../../plan/format.ts';
import { parseJson } from '../../plan/parse-json.ts';
import type { Plan } from '../../plan/types.ts';
import type { RunRecord } from '../../run/read-run.ts';
import { explainIssue } from '../../site/config/load.ts';
import type { Given } from '../begin.ts';
import { assertCanAsk, confirmByName } from '../confirm.ts';
import type { Io } from '../io.ts';
import { sayOtherwise } from '../not-appliable.ts';
import type { CommonOptions } from '../options.ts';
import { renderData } from '../render/data.ts';
import { reasonOf } from '../render/error.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderLost } from '../render/lost.ts';
import { renderEarlier } from '../render/resume.ts';
import { renderSteps } from '../render/steps.ts';
import { joinParts, renderHeading, renderKept } from '../render/survey.ts';
import { runConfirmed } from '../run-confirmed.ts';
import { assertAppliable } from '../run-plan.ts';
import { planUuid, type RunSite, withSite } from '../session.ts';
import { refuseStale } from '../stale.ts';
import { assertFree, assertNoneUnfinished, linksTo } from '../unfinished.ts';

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
    const earlier = await assertFree(site, saved.server.uuid, given.site);
    assertAppliable(saved, io, () => sayOtherwise(saved, 'plan again'));
    const now = await whileLooking(io, given.format === 'text', () =>
      planUuid(site, saved.server.uuid, saved.decisions),
    );
    if (now.digest !== saved.digest) refuseStale(saved, now, io, () => sayOtherwise(now, 'plan again'));
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
  const shownAt = performance.now();
  const asks = given.yes !== true;
  if (given.format === 'text')
    io.out(
      `${joinParts([
        renderHeading(shown, io),
        earlier === null ? '' : renderEarlier(earlier, io),
        renderSteps(shown, io, null),
        renderLost(shown, io),
        asks ? renderKept(shown, io) : '',
      ])}\n`,
    );
  if (asks) await confirmByName(shown, io);
  const report = await runConfirmed(
    site,
    {
      shown,
      shownAt,
      asked: asks,
      links: linksTo(earlier),
      mayBegin: () => assertNoneUnfinished(site, shown.server.uuid, given.site),
    },
    given,
    io,
  );
  if (given.format !== 'text') io.out(await renderData(given.format, 'apply', report.exitCode, [report]));
  return report.exitCode;
}

/** @throws UsageError for a file that is no plan, or one of which a byte was changed */
async function readPlan(path: string): Promise<Plan> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the plan ${path}: ${reasonOf(error)}`, {
      code: 'plan-file-unreadable',
    });
  }
  // The parser's own message quotes what it stumbles over: of a plan that was cut, a console token, or a password of another file.
  const data = parseJson(text);
  if (data === undefined)
    throw new UsageError(`cannot read the plan ${path}: it is not JSON, or was cut`, {
      code: 'plan-file-unreadable',
    });
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
