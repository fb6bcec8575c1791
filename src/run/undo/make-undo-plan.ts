/** Undo is a plan like every other: made from what a run did and saved, and from a fresh look. */
import { reason } from '../../kinds/kind.ts';
import { digestPlan } from '../../plan/digest.ts';
import { LookError } from '../../plan/errors.ts';
import type { Plan, Step, Unknown } from '../../plan/types.ts';
import type { Reader } from '../../site/reader.ts';
import type { PlanOrigin } from '../make-plan.ts';
import type { ActedStep, RunRecord } from '../read-run.ts';
import { tellLost } from './lost.ts';
import { isPortChange, undoPort } from './port.ts';
import { foldGroup, type Group, groupSecured } from './secured.ts';
import { undoTransaction } from './transaction.ts';
import { asBefore, type Undone } from './undone.ts';

/**
 * Steps that bring back what can be brought back. What cannot is in `kept`, each with the reason; rows that came after the run and
 * stay are in `remains`; what somebody changed since is in `refusals`, and nothing lifts those.
 *
 * @throws UsageError when the record does not fit itself
 */
export async function makeUndoPlan(
  run: RunRecord,
  reader: Reader,
  origin: Pick<PlanOrigin, 'tool' | 'madeAt'>,
): Promise<Plan> {
  const look = reader.fresh();
  const groups = groupSecured(run.acted);
  const answers = (await Promise.all(groups.map((group) => undoGroup(group, look)))).flat();
  const undone = answers.flatMap((answer) => ('why' in answer ? [] : [answer]));
  const { server, decisions, site } = run.plan;
  const plan = {
    format: 1 as const,
    ...origin,
    site,
    server: { ...server, state: describeState(run) },
    decisions,
    remains: undone.flatMap(({ of, remains }) => remains.map((r) => ({ kind: of.kind, ...r }))),
    kept: undone.flatMap(({ of, lost }) => (lost === null ? [] : [{ kind: of.kind, ...lost }])),
    unknown: answers.flatMap((answer) => ('why' in answer ? [answer] : [])),
    refusals: undone.flatMap(({ of, refusals }) => refusals.map((r) => ({ kind: of.kind, ...r }))),
    steps: orderUndo(
      undone.flatMap(({ step }) => (step === null ? [] : [step])),
      run.links.undoes !== undefined,
    ),
  };
  return { ...plan, digest: digestPlan(plan) };
}

async function undoGroup(group: Group, look: Reader): Promise<readonly (Undone | Unknown)[]> {
  const folded = foldGroup(group);
  if (folded !== null && (await happened(folded.last, look))) {
    const together = await undoStep(folded.together, look);
    if (together !== null) return [together];
  }
  return Promise.all(group.map(async (one) => (await undoStep(one, look)) ?? asBefore(one.step)));
}

/** By its own marks: those that the earlier steps left would speak for it too, and what others changed since would then be in the way. */
async function happened(acted: ActedStep, look: Reader): Promise<boolean> {
  return acted.known === 'done' || (await undoStep(acted, look)) !== null;
}

/** Null: it did not happen. */
async function undoStep(acted: ActedStep, look: Reader): Promise<Undone | Unknown | null> {
  const { step } = acted;
  try {
    if (step.act.door === 'sql' && step.undo !== 'never') return await undoTransaction(acted, step.act, look);
    if (isPortChange(step.act)) return await undoPort(acted, step.act, look);
    return await tellLost(acted, look);
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    return { kind: step.kind, place: error.place, why: reason(error) };
  }
}

/** What the plan of the run said of the server, and since when that is past. */
function describeState({ plan, begunAt }: RunRecord): string {
  const since = begunAt === null ? '' : `, until the run of ${begunAt.slice(0, 19).replace('T', ' ')} UTC`;
  return `${plan.server.state}${since}`;
}

/**
 * Ports first, then quota and mapping, the server's rows last: from the moment in which its row lives again Nova acts on it.
 *
 * A live row without its ports must not be: nova-compute's `_heal_instance_info_cache` (nova 26 `compute/manager.py`) asks Neutron
 * which ports are the server's and drops the others from network_info, and with them the mark that a port is the user's
 * (`preserve_on_delete`): the next delete would delete it. A row that lives with `task_state = deleting` is deleted by its
 * nova-compute as soon as that starts (`_init_instance`), so what such a delete frees has to be there before. A mapping or a
 * usage that is ahead of its row does no harm: every purge passes through that state.
 *
 * A step that fails leaves the later ones undone, and the server deleted. An undo that is itself taken back goes the other way round:
 * the row is marked deleted before anything is taken from it.
 */
const LATER: readonly (readonly Step['phase'][])[] = [['quota', 'mapping'], ['rows']];

function orderUndo(steps: readonly Step[], isRedo: boolean): Step[] {
  const first = steps.filter(({ phase }) => !LATER.flat().includes(phase));
  const forth = [first, ...LATER.map((phases) => steps.filter(({ phase }) => phases.includes(phase)))];
  const rounds = isRedo ? forth.toReversed() : forth;
  return rounds.flatMap((round, i) => {
    const needs = rounds.slice(0, i).flatMap((earlier) => earlier.map(({ id }) => id));
    return round.map((step) => ({ ...step, needs }));
  });
}
