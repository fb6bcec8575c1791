import { freezeCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { createServer, deleteServer, requestDelete } from '../servers.ts';
import type { Scenario } from './scenario.ts';

/** The classic: nova-compute hangs, takes no request, and the delete waits in its queue. */
export const deletingForever: Scenario = {
  name: 'deleting-forever',
  title: 'nova-compute froze before it took the delete',
  outcome: 'purged',
  make: (lab, name) => createServer(lab, { name }),
  async break(lab, server) {
    freezeCompute(lab);
    await requestDelete(lab, server);
    await waitServiceDown(lab, 'nova-compute');
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};
