import { describe, expect, it } from 'vitest';
import { portsOf, setPortStatus, unbindPort } from '../../../src/simulator/neutron/ports.ts';
import { insert, rowsOf } from '../../support/simulated-apis.ts';
import { cloudWithPort, portAct } from '../../support/simulated-ports.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

const UNBIND = { device_id: '', device_owner: '', 'binding:host_id': null, 'binding:profile': {} };

describe('a port that is unbound', () => {
  it('keeps its address and loses server, host and binding, as Nova leaves it', async () => {
    const { api, world, id, twin } = await cloudWithPort();
    const before = rowsOf(world, 'neutron', 'ipallocations');
    world.advance(30);
    await api.send(portAct('PUT', id, { port: UNBIND }));
    expect(rowsOf(world, 'neutron', 'ports', { id })).toMatchObject([
      { device_id: '', device_owner: '', status: 'DOWN' },
    ]);
    expect(rowsOf(world, 'neutron', 'ml2_port_bindings', { port_id: id })).toMatchObject([
      { host: '', vif_type: 'unbound', vif_details: '', profile: '', status: 'ACTIVE' },
    ]);
    expect(rowsOf(world, 'neutron', 'ml2_port_binding_levels', { port_id: id })).toEqual([]);
    expect(rowsOf(world, 'neutron', 'ml2_port_binding_levels', { port_id: twin })).toHaveLength(1);
    expect(rowsOf(world, 'neutron', 'ipallocations')).toEqual(before);
    const { body } = await api.get('network', `/v2.0/ports/${id}`);
    expect(body).toMatchObject({
      port: {
        device_id: '',
        status: 'DOWN',
        'binding:host_id': '',
        'binding:vif_type': 'unbound',
        'binding:vif_details': {},
        // Seen on a real Neutron: one more for the one transaction.
        revision_number: 5,
        updated_at: '2026-11-01T10:00:30Z',
      },
    });
  });

  it('is answered with what it is now', async () => {
    const { ask, id } = await cloudWithPort();
    const { status, body } = await ask('PUT', `/network/v2.0/ports/${id}`, { body: { port: UNBIND } });
    expect(status).toBe(200);
    expect(body).toEqual((await ask('GET', `/network/v2.0/ports/${id}`)).body);
  });

  it('loses of its profile what Nova takes out, written as Python writes it', async () => {
    const { world, id } = await cloudWithPort();
    world
      .db('neutron')
      .prepare('UPDATE ml2_port_bindings SET profile = ? WHERE port_id = ?')
      .run('{"pci_slot": "0000:01:00.1", "capabilities": ["switchdev"], "trusted": "true"}', id);
    unbindPort(world, id);
    expect(rowsOf(world, 'neutron', 'ml2_port_bindings', { port_id: id })).toMatchObject([
      { profile: '{"capabilities": ["switchdev"], "trusted": "true"}', host: '' },
    ]);
  });

  it('loses its name in DNS, as far as Neutron keeps names', async () => {
    const { api, ask, world, id } = await cloudWithPort();
    const refused = await ask('PUT', `/network/v2.0/ports/${id}`, {
      body: { port: { ...UNBIND, dns_name: '' } },
    });
    expect(refused.status).toBe(400);
    insert(world, 'neutron', 'portdnses', {
      port_id: id,
      dns_name: 'web',
      current_dns_name: 'web',
      current_dns_domain: 'a.example.',
      previous_dns_name: '',
      previous_dns_domain: '',
      dns_domain: 'a.example.',
    });
    await api.send(portAct('PUT', id, { port: { ...UNBIND, dns_name: '' } }));
    expect(rowsOf(world, 'neutron', 'portdnses')).toEqual([
      {
        port_id: id,
        dns_name: '',
        current_dns_name: '',
        current_dns_domain: '',
        previous_dns_name: 'web',
        previous_dns_domain: 'a.example.',
        dns_domain: 'a.example.',
      },
    ]);
  });

  it.each([
    [{ nosuch: 1 }, 400, "Unrecognized attribute(s) 'nosuch'"],
    [{ status: 'DOWN' }, 400, 'Cannot update read-only attribute status'],
    [{ name: 'x' }, 501, 'the body key name'],
    [{ 'binding:host_id': 7 }, 501, 'binding:host_id that is no text'],
    [{ 'binding:profile': { a: 1 } }, 501, 'binding:profile of a port that stays bound'],
    [{ 'binding:profile': 'x' }, 501, 'binding:profile that is no object'],
    [{ device_id: 7 }, 501, 'device_id that is no text'],
  ])('is not, by a body with %j', async (port, status, message) => {
    const { ask, world, id } = await cloudWithPort();
    const before = rowsOf(world, 'neutron', 'standardattributes');
    const answer = await ask('PUT', `/network/v2.0/ports/${id}`, { body: { port } });
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(message);
    expect(rowsOf(world, 'neutron', 'standardattributes')).toEqual(before);
  });

  it.each([
    [{}, 400, "Unable to find 'port' in request body"],
    [{ port: UNBIND, ports: [] }, 501, 'the body key ports'],
  ])('is not, by the body %j', async (body, status, message) => {
    const { ask, id } = await cloudWithPort();
    const answer = await ask('PUT', `/network/v2.0/ports/${id}`, { body });
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(message);
  });

  it('is not found without its binding, nor when it is not there', async () => {
    const { ask, world, id } = await cloudWithPort();
    world.db('neutron').prepare('DELETE FROM ml2_port_bindings WHERE port_id = ?').run(id);
    for (const port of [id, NOBODY])
      expect((await ask('PUT', `/network/v2.0/ports/${port}`, { body: { port: UNBIND } })).status).toBe(404);
  });
});

it('counts a change of status once, and a status that a port has already not at all', async () => {
  const { world, id } = await cloudWithPort();
  const revision = () =>
    rowsOf(world, 'neutron', 'standardattributes', {
      id: Number(rowsOf(world, 'neutron', 'ports', { id })[0]?.['standard_attr_id']),
    })[0]?.['revision_number'];
  setPortStatus(world, id, 'ACTIVE');
  expect(revision()).toBe(4);
  setPortStatus(world, id, 'DOWN');
  expect(revision()).toBe(5);
  expect(
    portsOf(world, rowsOf(world, 'neutron', 'ports', { id })[0]?.['device_id'] as string),
  ).toContainEqual(expect.objectContaining({ id, status: 'DOWN', host: 'compute1', vifType: 'ovs' }));
});

it.each([
  ['POST', '/network/v2.0/ports'],
  ['PATCH', `/network/v2.0/ports/${NOBODY}`],
  ['DELETE', `/network/v2.0/networks/${NOBODY}`],
])('was not taught %s %s', async (method, path) => {
  const { ask, id } = await cloudWithPort();
  const { status, body } = await ask(method, path.replace(NOBODY, id), {
    ...(method === 'POST' ? { body: { port: {} } } : {}),
  });
  expect(status).toBe(501);
  expect(JSON.stringify(body)).toContain(`The simulator was not taught ${method}`);
});
