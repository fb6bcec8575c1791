/** Machine-readable output: versioned, and it only grows. */
import { basename } from 'node:path';
import type { Plan } from '../../plan/types.ts';
import type { StepResult } from '../../run/apply.ts';
import { isClean } from '../../run/make-plan.ts';
import type { Said } from './error.ts';
import { shorten } from './shorten.ts';

export interface ServerReport {
  readonly plan: Plan;
  readonly results?: readonly StepResult[];
  readonly verified?: Plan;
  readonly run?: string;
  readonly broken?: Said;
  /** folder of a run that has to be gone on with, or given up, before a purge; null: there is none */
  readonly blocking?: string | null;
  readonly resumed?: Resumed;
}

/** What a resumed run did not get to say, and which of its hosts are back. */
interface Resumed {
  readonly run: string;
  readonly back: readonly string[];
  readonly off: readonly string[];
  /** `settled`: it is so now; null: that cannot be seen, for the reason given */
  readonly announced: readonly { step: string; settled: boolean | null; why: string | null }[];
}

/** @param blocking of each plan, as `blockingRuns` gives it */
export function reportsOf(
  plans: readonly Plan[],
  blocking: readonly (string | null)[],
): readonly ServerReport[] {
  return plans.map((plan, i) => ({ plan, blocking: blocking[i] ?? null }));
}

export interface More {
  /** what ended a command that had done something by then; else what ended the run of a server */
  readonly error?: Said;
  /** uuids of the servers that were named too, and whose turn did not come */
  readonly notBegun?: readonly string[];
}

export async function renderData(
  format: 'json' | 'yaml',
  command: string,
  exitCode: number,
  reports: readonly ServerReport[],
  more: More = {},
): Promise<string> {
  const error = more.error ?? reports.find(({ broken }) => broken !== undefined)?.broken;
  const { notBegun = [] } = more;
  return serialise(format, {
    format: 1,
    command,
    exitCode,
    servers: reports.map(({ plan, results, verified, run, blocking = null, resumed }) => ({
      ...shorten(plan),
      ...(blocking === null ? {} : { unfinishedRun: basename(blocking) }),
      ...(resumed === undefined ? {} : { resumed }),
      ...(run === undefined ? {} : { run }),
      ...(results === undefined
        ? {}
        : { results: results.map(({ step, outcome, detail }) => ({ step: step.id, outcome, detail })) }),
      ...(verified === undefined
        ? {}
        : {
            verified: {
              clean: isClean(verified),
              ...pick(verified),
            },
          }),
    })),
    ...(notBegun.length === 0 ? {} : { notBegun }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, hint: error.hint } }),
  });
}

export async function serialise(format: 'json' | 'yaml', data: object): Promise<string> {
  if (format === 'json') return escapeRaw(`${JSON.stringify(data, null, 2)}\n`);
  // A CommonJS package: in a bundle only its default export is sure to be there.
  const { default: yaml } = await import('yaml');
  // Whole wherever it stands: an alias (`*a4`) tells a person nothing, and not every reader follows it.
  // Texts in quotes, and by the rules of 1.1, which most readers in OpenStack's world keep: there `no`, `=` and a date are not text.
  return escapeRaw(
    yaml.stringify(data, {
      aliasDuplicateObjects: false,
      version: '1.1',
      defaultStringType: 'QUOTE_DOUBLE',
      defaultKeyType: 'PLAIN',
    }),
  );
}

/** What JSON leaves as it is and a terminal obeys, or an eye does not see: inside quotes both forms read the same to a program. */
function escapeRaw(text: string): string {
  return text.replaceAll(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function pick({ remains, kept, unknown, refusals, manual, deferred }: Plan) {
  return {
    remains,
    kept,
    unknown,
    refusals,
    ...(manual === undefined ? {} : { manual }),
    ...(deferred === undefined ? {} : { deferred }),
  };
}
