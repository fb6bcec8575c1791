import { freezeCompute, killCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { createServer, createSnapshot, deleteServer, serverAction } from '../servers.ts';
import type { Scenario } from './scenario.ts';

/**
 * The API made the image `<name>-shelved` and asked the host to fill it; the host never did. The row does not know the
 * image's id yet, so nothing but its name, its owner and its emptiness says whose it is.
 */
export const shelvingStuck: Scenario = {
  name: 'shelving-stuck',
  title: 'shelving for ever, with an image that nobody fills',
  outcome: 'purged',
  async make(lab, name) {
    const server = await createServer(lab, { name });
    await createSnapshot(lab, server, `${name}-mine`);
    return server;
  },
  async break(lab, server) {
    freezeCompute(lab);
    await serverAction(lab, server, 'shelve');
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};
