import { alreadyClean } from './already-clean.ts';
import { buildRequestOnly } from './build-request-only.ts';
import { deletingForever } from './deleting-forever.ts';
import { errorNeverScheduled } from './error-never-scheduled.ts';
import { halfCleaned } from './half-cleaned.ts';
import { hostWasDown } from './host-was-down.ts';
import { nativePlug } from './native-plug.ts';
import { resizeBothDirs } from './resize-both-dirs.ts';
import { rowGoneDomainRuns } from './row-gone-domain-runs.ts';
import type { Scenario } from './scenario.ts';
import { shelvedOffloaded } from './shelved-offloaded.ts';
import { shelvingStuck } from './shelving-stuck.ts';

export type { Scenario } from './scenario.ts';

export const scenarios: readonly Scenario[] = [
  deletingForever,
  hostWasDown,
  rowGoneDomainRuns,
  errorNeverScheduled,
  buildRequestOnly,
  shelvedOffloaded,
  shelvingStuck,
  resizeBothDirs,
  halfCleaned,
  nativePlug,
  alreadyClean,
];
