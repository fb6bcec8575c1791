import type { Kind } from '../kind.ts';
import { type DomainFacts, findDomains } from './find.ts';
import { planDomains } from './plan.ts';

export const domain: Kind<DomainFacts> = {
  id: 'domain',
  title: 'Domain',
  looksAt:
    'libvirt on every host that may hold the server: the domain with its uuid, and any other with its name',
  doors: ['command'],
  find: findDomains,
  plan: planDomains,
};
