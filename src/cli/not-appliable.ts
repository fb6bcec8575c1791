/** A plan that is not begun. The errors carry it, so that output for programs can say why. */
import { LookError, RefusedError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';

/** Exit 4: places could not be looked at. */
export class NotKnown extends LookError {
  readonly plan: Plan;

  constructor(plan: Plan) {
    super('plan', 'could not look everywhere, so nothing was touched', { code: 'knowledge-incomplete' });
    this.plan = plan;
  }
}

/** Exit 3: something forbids it. */
export class NotLet extends RefusedError {
  readonly plan: Plan;

  constructor(plan: Plan) {
    super('refused; nothing was touched', { code: 'refused' });
    this.plan = plan;
  }
}
