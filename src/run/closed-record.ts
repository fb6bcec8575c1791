import { messageOf, UsageError } from '../plan/errors.ts';

/** A record that is there, and that this user, or this disk, does not give: nobody here can tell how that run stands. */
export class ClosedRecord extends UsageError {
  constructor(path: string, error: unknown) {
    super(`${path} cannot be read: ${messageOf(error)}`, {
      code: 'run-unreadable',
      hint: 'whoever may read it goes on with that run, or gives it up',
    });
  }
}
