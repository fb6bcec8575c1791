/** What a compute host says of itself to the storage (os-brick `initiator/connector.py:get_connector_properties`). */

import { parseJson } from '../../plan/parse-json.ts';
import * as z from '../../plan/zod.ts';

export type Connector = Readonly<Record<string, z.infer<ReturnType<typeof z.json>>>>;

const SECRET = /pass|secret|token|keyring|credential/i;

const connector = z.record(z.string(), z.json());
const stash = z.looseObject({ connector: connector.nullish() });

/**
 * The connector that Nova of Mitaka and later puts into the `connection_info` of a volume attached the old way, so that it can be let go
 * of when the host is dead (nova 26 `virt/block_device.py:_legacy_volume_attach`, `compute/api.py:_local_cleanup_bdm_volumes`).
 *
 * Secrets, should a driver put one there, are not taken over.
 */
export function parseStashedConnector(json: string | null): Connector | null {
  return withoutSecrets(stash.safeParse(parseJson(json ?? '')).data?.connector ?? null);
}

/** The same out of Cinder's own column. */
export function parseConnector(json: string | null): Connector | null {
  return withoutSecrets(connector.safeParse(parseJson(json ?? '')).data ?? null);
}

/** One without a host names nobody. */
function withoutSecrets(found: Connector | null): Connector | null {
  if (typeof found?.['host'] !== 'string') return null;
  return Object.fromEntries(Object.entries(found).filter(([key]) => !SECRET.test(key)));
}
