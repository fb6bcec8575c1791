import { settle } from '../delta.ts';
import { createServer, createSnapshot, deleteServer, serverAction, waitForStatus } from '../servers.ts';
import { change } from '../sql.ts';
import type { Scenario } from './scenario.ts';

/** Shelved and off its host; the API marked it as deleting and died. Nova's image must go, the user's must stay. */
export const shelvedOffloaded: Scenario = {
  name: 'shelved-offloaded',
  title: 'shelved, off its host, and marked as deleting by an API that died',
  outcome: 'purged',
  async make(lab, name) {
    const server = await createServer(lab, { name });
    await createSnapshot(lab, server, `${name}-mine`);
    await serverAction(lab, server, 'shelve');
    await waitForStatus(lab, server, 'SHELVED_OFFLOADED');
    await settle(lab);
    return server;
  },
  async break(lab, server) {
    await change(lab, 'nova', [["UPDATE instances SET task_state = 'deleting' WHERE uuid = ?", [server.id]]]);
  },
  novaDelete: deleteServer,
  mend: () => Promise.resolve(),
  beyondNova: [],
};
