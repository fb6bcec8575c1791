import { createServer, deleteServer } from '../servers.ts';
import type { Scenario } from './scenario.ts';

/** Nova did all of it: there is nothing to find, and nothing to write. */
export const alreadyClean: Scenario = {
  name: 'already-clean',
  title: 'properly deleted by Nova',
  outcome: 'already-clean',
  make: (lab, name) => createServer(lab, { name }),
  break: deleteServer,
  novaDelete: deleteServer,
  mend: () => Promise.resolve(),
  beyondNova: [],
};
