import { z } from 'zod';
import { ask } from '../api.ts';
import type { Lab } from '../paths.ts';
import { readSeed } from '../seed.ts';
import type { LabServer } from '../servers.ts';
import { nodeName } from './paths.ts';

/** Asks for a server on the node and does not wait for it. */
export async function requestNodeServer(lab: Lab, name: string): Promise<LabServer> {
  const seed = await readSeed(lab);
  const shape = z.object({ server: z.object({ id: z.string() }) });
  const { server } = await ask(lab, 'compute', 'POST', '/servers', shape, {
    server: {
      name,
      imageRef: seed.image,
      flavorRef: seed.flavors['m1.nano'],
      networks: [{ uuid: seed.network }],
      host: nodeName,
    },
  });
  return { id: server.id, name, prePort: undefined };
}
