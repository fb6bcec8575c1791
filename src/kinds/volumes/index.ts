import type { Kind } from '../kind.ts';
import { findVolumes, type VolumeFacts } from './find.ts';
import { planVolumes } from './plan.ts';

export const volumes: Kind<VolumeFacts> = {
  id: 'volumes',
  title: 'Volumes',
  looksAt: 'Cinder: volumes that it or Nova give to the server',
  doors: ['http', 'sql'],
  find: findVolumes,
  plan: planVolumes,
};
