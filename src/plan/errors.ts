/** The few error classes of expunge. Each carries a stable code, a plain sentence, a hint and the exit code it means. */

export interface ErrorDetails {
  /** stable, kebab-case: scripts may match on it */
  readonly code: string;
  /** what to try, in a few words */
  readonly hint?: string | undefined;
}

abstract class ExpungeError extends Error {
  abstract readonly exitCode: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(sentence: string, details: ErrorDetails) {
    super(sentence);
    this.name = new.target.name;
    this.code = details.code;
    this.hint = details.hint;
  }
}

/** The command line, the site file or a plan file is not usable. Nothing was touched. */
export class UsageError extends ExpungeError {
  readonly exitCode = 2;
}

/** A guard says no. Nothing was touched by the step that it guards. */
export class RefusedError extends ExpungeError {
  readonly exitCode = 3;
}

/** A place could not be looked at: not the same as finding nothing there. */
export class LookError extends ExpungeError {
  readonly exitCode = 4;
  readonly place: string;

  constructor(place: string, sentence: string, details: ErrorDetails) {
    super(sentence, details);
    this.place = place;
  }
}

/** A write did not do what it should have. `unknown` is true when nobody can tell from here whether it happened. */
export class ActError extends ExpungeError {
  readonly exitCode = 1;
  readonly unknown: boolean;

  constructor(sentence: string, details: ErrorDetails & { unknown?: boolean }) {
    super(sentence, details);
    this.unknown = details.unknown ?? false;
  }
}

/** A kind made an impossible plan: a fault in expunge. */
export class PlanError extends ExpungeError {
  readonly exitCode = 1;

  constructor(sentence: string) {
    super(sentence, { code: 'impossible-plan', hint: 'this is a fault in expunge: please report it' });
  }
}

export type { ExpungeError };

/** Whether an error of Node, or of a library, bears this code: `ENOENT`. */
export function hasCode(error: unknown, code: string | number): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** What was thrown, in its own words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether an error is one of ours, with a sentence fit for an operator. */
export function isExpungeError(error: unknown): error is ExpungeError {
  return error instanceof ExpungeError;
}
