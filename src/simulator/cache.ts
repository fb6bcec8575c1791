/** The memcached wire: the servers of the world, as far as `get` and `delete` show them. */
import { ActError, LookError } from '../plan/errors.ts';
import type { Wires } from '../site/wires.ts';
import { readMeta, type World } from './world.ts';

/**
 * Servers are named in the world's meta `memcached`, a JSON list of `host:port`. One that is not there is refused as a port is
 * on which nobody listens, with the codes of `site/cache/memcached.ts`.
 */
export function openSimulatedCache(world: World, react: () => void): Wires['cache'] {
  return {
    async get(server, key) {
      react();
      reach(world, server, key);
      const row = world.machines
        .prepare('SELECT value FROM cache WHERE server = ? AND key = ?')
        .get(server, key);
      const value = row?.['value'];
      react();
      if (value === undefined) return null;
      return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value as Uint8Array);
    },
    async delete(server, key) {
      react();
      try {
        reach(world, server, key);
      } catch (error) {
        if (!(error instanceof LookError) || error.code === 'cache-key') throw error;
        throw new ActError(`${error.place}: ${error.message}`, { code: error.code, unknown: true });
      }
      world.machines.prepare('DELETE FROM cache WHERE server = ? AND key = ?').run(server, key);
      react();
    },
  };
}

/** @throws LookError when nobody listens there, or the key is none */
function reach(world: World, server: string, key: string): void {
  if (!/^[\x21-\x7e]{1,250}$/.test(key))
    throw new LookError(`memcached ${server}`, 'not a key that memcached can hold', { code: 'cache-key' });
  const servers: unknown = JSON.parse(readMeta(world, 'memcached') ?? '[]');
  if (Array.isArray(servers) && servers.includes(server)) return;
  throw new LookError(`memcached ${server}`, `connect ECONNREFUSED ${server}`, { code: 'cache-unreachable' });
}
