/** A message bus in memory: messages by queue, in order. */
import type { LookError } from '../../src/plan/errors.ts';
import type { BusConnection } from '../../src/site/queue/amqp.ts';

/** A request of Nova for one server, as it stands in a queue. */
export function busMessage(method: string, server: string): Buffer {
  const instance = { 'nova_object.name': 'Instance', 'nova_object.data': { uuid: server } };
  const inner = JSON.stringify({ method, args: { instance } });
  return Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': inner }));
}

/** @param queues bodies, which a visit that takes some makes fewer */
export function fakeBus(queues: Record<string, Buffer[]>, fault?: LookError): BusConnection {
  return {
    async visit(queue, take) {
      if (fault !== undefined) throw fault;
      const bodies = queues[queue];
      if (bodies === undefined) return null;
      queues[queue] = bodies.filter((body) => !take({ body, packed: false }));
      return { consumers: 0 };
    },
    onLost() {},
    async close() {},
  };
}
