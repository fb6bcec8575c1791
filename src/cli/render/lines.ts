/** Lines that fit the terminal. In a pipe nothing is broken: a line there is for programs. */

/** East Asian wide and emoji: two columns each. Near enough to break lines by. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Accents that stand on the character before them. */
const COMBINING = /\p{Mn}|\p{Me}/u;

/** Above this a line is hard to follow back to the next, however wide the terminal is. */
const MEASURE = 110;

/** Columns of a line that is read, not copied. */
export function measure(columns: number): number {
  return columns === Number.POSITIVE_INFINITY ? columns : Math.min(columns, MEASURE);
}

function widthOfCharacter(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** What is in nearly every text: each character takes one column. */
const ASCII = /^[\x20-\x7e]*$/;

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** `padEnd` by what is seen. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
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

/**
 * Puts pieces on as few lines as fit. A piece (an id, a path) is never broken: one that is too long stands alone, further left
 * than the others where that makes it fit.
 */
export function fill(pieces: readonly string[], columns: number, form: Fill): string[] {
  const { first, others = first, glue = ' ', end = '' } = form;
  const lines: string[] = [];
  let line = first;
  let width = widthOf(first);
  pieces.forEach((piece, i) => {
    const more = (i === 0 ? '' : glue) + piece;
    const longer = width + widthOf(more);
    if (i === 0 || longer + end.length <= columns) {
      line += more;
      width = longer;
      return;
    }
    lines.push(`${line}${end}`);
    line = `${indentFor(piece, columns - end.length, others)}${piece}`;
    width = widthOf(line);
  });
  return [...lines, line];
}

/** A terminal breaks what does not fit, in the middle of an id: rather no indentation than that. */
function indentFor(piece: string, columns: number, indent: string): string {
  const room = columns - widthOf(piece);
  return room < 0 || widthOf(indent) <= room ? indent : ' '.repeat(room);
}

/** A sentence, broken between words. */
export function wrap(text: string, columns: number, first: string, others = first): string[] {
  return fill(text.split(' '), measure(columns), { first, others });
}

/** As many whole words as one line holds, for a line that is written over: one that wraps cannot be. */
export function clip(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept: string | null = null;
  for (const word of text.split(' ')) {
    const longer: string = kept === null ? word : `${kept} ${word}`;
    if (widthOf(longer) + ' ...'.length > columns) break;
    kept = longer;
  }
  return kept === null ? '' : `${kept} ...`;
}
