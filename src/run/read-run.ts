/** Reads the record of a run back: what it was to do, what it let through the gate, and what it saved first. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestPlan } from '../plan/digest.ts';
import { hasCode, UsageError } from '../plan/errors.ts';
import { madeBy, refuseFormat } from '../plan/format.ts';
import { parseJson } from '../plan/parse-json.ts';
import { beforeImage, plan as planSchema } from '../plan/schema.ts';
import type { BeforeImage, Plan, Step } from '../plan/types.ts';
import * as z from '../plan/zod.ts';
import { type Abandonment, readAbandonment } from './abandon.ts';
import { ClosedRecord } from './closed-record.ts';
import type { End, RunLinks } from './journal.ts';

export interface ReadImage {
  readonly of: BeforeImage;
  /** as `Reader.image` gave it */
  readonly image: unknown;
}

/** A step that was let through the gate. */
export interface ActedStep {
  readonly step: Step;
  /** `perhaps`: it failed, or its result is not in the journal; what it left has to be looked at */
  readonly known: 'done' | 'perhaps';
  readonly images: readonly ReadImage[];
}

export interface RunRecord {
  readonly folder: string;
  readonly plan: Plan;
  /** ISO 8601, UTC; null: it ended before its first step */
  readonly begunAt: string | null;
  /** who began it, and where; null: it ended before its first step */
  readonly by: { readonly host: string; readonly user: string; readonly pid: number } | null;
  readonly links: RunLinks;
  /** null: it was cut, or is still going */
  readonly end: End | null;
  /** in the plan's order */
  readonly acted: readonly ActedStep[];
  /** steps that were let through the gate, and of which no result is written down; in the plan's order */
  readonly announced: readonly Step[];
  /** who gave it up; null: nobody did */
  readonly abandoned: Abandonment | null;
}

const entry = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('begin'),
    at: z.string(),
    digest: z.string(),
    host: z.string(),
    user: z.string(),
    pid: z.int(),
    continues: z.string().exactOptional(),
    undoes: z.string().exactOptional(),
  }),
  z.object({ event: z.literal('intent'), step: z.string() }),
  z.object({
    event: z.literal('result'),
    step: z.string(),
    outcome: z.enum(['done', 'already', 'refused', 'failed', 'unknown', 'not-run']),
  }),
  z.object({ event: z.literal('end'), outcome: z.enum(['complete', 'incomplete', 'interrupted', 'open']) }),
]);

const savedImage = z.object({ step: z.string(), of: beforeImage, image: z.anyJson });

/** @throws UsageError when the folder holds no run, or its record is damaged or was changed */
export async function readRun(folder: string): Promise<RunRecord> {
  const plan = parsePlan(folder, readPart(folder, 'plan.json'));
  const entries = parseLines(folder, 'journal.jsonl', entry);
  const images = parseLines(folder, 'before.jsonl', savedImage);
  const abandoned = await readAbandonment(folder);
  const begin = entries.find((e) => e.event === 'begin');
  if (begin !== undefined && begin.digest !== plan.digest)
    throw changed(`${folder}: its journal was begun for another plan than its plan.json`);
  // The journal is begun before anything is saved or announced: without that, it would say that the run never began.
  if (begin === undefined && entries.length + images.length > 0)
    throw changed(`${folder}: its journal has no beginning, although something was done or saved`);
  const steps = new Set(plan.steps.map(({ id }) => id));
  const stranger = [...entries, ...images].find((line) => 'step' in line && !steps.has(line.step));
  if (stranger !== undefined && 'step' in stranger)
    throw changed(`${folder}: its record names the step ${stranger.step}, which is not in its plan`);
  return {
    folder,
    plan,
    begunAt: begin?.at ?? null,
    by: begin === undefined ? null : { host: begin.host, user: begin.user, pid: begin.pid },
    links: linksOf(begin, plan),
    end: entries.findLast((e) => e.event === 'end')?.outcome ?? null,
    acted: plan.steps.flatMap((step): ActedStep[] => {
      const known = knownOf(entries, step.id);
      if (known === null) return [];
      const own = images.filter((image) => image.step === step.id);
      if (own.length < step.before.length)
        throw changed(`${folder}: before.jsonl lacks something that step ${step.id} saved`);
      return [{ step, known, images: own.map(({ of, image }) => ({ of, image })) }];
    }),
    announced: plan.steps.filter(
      ({ id }) =>
        entries.some((e) => e.event === 'intent' && e.step === id) &&
        !entries.some((e) => e.event === 'result' && e.step === id),
    ),
    abandoned,
  };
}

