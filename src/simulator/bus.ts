/** The message bus wire: the queues of the nova-computes, as a client that takes nothing sees them. */
import { LookError } from '../plan/errors.ts';
import type { BusConnection } from '../site/queue/amqp.ts';
import type { BusMessage } from '../site/queue/request.ts';
import type { BusUrl } from '../site/queue/url.ts';
import { readMeta, type World } from './world.ts';

/**
 * What waits for a nova-compute that is connected has been handed to it, frozen or not, and nobody else sees it.
 *
 * @throws LookError for a user that there is not, and with the world's meta `bus` set to `down`, in the words of `site/queue/amqp.ts`
 */
export async function connectBus(
  world: World,
  place: string,
  url: BusUrl,
  react: () => void,
): Promise<BusConnection> {
  const [{ host, port, user, password }] = url.brokers;
  // The one account of the bus here, as `cell_mappings` of the recorded cloud has it.
  if (user !== 'nova' || password !== 'nova')
    throw new LookError(place, `${host}:${port} refuses user or password`, {
      code: 'message-bus-login',
      hint: 'set message_bus.user and message_bus.password in the site file',
    });
  if (readMeta(world, 'bus') === 'down')
    throw new LookError(place, `${host}:${port}: connect ECONNREFUSED ${host}:${port}`, {
      code: 'message-bus-unreachable',
      hint: 'nothing listens there: is RabbitMQ up, is the address right?',
    });
  return {
    async visit(queue, take) {
      react();
      const of = /^compute\.(.+)$/.exec(queue)?.[1];
      const compute = world.machines.prepare('SELECT compute FROM hosts WHERE name = ?').get(of ?? '');
      if (of === undefined || compute === undefined) return null;
      if (compute['compute'] === 'alive' || compute['compute'] === 'frozen') return { consumers: 1 };
      const waiting = world.machines
        .prepare('SELECT id, method, server FROM waiting WHERE host = ? ORDER BY id')
        .all(of);
      for (const { id, method, server } of waiting)
        if (take(writeRequest(Number(id), String(method), String(server))))
          world.machines.prepare('DELETE FROM waiting WHERE id = ?').run(Number(id));
      react();
      return { consumers: 0 };
    },
    onLost() {},
    async close() {},
  };
}

/** As nova-api sends it: nova 26 `compute/rpcapi.py`, oslo.messaging 14 `_drivers/common.py:serialize_msg`. */
function writeRequest(id: number, method: string, server: string): BusMessage {
  const instance = { 'nova_object.name': 'Instance', 'nova_object.data': { uuid: server } };
  const args = method === 'external_instance_event' ? { instances: [instance], events: [] } : { instance };
  const number = String(id).padStart(12, '0');
  const request = {
    method,
    args,
    version: '6.0',
    _context_request_id: `req-00000000-0000-4000-8000-${number}`,
  };
  const body = { 'oslo.version': '2.0', 'oslo.message': JSON.stringify(request) };
  return { body: Buffer.from(JSON.stringify(body)), packed: false };
}
