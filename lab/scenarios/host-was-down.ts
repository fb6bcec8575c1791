import { settle } from '../delta.ts';
import { killCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { createServer, deleteServer, requestDelete, waitGone } from '../servers.ts';
import type { Scenario } from './scenario.ts';

/** The API deletes what it can reach: row, ports, allocations. The host keeps domain, interfaces and files. */
export const hostWasDown: Scenario = {
  name: 'host-was-down',
  title: 'deleted by the API alone while its host was down',
  outcome: 'purged',
  make: (lab, name) => createServer(lab, { name }),
  async break(lab, server) {
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
    await requestDelete(lab, server);
    await waitGone(lab, server);
    // The agent lives: it shuts the switch ports whose Neutron ports are gone.
    await settle(lab);
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};
