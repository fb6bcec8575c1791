import type { Kind } from '../kind.ts';
import { type BuildRequestFacts, findBuildRequest } from './find.ts';
import { planBuildRequest } from './plan.ts';

export const buildRequest: Kind<BuildRequestFacts> = {
  id: 'build-request',
  title: 'Build request',
  looksAt: 'nova_api: the request of a server that was never scheduled',
  doors: ['sql'],
  find: findBuildRequest,
  plan: planBuildRequest,
};
