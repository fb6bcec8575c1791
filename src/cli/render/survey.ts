/** A server and what is left of it, as text. */
import { KINDS } from '../../kinds/registry.ts';
import type { Plan } from '../../plan/types.ts';
import type { Paint } from '../io.ts';
import { plain } from './plain.ts';

/** Name, uuid, and where Nova thinks it stands. */
export function renderHeading({ server }: Plan, paint: Paint): string {
  const name = server.name === null ? 'no name' : plain(server.name, 60);
  const facts = [
    plain(server.state),
    server.cell === null ? 'in no cell' : plain(server.cell, 60),
    server.project === null ? null : `project ${plain(server.project, 40)}`,
  ].filter((fact) => fact !== null);
  return `${paint.bold(name)}  ${server.uuid}\n${facts.join(' · ')}\n`;
}

/** A tree: places, and below each what is still there. */
export function renderRemains(plan: Plan, paint: Paint): string {
  if (plan.remains.length === 0)
    return plan.unknown.length === 0 ? `${paint.good('Nothing is left.')}\n` : '';
  const places = Map.groupBy(plan.remains, (remain) => remain.place);
  const lines: string[] = [paint.bold('Still there')];
  const entries = [...places];
  entries.forEach(([place, remains], i) => {
    const last = i === entries.length - 1;
    lines.push(`${last ? '└─' : '├─'} ${plain(place)}`);
    remains.forEach((remain, j) => {
      lines.push(`${last ? '   ' : '│  '}${j === remains.length - 1 ? '└─' : '├─'} ${plain(remain.what)}`);
    });
  });
  return `${lines.join('\n')}\n`;
}

export function renderKept({ kept }: Plan, paint: Paint): string {
  if (kept.length === 0) return '';
  const lines = kept.map((k) => `  ${plain(`${k.place}: ${k.what}`, 300)}\n    ${plain(k.why, 400)}`);
  return `${paint.bold('Kept')}\n${lines.join('\n')}\n`;
}

export function renderUnknown({ unknown }: Plan, paint: Paint): string {
  if (unknown.length === 0) return '';
  // One place that cannot be asked is unknown to several kinds at once; the operator needs to read it once.
  const places = Map.groupBy(unknown, (u) => `${u.place}: ${u.why}`);
  const lines = [...places].map(([what, kinds]) => {
    const titles = kinds.map((u) => KINDS.find((kind) => kind.id === u.kind)?.title ?? u.kind);
    return `  ${plain(what, 400)}\n    not known there: ${[...new Set(titles)].join(', ')}`;
  });
  return `${paint.warn('Could not look')}\n${lines.join('\n')}\n`;
}

export function renderRefusals({ refusals }: Plan, paint: Paint): string {
  if (refusals.length === 0) return '';
  const lines = refusals.map(
    (r) =>
      `  ${plain(r.sentence, 400)}\n    ${r.code}: ${r.flag === null ? 'nothing lifts this' : `--${r.flag} lifts this`}`,
  );
  return `${paint.bad('Refused')}\n${lines.join('\n')}\n`;
}

/** The parts that are not empty, parted by blank lines. */
export function joinParts(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}
