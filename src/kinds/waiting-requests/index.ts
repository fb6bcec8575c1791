import type { Kind } from '../kind.ts';
import { findWaitingRequests, type WaitingRequestFacts } from './find.ts';
import { planWaitingRequests } from './plan.ts';

export const waitingRequests: Kind<WaitingRequestFacts> = {
  id: 'waiting-requests',
  title: 'Waiting requests',
  looksAt: 'the message bus: what waits for a nova-compute that is down and is to work on this server',
  doors: ['queue', 'command', 'sql'],
  find: findWaitingRequests,
  plan: planWaitingRequests,
};
