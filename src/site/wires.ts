/**
 * What the doors lead to. Everything of this room that decides, parses, retries and asserts is above the wires; below them is
 * the network and the system's ssh, or a simulated cloud.
 */
import { deleteKey, getKey } from './cache/memcached.ts';
import { openLocal } from './command/local.ts';
import { openSsh } from './command/ssh.ts';
import type { HostAccess, Transport } from './command/transport.ts';
import type { CloudAuth } from './config/clouds.ts';
import { type HttpClient, openHttpClient } from './http/request.ts';
import { type BusConnection, openBus } from './queue/amqp.ts';
import type { BusUrl } from './queue/url.ts';
import { openConnection, type SessionOptions, type SqlConnection } from './sql/connections.ts';
import type { DatabaseUrl } from './sql/url.ts';

export interface Wires {
  http(tls: CloudAuth['tls']): HttpClient;
  /** @throws LookError | UsageError when there is no way to the database, or it refuses */
  sql(place: string, url: DatabaseUrl, readOnly: boolean, session?: SessionOptions): Promise<SqlConnection>;
  command(host: HostAccess): Transport;
  /** @throws LookError when there is no way to the message bus, or it refuses */
  queue(place: string, url: BusUrl): Promise<BusConnection>;
  readonly cache: {
    /** @throws LookError */
    get(server: string, key: string): Promise<Buffer | null>;
    /** @throws ActError */
    delete(server: string, key: string): Promise<void>;
  };
}

export const NETWORK: Wires = {
  http: openHttpClient,
  sql: openConnection,
  command: (host) => (host.transport === 'local' ? openLocal(host) : openSsh(host)),
  queue: openBus,
  cache: { get: getKey, delete: deleteKey },
};
