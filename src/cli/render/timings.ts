import type { Timings } from '../../site/timings.ts';

/** Per system: how many exchanges, when the first began and the last ended, and how long they took together. */
export function renderTimings({ spans, clock }: Timings): string {
  const total = clock();
  const rows = [...Map.groupBy(spans, (span) => span.what)].map(([what, group]) => ({
    what,
    count: group.length,
    from: Math.min(...group.map((s) => s.startMs)),
    to: Math.max(...group.map((s) => s.endMs)),
    busy: group.reduce((sum, s) => sum + s.endMs - s.startMs, 0),
  }));
  const ms = (n: number) => `${Math.round(n)} ms`.padStart(8);
  const lines = rows
    .sort((a, b) => a.from - b.from)
    .map((r) => `  ${r.what.padEnd(50)}${String(r.count).padStart(3)}${ms(r.from)}${ms(r.to)}${ms(r.busy)}`);
  return [
    '',
    `  ${'system'.padEnd(50)}${'  n'}${'   first'}${'    last'}${'    busy'}`,
    ...lines,
    `  since the process began${ms(total).padStart(46)}`,
    '',
  ].join('\n');
}
