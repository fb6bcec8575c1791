/** Places and what is in them, as a tree where a terminal can draw one, else by indentation alone. */
import type { Screen } from '../io.ts';
import { wrap } from './lines.ts';

export interface Branch {
  readonly name: string;
  readonly leaves: readonly string[];
}

/** What a line begins with: on itself, and on the lines that go on with it or hang below it. */
interface Strokes {
  readonly on: string;
  readonly below: string;
}

const PLAIN: Strokes = { on: '  ', below: '  ' };
const MIDDLE: Strokes = { on: '├─ ', below: '│  ' };
const LAST: Strokes = { on: '└─ ', below: '   ' };

/** Names and leaves must be escaped already (`plain`). */
export function drawTree(branches: readonly Branch[], { draws, columns }: Screen): string[] {
  const strokes = (i: number, all: readonly unknown[]) =>
    draws ? (i === all.length - 1 ? LAST : MIDDLE) : PLAIN;
  return branches.flatMap(({ name, leaves }, i) => {
    const { on, below } = strokes(i, branches);
    return [
      ...wrap(name, columns, on, `${below}  `),
      ...leaves.flatMap((leaf, j) => {
        const own = strokes(j, leaves);
        return wrap(leaf, columns, `${below}${own.on}`, `${below}${own.below}  `);
      }),
    ];
  });
}
