/** Lines that fit the terminal. In a pipe nothing is broken: a line there is for programs. */

/** East Asian wide and emoji: two columns each. Near enough to break lines by. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}

export interface Fill {
  /** what the first line begins with */
  readonly first: string;
  /** what the others begin with */
  readonly others?: string;
  /** between two pieces on one line */
  readonly glue?: string;
  /** at the end of a line that goes on, such as a shell's ` \` */
  readonly end?: string;
}

/** Puts pieces on as few lines as fit. A piece (an id, a path) is never broken: one that is too long stands alone. */
export function fill(pieces: readonly string[], columns: number, form: Fill): string[] {
  const { first, others = first, glue = ' ', end = '' } = form;
  const lines: string[] = [];
  let line = first;
  pieces.forEach((piece, i) => {
    const joined = `${line}${i === 0 ? '' : glue}${piece}`;
    if (i === 0 || widthOf(joined) + end.length <= columns) {
      line = joined;
      return;
    }
    lines.push(`${line}${end}`);
    line = `${others}${piece}`;
  });
  return [...lines, line];
}

/** A sentence, broken between words. */
export function wrap(text: string, columns: number, first: string, others = first): string[] {
  return fill(text.split(' '), columns, { first, others });
}

/** Cut to what one line holds, for a line that is written over: one that wraps cannot be. */
export function cut(text: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += WIDE.test(character) ? 2 : 1;
    if (width > columns) return kept;
    kept += character;
  }
  return kept;
}
