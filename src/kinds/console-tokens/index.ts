import type { Kind } from '../kind.ts';
import { type ConsoleTokenFacts, findConsoleTokens } from './find.ts';
import { planConsoleTokens } from './plan.ts';

export const consoleTokens: Kind<ConsoleTokenFacts> = {
  id: 'console-tokens',
  title: 'Console tokens',
  looksAt: 'memcached: the list of the server’s console tokens and each token, under plain and hashed keys',
  doors: ['cache'],
  find: findConsoleTokens,
  plan: planConsoleTokens,
};
