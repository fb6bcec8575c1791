/** Words that several kinds write. */

/** `1 step`, `2 steps` */
export function countOf(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
