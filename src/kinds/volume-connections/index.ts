import type { Kind } from '../kind.ts';
import type { ConnectionFacts } from './facts.ts';
import { findConnections } from './find.ts';
import { planConnections } from './plan.ts';

export const volumeConnections: Kind<ConnectionFacts> = {
  id: 'volume-connections',
  title: 'Volume connections',
  looksAt:
    'iSCSI sessions, disks, maps and mounts of its volumes on every host that may hold the server, and who else uses them',
  doors: ['command', 'sql', 'http'],
  find: findConnections,
  plan: planConnections,
};
