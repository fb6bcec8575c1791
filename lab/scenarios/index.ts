import { deletingForever } from './deleting-forever.ts';
import type { Scenario } from './scenario.ts';

export type { Scenario } from './scenario.ts';

export const scenarios: readonly Scenario[] = [deletingForever];
