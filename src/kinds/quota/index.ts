import type { Kind } from '../kind.ts';
import { findQuota, type QuotaFacts } from './find.ts';
import { planQuota } from './plan.ts';

export const quota: Kind<QuotaFacts> = {
  id: 'quota',
  title: 'Quota',
  looksAt: 'the cell’s quota_usages (Ocata and older): what Nova believes the owner uses',
  doors: ['sql'],
  find: findQuota,
  plan: planQuota,
};
