/** Trunks and floating addresses through the real client: what the trunk plugin and the router plugin answer. */
import { expect, test } from 'vitest';
import { insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';
import { cloudWithPort } from '../../support/simulated-ports.ts';

async function cloudWithTrunk(up = 1) {
  const cloud = await cloudWithPort();
  const { world, id, twin } = cloud;
  const attributes = insert(world, 'neutron', 'standardattributes', { resource_type: 'trunks' });
  insert(world, 'neutron', 'trunks', {
    id: 't1',
    name: 'vlans',
    admin_state_up: up,
    project_id: 'p',
    port_id: id,
    status: 'ACTIVE',
    standard_attr_id: attributes,
  });
  insert(world, 'neutron', 'subports', {
    port_id: twin,
    trunk_id: 't1',
    segmentation_type: 'vlan',
    segmentation_id: 101,
  });
  return { ...cloud, attributes };
}

test('a Neutron without the plugins has no such resources', async () => {
  const { ask } = await simulatedCloud();
  for (const path of ['trunks/t1', 'floatingips?port_id=p']) {
    const { status, body } = await ask('GET', `/network/v2.0/${path}`);
    expect({ status, body }).toMatchObject({ status: 404, body: { NeutronError: { type: 'HTTPNotFound' } } });
  }
});

test('a trunk is shown with its subports', async () => {
  const { ask, id, twin } = await cloudWithTrunk();
  const { status, body } = await ask('GET', '/network/v2.0/trunks/t1');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    trunk: {
      port_id: id,
      admin_state_up: true,
      sub_ports: [{ port_id: twin, segmentation_type: 'vlan', segmentation_id: 101 }],
    },
  });
  expect(await ask('GET', '/network/v2.0/trunks/t2')).toMatchObject({ status: 404 });
});

test('it is not deleted while its parent is bound; then it goes with its standard attributes, and the ports stay', async () => {
  const { ask, world, id, attributes } = await cloudWithTrunk();
  const deleting = () => ask('DELETE', '/network/v2.0/trunks/t1');
  expect(await deleting()).toMatchObject({ status: 409, body: { NeutronError: { type: 'TrunkInUse' } } });
  await ask('PUT', `/network/v2.0/ports/${id}`, { body: { port: { 'binding:host_id': '' } } });
  expect(rowsOf(world, 'neutron', 'trunks')).toMatchObject([{ status: 'DOWN' }]);
  const ports = rowsOf(world, 'neutron', 'ports').length;
  expect(await deleting()).toMatchObject({ status: 204 });
  expect(rowsOf(world, 'neutron', 'standardattributes', { id: attributes })).toEqual([]);
  expect(rowsOf(world, 'neutron', 'subports')).toEqual([]);
  expect(rowsOf(world, 'neutron', 'ports')).toHaveLength(ports);
});

test('one that is locked is not deleted', async () => {
  const { ask } = await cloudWithTrunk(0);
  expect(await ask('DELETE', '/network/v2.0/trunks/t1')).toMatchObject({
    status: 409,
    body: { NeutronError: { type: 'TrunkDisabled' } },
  });
});
