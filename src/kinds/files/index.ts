import type { Kind } from '../kind.ts';
import { type FileFacts, findFiles } from './find.ts';
import { planFiles } from './plan.ts';

export const files: Kind<FileFacts> = {
  id: 'files',
  title: 'Files',
  looksAt: 'the instances folder of every host that may hold the server',
  doors: ['command'],
  find: findFiles,
  plan: planFiles,
};
