/** The column in which what is said of a step begins, below its title. */
export const FIELD = 15;

/** `       why     ` */
export function labelled(label: string): string {
  return `       ${label.padEnd(FIELD - 7)}`;
}
