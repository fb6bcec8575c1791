import type { Kind } from '../kind.ts';
import { type FenceFacts, findFence } from './find.ts';
import { planFence } from './plan.ts';

/** Not remains but the question before them: may this server be touched at all? It plans no steps, only refusals. */
export const fence: Kind<FenceFacts> = {
  id: 'fence',
  title: 'The server itself',
  looksAt: "the server's state, its latest action, its migrations and the nova-compute of its host",
  doors: ['sql'],
  find: findFence,
  plan: planFence,
};
