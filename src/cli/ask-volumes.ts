/** Asks, volume by volume, what nobody has decided yet. */
import { UsageError } from '../plan/errors.ts';
import type { Decisions, Plan, Refusal } from '../plan/types.ts';
import type { Io } from './io.ts';
import { wrap } from './render/lines.ts';
import { plain } from './render/plain.ts';
import { LONG } from './render/survey.ts';

type Question = NonNullable<Refusal['volumes']>[number];
type Answer = 'keep' | 'delete';

const TRIES = 3;

/** What is left to be asked; empty when something else stands in the way, that no answer would settle. */
export function openQuestions({ refusals, unknown }: Plan): readonly Question[] {
  const others = unknown.length > 0 || refusals.some(({ volumes }) => volumes === undefined);
  return others ? [] : refusals.flatMap(({ volumes }) => volumes ?? []);
}

/** Enter is Nova's own answer. @throws UsageError when three answers are none */
export async function askVolumes(
  questions: readonly Question[],
  decisions: Decisions,
  io: Io,
): Promise<Decisions> {
  const named = { ...decisions.volumes?.named };
  for (const question of questions) named[question.id] = await askOne(question, io);
  return { ...decisions, volumes: { ...decisions.volumes, named } };
}

async function askOne({ what, nova, lost }: Question, io: Io): Promise<Answer> {
  const about = [`Nova would ${nova} it`, ...(lost === '' ? [] : [lost])].join('; ');
  io.out(
    `${[...wrap(plain(what, LONG), io.columns, ''), ...wrap(plain(about, LONG), io.columns, '  ')].join('\n')}\n`,
  );
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = readAnswer(await io.ask(`  keep or delete [${io.paint.bold(nova)}]: `), nova);
    if (answer !== null) return answer;
  }
  throw new UsageError('that is neither keep nor delete; nothing was touched', { code: 'not-confirmed' });
}

function readAnswer(typed: string, nova: Answer): Answer | null {
  const word = typed.trim().toLowerCase();
  if (word === '') return nova;
  if (word === 'k' || word === 'keep') return 'keep';
  return word === 'd' || word === 'delete' ? 'delete' : null;
}
