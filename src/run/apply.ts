/** Does the steps of a plan: each as soon as what it needs has succeeded, systems side by side, one act at a time per system. */
import { setTimeout as sleep } from 'node:timers/promises';
import { reason } from '../kinds/kind.ts';
import { ActError, isExpungeError } from '../plan/errors.ts';
import type { Plan, Step } from '../plan/types.ts';
import type { Site } from '../site/connect.ts';
import type { Reader } from '../site/reader.ts';
import { type Gate, openGate } from './gate.ts';
import type { Journal, JournalEntry, Outcome, RunLinks } from './journal.ts';
import { lookFirst } from './look-first.ts';
import type { ServerLock } from './server-lock.ts';
import { whoAmI } from './who.ts';

export interface StepResult {
  readonly step: Step;
  readonly outcome: Outcome;
  /** why it was not done; null for done and already */
  readonly detail: string | null;
}

export type RunEvent =
  | { readonly type: 'step-started'; readonly step: Step }
  | { readonly type: 'step-ended'; readonly result: StepResult };

export interface ApplyOptions {
  readonly journal: Journal;
  readonly emit: (event: RunEvent) => void;
  /** true from the moment somebody asked to stop: what is under way is finished, nothing new begins */
  readonly stopAsked: () => boolean;
  readonly links?: RunLinks;
  /** asked before every act whether the server is still this run's alone */
  readonly lock?: Pick<ServerLock, 'assertHeld'>;
  /** after an act: how long to go on looking whether it took effect (milliseconds) */
  readonly settleWithinMs?: number;
}

/** After an act: how long to go on looking, unless somebody says otherwise, and how long to pause in between. */
const SETTLE_WITHIN_MS = 20_000;
const PAUSES_MS = [20, 40, 80, 160, 320, 640];

/** A look that is older than this, because others took their time before it was the step's turn, is not the last look before its act. */
const LOOK_HOLDS_MS = 1_000;

interface Tried {
  readonly result: StepResult;
  /** false: the act was not let through */
  readonly acted: boolean;
}

/**
 * @returns one result per step, in the plan's order
 * @throws UsageError or LookError before the first step, when an act would lack a right; ActError when the journal cannot be
 *   written: then nothing further is done, and what is under way has ended
 */
export async function applyPlan(
  site: Site,
  plan: Plan,
  options: ApplyOptions,
): Promise<readonly StepResult[]> {
  const { journal } = options;
  const gate = openGate(site, plan, journal, options.lock);
  await gate.rehearse();
  await journal.write([
    {
      event: 'begin',
      digest: plan.digest,
      ...whoAmI(),
      ...options.links,
    },
  ]);
  const run = new Run(site.reader, plan, gate, options);
  const results = await run.finish();
  const complete = results.every(({ outcome }) => outcome === 'done' || outcome === 'already');
  await journal.write([endOf(plan, complete, options.stopAsked())]);
  return results;
}

function endOf({ deferred }: Plan, complete: boolean, stopAsked: boolean): JournalEntry {
  if (!complete) return { event: 'end', outcome: stopAsked ? 'interrupted' : 'incomplete' };
  if (deferred === undefined) return { event: 'end', outcome: 'complete' };
  return { event: 'end', outcome: 'open', waits: [...new Set(deferred.map(({ place }) => place))] };
}

/** Steps of one system are looked at in one exchange. */
function systemOf({ act }: Step): string {
  switch (act.door) {
    case 'command':
      return `command ${act.host}`;
    case 'sql':
      return `sql ${act.database}`;
    case 'http':
      return `http ${act.service}`;
    case 'cache':
      return `cache ${act.server}`;
    case 'queue':
      return `queue ${act.database}`;
  }
}

class Run {
  readonly #reader: Reader;
  readonly #plan: Plan;
  readonly #gate: Gate;
  readonly #options: ApplyOptions;
  readonly #started = new Set<string>();
  readonly #results = new Map<string, StepResult>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #settleWithinMs: number;
  #broken = false;

  constructor(reader: Reader, plan: Plan, gate: Gate, options: ApplyOptions) {
    this.#reader = reader;
    this.#plan = plan;
    this.#gate = gate;
    this.#options = options;
    this.#settleWithinMs = options.settleWithinMs ?? SETTLE_WITHIN_MS;
  }

