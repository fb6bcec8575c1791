import { isExpungeError, messageOf } from '../../plan/errors.ts';
import type { Plan } from '../../plan/types.ts';
import type { Io } from '../io.ts';
import { NotKnown, NotLet } from '../not-appliable.ts';
import { wrap } from './lines.ts';
import { plain } from './plain.ts';

type DataFormat = 'json' | 'yaml';

/** What is said of an error, to people and to programs. */
export interface Said {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly exitCode: number;
  /** the plan that was not begun */
  readonly plan?: Plan;
}

export function sayOf(error: unknown): Said {
  if (!isExpungeError(error)) {
    const [message = '', ...stack] = error instanceof Error ? (error.stack ?? error.message).split('\n') : [];
    const hint = `please report this${
      stack[0] === undefined
        ? ''
        : `, with: ${stack
            .slice(0, 3)
            .map((at) => at.trim())
            .join(' ')}`
    }`;
    return {
      code: 'fault',
      message: `a fault in expunge itself: ${message || String(error)}`,
      hint,
      exitCode: 1,
    };
  }
  const { code, message, hint = null, exitCode } = error;
  if (error instanceof NotKnown || error instanceof NotLet)
    return { code, message, hint, exitCode, plan: error.plan };
  const where = 'place' in error && typeof error.place === 'string' ? `${error.place}: ` : '';
  return { code, message: `${where}${message}`, hint, exitCode };
}

/** For a reader that is a program: a document on standard output, and the same line for people on standard error. */
export async function reportErrorAsData(
  io: Io,
  error: unknown,
  command: string,
  format: DataFormat,
): Promise<number> {
  const exitCode = reportError(io, error);
  const { code, message, hint, plan } = sayOf(error);
  const [{ serialise }, { shorten }] = await Promise.all([import('./data.ts'), import('./shorten.ts')]);
  const servers = plan === undefined ? {} : { servers: [shorten(plan)] };
  io.out(
    await serialise(format, { format: 1, command, exitCode, ...servers, error: { code, message, hint } }),
  );
  return exitCode;
}

/** What and where, a hint on a line of its own, and the exit code that the error means. */
export function reportError(io: Io, error: unknown): number {
  const { message, hint, exitCode } = sayOf(error);
  const { columns } = io.onErr;
  const lines = [
    ...wrap(plain(message, 600), columns, 'expunge: ', ' '.repeat('expunge: '.length)),
    ...(hint === null ? [] : wrap(plain(hint, 600), columns, '  ')),
  ];
  io.err(`${lines.join('\n')}\n`);
  return exitCode;
}

/** What commander says of a command line, as an error like every other. */
export function usageSentence(said: string): string {
  return said
    .trim()
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replaceAll(/\n(?=\(Did you mean)/g, ' ');
}

/** `ENOENT: no such file or directory, open '/x'` without what only a programmer reads. */
export function reasonOf(error: unknown): string {
  const message = messageOf(error);
  return message.replace(/^E[A-Z]+: (.*), \w+(?: '.*')?$/, '$1');
}
