import { z } from 'zod';
import { ask } from '../api.ts';
import type { Lab } from '../paths.ts';
import { readSeed } from '../seed.ts';
import type { LabServer } from '../servers.ts';
import { nodeName } from './paths.ts';

/** A volume that a server is booted with. */
export interface BootedVolume {
  readonly id: string;
  /** Nova deletes it with the server. */
  readonly deleteOnTermination: boolean;
  /** The server boots from it, and has no disk of its own. */
  readonly boot?: boolean;
}

/** Asks for a server on a host, the node unless another is named, and does not wait for it. */
export async function requestNodeServer(
  lab: Lab,
  name: string,
  options: { readonly volumes?: readonly BootedVolume[]; readonly host?: string } = {},
): Promise<LabServer> {
  const seed = await readSeed(lab);
  const { volumes = [], host = nodeName } = options;
  const boots = volumes.some((volume) => volume.boot === true);
  const mappings = volumes.map((volume) => ({
    uuid: volume.id,
    source_type: 'volume',
    destination_type: 'volume',
    boot_index: volume.boot === true ? 0 : -1,
    delete_on_termination: volume.deleteOnTermination,
  }));
  const image = { uuid: seed.image, source_type: 'image', destination_type: 'local', boot_index: 0 };
  const disks = [...(boots ? [] : [{ ...image, delete_on_termination: true }]), ...mappings];
  const shape = z.object({ server: z.object({ id: z.string() }) });
  const { server } = await ask(lab, 'compute', 'POST', '/servers', shape, {
    server: {
      name,
      flavorRef: seed.flavors['m1.nano'],
      networks: [{ uuid: seed.network }],
      host,
      ...(boots ? {} : { imageRef: seed.image }),
      ...(mappings.length === 0 ? {} : { block_device_mapping_v2: disks }),
    },
  });
  return { id: server.id, name, prePort: undefined };
}
