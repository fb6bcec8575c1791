/** Plans of other versions: told apart from damaged ones, and refused by name. */
import { UsageError } from './errors.ts';

/** The one that this version writes and reads. */
const FORMAT = 1;

/** What a plan of any version says of itself; null: it does not. */
export function madeBy(data: unknown): { readonly format: number | null; readonly tool: string | null } {
  if (typeof data !== 'object' || data === null) return { format: null, tool: null };
  const format = 'format' in data && typeof data.format === 'number' ? data.format : null;
  const tool = 'tool' in data && typeof data.tool === 'string' ? data.tool : null;
  return { format, tool };
}

/** The error for a plan in another format; null: it is of this one, or no plan at all. */
export function refuseFormat(path: string, data: unknown): UsageError | null {
  const { format, tool } = madeBy(data);
  if (format === null || format === FORMAT) return null;
  const maker = tool === null ? 'another version of expunge' : `expunge ${tool}`;
  return new UsageError(
    `${path} is in format ${format}, of ${maker}; this version reads format ${FORMAT} only`,
    { code: 'format-unknown', hint: `use ${maker} for it` },
  );
}