  async finish(): Promise<readonly StepResult[]> {
    await this.#launch();
    return this.#plan.steps.map(
      (step) => this.#results.get(step.id) ?? { step, outcome: 'not-run', detail: this.#whyNotRun(step) },
    );
  }

  /** Starts every step that is ready. Those of one system are looked at together, and go on each by itself. */
  async #launch(): Promise<void> {
    if (this.#mustStop()) return;
    const ready = this.#plan.steps.filter(
      (s) => !this.#started.has(s.id) && s.needs.every((id) => this.#succeeded(id)),
    );
    for (const step of ready) this.#started.add(step.id);
    const groups = Map.groupBy(ready, systemOf);
    await this.#together([...groups.values()].map((steps) => this.#runGroup(steps)));
  }

  /** Waits for all, then throws the first failure. The others learn of it at once, and nobody leaves while an act is under way. */
  async #together(work: readonly Promise<void>[]): Promise<void> {
    const watched = work.map((one) =>
      one.catch((error: unknown) => {
        this.#broken = true;
        throw error;
      }),
    );
    for (const end of await Promise.allSettled(watched)) if (end.status === 'rejected') throw end.reason;
  }

  #mustStop(): boolean {
    return this.#broken || this.#options.stopAsked();
  }

  #succeeded(id: string): boolean {
    const outcome = this.#results.get(id)?.outcome;
    return outcome === 'done' || outcome === 'already';
  }

  async #runGroup(steps: readonly Step[]): Promise<void> {
    if (this.#broken) return;
    for (const step of steps) this.#options.emit({ type: 'step-started', step });
    await Promise.all(steps.map((step) => this.#sitOut(step)));
    const look = this.#reader.fresh();
    const lookedAt = performance.now();
    const looked = await Promise.all(steps.map((step) => lookFirst(look, step)));
    const go = looked.filter((l) => l.verdict === null);
    await this.#gate.announce(
      go.map((l) => l.step),
      go.flatMap((l) => l.images),
    );
    await this.#together(
      looked.map(async ({ step, verdict }) => {
        const result = verdict ?? (await this.#actAndConfirm(step, lookedAt));
        await this.#end(withHint(result));
        await this.#launch();
      }),
    );
  }

  /** Waits before a step that has a lull, until that is over or nobody can tell. Whether the step may be done, its guards say. */
  async #sitOut({ lull }: Step): Promise<void> {
    if (lull === undefined) return;
    const until = performance.now() + lull.seconds * 1000;
    try {
      for (let round = 0; !this.#mustStop() && (await this.#reader.fresh().holds(lull.while)); round++) {
        if (performance.now() >= until) return;
        await sleep(PAUSES_MS[Math.min(round, PAUSES_MS.length - 1)]);
      }
    } catch (error) {
      if (!isExpungeError(error)) throw error;
    }
  }

  /** Writes a result down; only then may what waits for the step begin. */
  async #end(result: StepResult): Promise<void> {
    const { step, outcome, detail } = result;
    await this.#options.journal.write([{ event: 'result', step: step.id, outcome, detail }]);
    this.#results.set(step.id, result);
    this.#options.emit({ type: 'step-ended', result });
  }

  async #actAndConfirm(step: Step, lookedAt: number): Promise<StepResult> {
    const { result, acted } = await this.#actInTurn(step, lookedAt);
    return acted ? this.#confirm(result) : result;
  }

  /**
   * Transactions on one database go one after the other, they would lock each other out; and so do requests to one API, as Nova
   * sends them (nova 26 `network/neutron.py:deallocate_for_instance`). All else goes side by side.
   */
  async #actInTurn(step: Step, lookedAt: number): Promise<Tried> {
    const { door } = step.act;
    if (door !== 'sql' && door !== 'http') return { result: await this.#act(step), acted: true };
    const system = systemOf(step);
    const before = this.#turns.get(system) ?? Promise.resolve();
    const mine = before.then(() => this.#actIfStill(step, lookedAt));
    this.#turns.set(
      system,
      mine.catch(() => {}),
    );
    return mine;
  }

  /** An API that takes a minute for each port leaves time enough for the next one to become another server's. */
  async #actIfStill(step: Step, lookedAt: number): Promise<Tried> {
    if (!this.#mustStop() && performance.now() - lookedAt > LOOK_HOLDS_MS) {
      const { verdict } = await lookFirst(this.#reader.fresh(), step);
      if (verdict !== null) return { result: verdict, acted: false };
    }
    return { result: await this.#act(step), acted: true };
  }

  async #act(step: Step): Promise<StepResult> {
    if (this.#mustStop()) return { step, outcome: 'not-run', detail: 'interrupted before it began' };
    try {
      await this.#gate.perform(step);
      return { step, outcome: 'done', detail: null };
    } catch (error) {
      if (!isExpungeError(error)) throw error;
      const unknown = error instanceof ActError && error.unknown;
      return { step, outcome: unknown ? 'unknown' : 'failed', detail: reason(error) };
    }
  }

  /**
   * A request accepted is not a thing gone: looks until it is, for a bounded time. A failed act may have taken effect too, and
   * one whose answer was lost may still be under way.
   */
  async #confirm(result: StepResult): Promise<StepResult> {
    const { step, outcome, detail } = result;
    if (outcome !== 'done' && outcome !== 'unknown' && outcome !== 'failed') return result;
    const patience = step.patience === undefined ? this.#settleWithinMs : step.patience * 1000;
    const within = outcome === 'failed' ? 0 : patience;
    const until = performance.now() + within;
    for (let round = 0; ; round++) {
      try {
        if (await this.#reader.fresh().holds(step.settled)) return { step, outcome: 'done', detail: null };
      } catch (error) {
        if (!isExpungeError(error)) throw error;
        if (performance.now() >= until)
          return {
            step,
            outcome: 'unknown',
            detail: `${detail ?? 'done'}, and could not look afterwards: ${reason(error)}`,
          };
      }
      if (performance.now() >= until) break;
      await sleep(PAUSES_MS[Math.min(round, PAUSES_MS.length - 1)]);
    }
    if (outcome !== 'done') return result;
    return {
      step,
      outcome: 'failed',
      detail: `it was accepted, but after ${within / 1000} s it still is not so`,
    };
  }

  #whyNotRun(step: Step): string {
    const blocker = step.needs.find((id) => {
      const outcome = this.#results.get(id)?.outcome;
      return outcome !== undefined && outcome !== 'done' && outcome !== 'already';
    });
    return blocker === undefined ? 'the run ended before it' : `waits for ${blocker}`;
  }
}

/** A step that failed says what may be tried, where its kind knows something. */
function withHint(result: StepResult): StepResult {
  const { step, outcome, detail } = result;
  if (outcome !== 'failed' || step.ifItFails === undefined) return result;
  return { ...result, detail: `${detail ?? 'it failed'}; ${step.ifItFails}` };
}
