/** What a compute host says of itself to the storage (os-brick `initiator/connector.py:get_connector_properties`). */
import * as z from 'zod';

export type Connector = Readonly<Record<string, z.infer<ReturnType<typeof z.json>>>>;

const SECRET = /pass|secret|token|keyring|credential/i;

const stash = z.looseObject({ connector: z.record(z.string(), z.json()).nullish() });

/**
 * The connector that Nova of Mitaka and later puts into the `connection_info` of a volume attached the old way, so that it can be let go
 * of when the host is dead (nova 26 `virt/block_device.py:_legacy_volume_attach`, `compute/api.py:_local_cleanup_bdm_volumes`).
 *
 * Secrets, should a driver put one there, are not taken over.
 */
export function parseStashedConnector(json: string | null): Connector | null {
  if (json === null) return null;
  try {
    const found = stash.safeParse(JSON.parse(json)).data?.connector;
    return found == null ? null : withoutSecrets(found);
  } catch {
    return null;
  }
}

function withoutSecrets(connector: Connector): Connector {
  return Object.fromEntries(Object.entries(connector).filter(([key]) => !SECRET.test(key)));
}
