import { settle } from '../delta.ts';
import { killCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { readSeed } from '../seed.ts';
import { createServer, deleteServer, serverAction, waitForPorts, waitForStatus } from '../servers.ts';
import { change } from '../sql.ts';
import type { Scenario } from './scenario.ts';

/**
 * Resized and never confirmed, so that `<uuid>` and `<uuid>_resize` stand side by side and the old flavor's allocation
 * belongs to the migration. A delete must confirm first, and its host died just then.
 */
export const resizeBothDirs: Scenario = {
  name: 'resize-both-dirs',
  title: 'resized, and its host died while the delete confirmed the resize',
  outcome: 'purged',
  async make(lab, name) {
    const server = await createServer(lab, { name });
    const { flavors } = await readSeed(lab);
    await serverAction(lab, server, 'resize', { flavorRef: flavors['m1.micro'] });
    await waitForStatus(lab, server, 'VERIFY_RESIZE');
    await waitForPorts(lab, server);
    await settle(lab);
    return server;
  },
  async break(lab, server) {
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
    // What the API leaves when its call to the dead host runs into its time-out, a minute later.
    await change(lab, 'nova', [
      ["UPDATE instances SET task_state = 'deleting' WHERE uuid = ?", [server.id]],
      [
        "UPDATE migrations SET status = 'confirming' WHERE instance_uuid = ? AND status = 'finished'",
        [server.id],
      ],
    ]);
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};
