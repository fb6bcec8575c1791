import { z } from 'zod';
import { ask } from './api.ts';
import type { Lab } from './paths.ts';
import { createServer, deleteServer, type LabServer } from './servers.ts';
import { takeTurn } from './turn.ts';

/**
 * Live servers that share network, image, security group and flavor with every victim, and whose names begin like
 * theirs: what matches by name or by prefix touches them.
 */
const names = ['vm', 'vm-a', 'vm-a-victim-1'] as const;

/** Waits for its turn on the lab, then makes the neighbours that are not there yet; they live through all scenarios. */
export async function createNeighbours(lab: Lab): Promise<readonly LabServer[]> {
  await takeTurn(lab);
  const shape = z.object({
    servers: z.array(z.object({ id: z.string(), name: z.string(), status: z.string() })),
  });
  const { servers } = await ask(lab, 'compute', 'GET', '/servers/detail', shape);
  const ports = await ask(
    lab,
    'network',
    'GET',
    '/ports',
    z.object({ ports: z.array(z.object({ id: z.string(), name: z.string(), device_id: z.string() })) }),
  );
  const neighbours: LabServer[] = [];
  for (const name of names) {
    const same = servers.filter((server) => server.name === name);
    const known = same.find((server) => server.status === 'ACTIVE');
    // After `down --keep` they are there without a domain.
    for (const other of same)
      if (other !== known) await deleteServer(lab, { id: other.id, name, prePort: undefined });
    const prePort = ports.ports.find(
      (port) => port.device_id === known?.id && port.name === `pre-${name}`,
    )?.id;
    neighbours.push(
      known === undefined ? await createServer(lab, { name }) : { id: known.id, name, prePort },
    );
  }
  return neighbours;
}