type Entry = z.infer<typeof entry>;

/** Runs of version 0.1 did not say that they were undoing one; the ids of their steps do. */
function linksOf(begin: Extract<Entry, { event: 'begin' }> | undefined, { steps }: Plan): RunLinks {
  const { continues, undoes } = begin ?? {};
  const isUndo = undoes !== undefined || steps.some(({ id }) => id.startsWith('undo/'));
  return {
    ...(continues === undefined ? {} : { continues }),
    ...(isUndo ? { undoes: undoes ?? '' } : {}),
  };
}

/** Of a step that was announced: the run was stopped before its turn, or the look in its turn did not let it act. */
const NOT_ACTED = new Set(['not-run', 'already', 'refused']);

/** Null: the step never went through the gate. The intent is on disk before the act, so without one there was none. */
function knownOf(entries: readonly Entry[], id: string): ActedStep['known'] | null {
  if (!entries.some((e) => e.event === 'intent' && e.step === id)) return null;
  const result = entries.findLast((e) => e.event === 'result' && e.step === id);
  if (result?.event !== 'result') return 'perhaps';
  if (result.outcome === 'done') return 'done';
  return NOT_ACTED.has(result.outcome) ? null : 'perhaps';
}

function readPart(folder: string, name: string): string {
  try {
    // A list of runs reads a thousand of these: on their way through the thread pool each would cost five times as much.
    return readFileSync(join(folder, name), 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR'))
      throw new ClosedRecord(join(folder, name), error);
    throw new UsageError(`${folder} is not the folder of a run: it has no ${name}`, {
      code: 'run-unreadable',
      hint: 'purge and apply print it: "Record of this run: …"',
    });
  }
}

function parsePlan(folder: string, text: string): Plan {
  const path = join(folder, 'plan.json');
  const data = parseJson(text);
  const parsed = planSchema.safeParse(data);
  if (!parsed.success) throw refuseFormat(path, data) ?? invalid(path, data);
  const { digest, ...rest } = parsed.data;
  if (digestPlan(rest) !== digest)
    throw changed(`${path} was changed since it was made: its digest does not match`);
  return parsed.data;
}

/** Damaged, or of a version that writes more into a plan of this format. */
function invalid(path: string, data: unknown): UsageError {
  const { tool } = madeBy(data);
  return new UsageError(
    `${path} is not a plan that this version of expunge understands${tool === null ? '' : `; it is of expunge ${tool}`}`,
    {
      code: 'run-invalid',
      hint: tool === null ? undefined : `a run is gone on with, and taken back, by expunge ${tool}`,
    },
  );
}

/** A last line without its end was being written when the run was cut: what it would have told of had not begun. */
function parseLines<T extends z.ZodType>(folder: string, name: string, schema: T): z.infer<T>[] {
  const lines = readPart(folder, name).split('\n').slice(0, -1);
  return lines.map((line, i) => {
    const parsed = schema.safeParse(parseJson(line));
    if (parsed.success) return parsed.data;
    throw changed(`${join(folder, name)}: line ${i + 1} is not what a run writes`);
  });
}

function changed(sentence: string): UsageError {
  return new UsageError(sentence, {
    code: 'run-changed',
    hint: 'what it saved can still be read and put back by hand',
  });
}
