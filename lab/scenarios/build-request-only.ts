import { sleep } from '../command.ts';
import { freezeCompute, kill, revive, thawCompute } from '../nova-services.ts';
import { deleteServer, requestServer } from '../servers.ts';
import { change } from '../sql.ts';
import type { Scenario } from './scenario.ts';

/** The request to build it was lost on the way: there is a build request and a mapping to no cell, and no row at all. */
export const buildRequestOnly: Scenario = {
  name: 'build-request-only',
  title: 'asked for, never scheduled: no instance row anywhere',
  outcome: 'purged',
  async make(lab, name) {
    // nova-compute speaks through the same queue. It is put to sleep with nothing under way, or it would wait a minute
    // for the answer to a call that was dropped, and report nothing meanwhile.
    freezeCompute(lab);
    try {
      await sleep(500);
      await kill(lab, 'nova-conductor');
      return await requestServer(lab, { name });
    } finally {
      await revive(lab, 'nova-conductor', { dropQueue: true });
      await thawCompute(lab);
    }
  },
  async break(lab, server) {
    // Asked for just now it might still be built.
    const statement =
      'UPDATE build_requests SET created_at = created_at - INTERVAL 1 DAY, updated_at = NULL WHERE instance_uuid = ?';
    await change(lab, 'nova_api', [[statement, [server.id]]]);
  },
  novaDelete: deleteServer,
  mend: () => Promise.resolve(),
  beyondNova: [],
};
