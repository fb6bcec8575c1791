import { deleteServer, requestServer, waitForStatus } from '../servers.ts';
import type { Scenario } from './scenario.ts';

/** No host could take it: its row is in cell0, in error, and it never was on any host. */
export const errorNeverScheduled: Scenario = {
  name: 'error-never-scheduled',
  title: 'in cell0, in error: no host could take it',
  outcome: 'purged',
  async make(lab, name) {
    const server = await requestServer(lab, { name, flavor: 'm1.huge' });
    await waitForStatus(lab, server, 'ERROR');
    return server;
  },
  break: () => Promise.resolve(),
  novaDelete: deleteServer,
  mend: () => Promise.resolve(),
  beyondNova: [],
};
