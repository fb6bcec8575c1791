import type { Abandonment } from '../../run/abandon.ts';
import { awaitedHosts } from '../../run/make-plan.ts';
import type { RunRecord } from '../../run/read-run.ts';
import type { RunState } from '../../run/runs.ts';

/** How a run stands, in a few words, without a full stop. */
export function sayState({ by, plan }: RunRecord, state: RunState): string {
  switch (state) {
    case 'complete':
      return 'complete';
    case 'open':
      return `open: waits for ${awaitedHosts(plan).join(' and ')}`;
    case 'incomplete':
      return 'incomplete: not every step could be done';
    case 'interrupted':
      return 'interrupted: it was asked to stop';
    case 'running':
      return `still going, as process ${by?.pid}`;
    case 'cut':
      return 'cut: its process ended without a word';
    case 'elsewhere':
      return `without an end; whether it is still going can be seen on ${by?.host}`;
    case 'not-begun':
      return 'ended before its first step';
  }
}

/** `alice on ctl-1, 2026-11-22 14:31:05 UTC` */
export function sayWhoGaveUp({ user, host, at }: Abandonment): string {
  return `${user} on ${host}, ${sayTime(at)}`;
}

/** UTC, whole seconds: as everywhere on a screen. */
export function sayTime(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
