import { UsageError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import type { Io } from './io.ts';
import { wrap } from './render/lines.ts';
import { lostForGood } from './render/lost.ts';
import { plain } from './render/plain.ts';

/** What has to be typed: the name, or the first eight digits of the uuid when there is no name that can be typed. */
function expectedAnswer({ server }: Plan): string {
  const { name, uuid } = server;
  return name !== null && name.trim() === name && name !== '' && plain(name, 60) === name
    ? name
    : uuid.slice(0, 8);
}

/** What is said around the name: `warning` before it, `goal` behind. */
interface Question {
  readonly warning: string;
  readonly goal: string;
}

/** Whoever types the name has read last what no undo brings back. */
function forGood(plan: Plan, io: Io): Question {
  const lost = lostForGood(plan);
  const warning = ['Not all of this can be taken back', ...(lost.length === 0 ? [] : [lost.join('; ')])];
  return { warning: `${wrap(`${warning.join(': ')}.`, io.columns, '').join('\n')}\n`, goal: 'go on' };
}

/** @throws UsageError when something else was typed */
export async function confirmByName(plan: Plan, io: Io, question = forGood(plan, io)): Promise<void> {
  const expected = expectedAnswer(plan);
  const what = expected === plan.server.name ? "the server's name" : 'the first eight digits of its uuid';
  const answer = await io.ask(
    `${question.warning}Type ${what}, ${io.paint.bold(expected)}, to ${question.goal}: `,
  );
  if (answer.trim() !== expected)
    throw new UsageError('not confirmed; nothing was touched', { code: 'not-confirmed' });
}

/** @throws UsageError when the name has to be asked for, and nobody is there to be asked */
export function assertCanAsk(
  command: string,
  given: { readonly yes?: boolean; readonly format: string },
  io: Io,
  hint = 'say --yes',
): void {
  if (given.yes === true || (io.interactive && given.format === 'text')) return;
  const why = io.interactive
    ? `nobody is asked with --format ${given.format}`
    : 'there is no terminal to ask on';
  throw new UsageError(`${command} asks for the name of the server, and ${why}`, {
    code: 'no-terminal',
    hint,
  });
}
