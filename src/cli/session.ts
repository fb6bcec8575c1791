/** What every command begins with: the site connected, and closed again however the command ends. */
import packageJson from '../../package.json' with { type: 'json' };
import type { Decisions, Plan } from '../plan/types.ts';
import { makePlan, type PlanOrigin } from '../run/make-plan.ts';
import { readKnown } from '../run/runs.ts';
import { resolve, survey } from '../run/survey.ts';
import { connectSite, type Site } from '../site/connect.ts';
import type { Timings } from '../site/timings.ts';
import type { Given } from './begin.ts';
import { noTrace } from './no-trace.ts';
import type { CommonOptions } from './options.ts';
import { renderTimings } from './render/timings.ts';
import { runsFolder } from './state-folder.ts';

/** Runs a command's body on a connected site. */
export async function withSite(
  { io, begun, options }: Given,
  body: (site: RunSite) => Promise<number>,
): Promise<number> {
  const timings: Timings = { spans: [], clock: () => performance.now() };
  const site = connectSite(begun.config, begun.api, timings, begun.wires);
  try {
    return await body({ ...site, runs: runsFolder(site, io) });
  } finally {
    await site.close();
    begun.wires?.close();
    if ((options as Partial<CommonOptions>).timings) io.err(renderTimings(timings));
  }
}

/** A site, and the folder in which runs on it are recorded. */
export type RunSite = Site & { readonly runs: string };

/** The reading half of a site: what `inspect`, `plan` and `verify` are given. It has no writer to ask for. */
export type ReadSite = Omit<RunSite, 'openWriter'>;

function origin(site: ReadSite): PlanOrigin {
  return { tool: packageJson.version, site: site.name, madeAt: new Date().toISOString() };
}

/** Survey and plan of one server. @throws UsageError when the name names none or several */
export async function planFor(site: ReadSite, server: string, decisions: Decisions): Promise<Plan> {
  return planUuid(site, await resolve(site, server), decisions);
}

/** The same of a uuid. What earlier runs wrote down of the server is a trace like every other. */
export async function planUuid(site: ReadSite, uuid: string, decisions: Decisions): Promise<Plan> {
  const known = await readKnown(site.runs, site.name, uuid);
  return makePlan(await survey(site, uuid, { ...decisions, ...known }), decisions, origin(site));
}

/** Survey and plan of each server that was named, in turn. @throws UsageError for one that nothing knows */
export async function planEach(
  site: ReadSite,
  servers: readonly string[],
  decisions: Decisions,
): Promise<readonly Plan[]> {
  const plans: Plan[] = [];
  for (const server of servers) plans.push(noTrace(await planFor(site, server, decisions)));
  return plans;
}
