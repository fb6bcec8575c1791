import type { Kind } from '../kind.ts';
import { findInterfaces, type InterfaceFacts } from './find.ts';
import { planInterfaces } from './plan.ts';

export const interfaces: Kind<InterfaceFacts> = {
  id: 'interfaces',
  title: 'Interfaces',
  looksAt: 'network devices and Open vSwitch on every host that may hold the server, by the ids of its ports',
  doors: ['command', 'http'],
  find: findInterfaces,
  plan: planInterfaces,
};
