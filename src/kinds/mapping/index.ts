import type { Kind } from '../kind.ts';
import { findMapping, type MappingFacts } from './find.ts';
import { planMapping } from './plan.ts';

export const mapping: Kind<MappingFacts> = {
  id: 'mapping',
  title: 'Mapping',
  looksAt: 'nova_api: whether the server’s mapping to its cell is marked as deleted',
  doors: ['sql'],
  find: findMapping,
  plan: planMapping,
};
