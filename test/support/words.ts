import { expect } from 'vitest';

/** In the place of a sentence, which may be put in other words. */
export const WORDS: unknown = expect.stringMatching(/./);
