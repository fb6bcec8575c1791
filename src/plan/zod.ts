/**
 * zod, as all of expunge uses it: it interprets its schemas. Compiled to functions, its default, they are quicker from the hundredth
 * value on, and a command reads a dozen; and a program that acts as root does without `eval`.
 */
import { config, type core, custom } from 'zod';

config({ jitless: true });

export * from 'zod';

/**
 * For what `parseJson` gave: nothing but JSON comes out of a text of JSON, so only that there is something is asked. zod's own `json` looks
 * through all of it and copies it, which took a third of the time in which the record of a run is read.
 */
export const anyJson = custom<core.util.JSONType>((value) => value !== undefined);
