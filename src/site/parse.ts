import { LookError } from '../plan/errors.ts';
import type * as z from '../plan/zod.ts';

/** A JSON object, of which nothing else is known yet. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Parses an answer from outside into a narrow type.
 *
 * @throws LookError when the answer does not have the shape that the release is known to give: better unknown than misread
 */
export function parseAnswer<S extends z.ZodType>(place: string, schema: S, answer: unknown): z.infer<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new LookError(
    place,
    `the answer is not understood: ${issue?.path.join('.') || 'body'}: ${issue?.message}`,
    {
      code: 'answer-not-understood',
    },
  );
}
