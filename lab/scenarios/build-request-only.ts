import { kill, revive } from '../nova-services.ts';
import { deleteServer, requestServer } from '../servers.ts';
import type { Scenario } from './scenario.ts';

/** The request to build it was lost on the way: there is a build request and a mapping to no cell, and no row at all. */
export const buildRequestOnly: Scenario = {
  name: 'build-request-only',
  title: 'asked for, never scheduled: no instance row anywhere',
  outcome: 'purged',
  async make(lab, name) {
    await kill(lab, 'nova-conductor');
    try {
      return await requestServer(lab, { name });
    } finally {
      await revive(lab, 'nova-conductor', { dropQueue: true });
    }
  },
  break: () => Promise.resolve(),
  novaDelete: deleteServer,
  mend: () => Promise.resolve(),
  beyondNova: [],
};
