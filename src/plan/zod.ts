/**
 * zod, as all of expunge uses it: it interprets its schemas. Compiled to functions, its default, they are quicker from the hundredth
 * value on, and a command reads a dozen; and a program that acts as root does without `eval`.
 */
import { config } from 'zod';

config({ jitless: true });

export * from 'zod';
