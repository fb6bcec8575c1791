/** A port that is given back to the host that it was taken from, as undo does. */
import { expect, test } from 'vitest';
import { portsOf } from '../../../src/simulator/neutron/ports.ts';
import { rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';

async function unboundPort() {
  const cloud = await simulatedCloud();
  const [port] = portsOf(cloud.world, cloud.server.uuid);
  if (port === undefined) throw new Error('the server has no port');
  const bindings = () => ({
    binding: rowsOf(cloud.world, 'neutron', 'ml2_port_bindings', { port_id: port.id }),
    levels: rowsOf(cloud.world, 'neutron', 'ml2_port_binding_levels', { port_id: port.id }),
  });
  const bound = bindings();
  const put = (body: object) => cloud.ask('PUT', `/network/v2.0/ports/${port.id}`, { body: { port: body } });
  await put({ device_id: '', device_owner: '', 'binding:host_id': null, 'binding:profile': {} });
  expect(bindings()).not.toEqual(bound);
  return { ...cloud, port, put, bindings, bound };
}

test('is bound as before, by what the agent there says of itself, and DOWN until somebody plugs it', async () => {
  const { port, put, bindings, bound, server, world } = await unboundPort();
  const { status, body } = await put({
    device_id: server.uuid,
    device_owner: 'compute:nova',
    'binding:host_id': port.host,
    'binding:profile': {},
  });
  expect(status).toBe(200);
  expect(bindings()).toEqual(bound);
  // Seen on a real Neutron: one more for the request, one for the binding.
  expect(body).toMatchObject({ port: { revision_number: 7 } });
  expect(rowsOf(world, 'neutron', 'ports', { id: port.id })).toMatchObject([
    { device_id: server.uuid, device_owner: 'compute:nova', status: 'DOWN' },
  ]);
});

test('cannot be bound where no agent is: Neutron answers 200 and writes that the binding failed', async () => {
  const { put, bindings } = await unboundPort();
  const { status, body } = await put({ 'binding:host_id': 'nowhere' });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    port: { 'binding:host_id': 'nowhere', 'binding:vif_type': 'binding_failed' },
  });
  expect(bindings()).toMatchObject({
    binding: [{ host: 'nowhere', vif_type: 'binding_failed' }],
    levels: [],
  });
});
