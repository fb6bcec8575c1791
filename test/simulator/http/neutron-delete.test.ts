import { describe, expect, it } from 'vitest';
import type { World } from '../../../src/simulator/world.ts';
import { insert, rowsOf, type SimulatedCloud, simulatedCloud } from '../../support/simulated-apis.ts';
import { cloudWithPort, portAct } from '../../support/simulated-ports.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Tables with a row of the port, by the column that names it. */
function tablesWith(world: World, portId: string): string[] {
  const neutron = world.db('neutron');
  const columns = neutron
    .prepare(
      `SELECT t.name AS tbl, c.name AS col FROM sqlite_master t, pragma_table_info(t.name) c
       WHERE t.type = 'table' AND (c.name LIKE '%port_id' OR (t.name = 'ports' AND c.name = 'id'))`,
    )
    .all();
  return columns
    .filter(
      ({ tbl, col }) =>
        neutron.prepare(`SELECT 1 FROM "${tbl}" WHERE "${col}" = ? LIMIT 1`).get(portId) !== undefined,
    )
    .map(({ tbl }) => String(tbl))
    .sort();
}

describe('a port that is deleted', () => {
  it('is gone from every table with its address, and no other port is touched', async () => {
    const { api, world, id, twin } = await cloudWithPort();
    const attributes = rowsOf(world, 'neutron', 'standardattributes').length;
    const held = tablesWith(world, twin);
    expect(tablesWith(world, id)).toEqual([
      'ipallocations',
      'ml2_port_binding_levels',
      'ml2_port_bindings',
      'ports',
      'portsecuritybindings',
      'securitygroupportbindings',
    ]);
    expect(rowsOf(world, 'neutron', 'ipamallocations')).toHaveLength(2);
    await api.send(portAct('DELETE', id));
    expect(tablesWith(world, id)).toEqual([]);
    expect(tablesWith(world, twin)).toEqual(held);
    expect(rowsOf(world, 'neutron', 'ipamallocations')).toHaveLength(1);
    expect(rowsOf(world, 'neutron', 'standardattributes')).toHaveLength(attributes - 1);
    expect((await api.get('network', `/v2.0/ports/${id}`, { also: [404] })).status).toBe(404);
  });

  it('leaves its floating address, free', async () => {
    const { api, world, id, twin } = await cloudWithPort();
    const network = String(rowsOf(world, 'neutron', 'networks')[0]?.['id']);
    const attributes = insert(world, 'neutron', 'standardattributes', {
      resource_type: 'floatingips',
      revision_number: 3,
    });
    insert(world, 'neutron', 'floatingips', {
      id: 'fip1',
      floating_ip_address: '203.0.113.5',
      floating_network_id: network,
      floating_port_id: twin,
      fixed_port_id: id,
      fixed_ip_address: '10.9.0.20',
      last_known_router_id: 'r1',
      status: 'ACTIVE',
      standard_attr_id: attributes,
    });
    await api.send(portAct('DELETE', id));
    expect(rowsOf(world, 'neutron', 'floatingips')).toMatchObject([
      { id: 'fip1', fixed_port_id: null, fixed_ip_address: null, last_known_router_id: 'r1' },
    ]);
    expect(rowsOf(world, 'neutron', 'standardattributes', { id: attributes })).toMatchObject([
      { revision_number: 4, updated_at: '2026-11-01 10:00:00' },
    ]);
  });

  it('is not found when it is not there', async () => {
    const { api } = await simulatedCloud();
    await expect(api.send(portAct('DELETE', NOBODY))).rejects.toMatchObject({ code: 'api-404' });
  });

  it('stays when its binding is lost', async () => {
    const { ask, world, id } = await cloudWithPort();
    world.db('neutron').prepare('DELETE FROM ml2_port_bindings WHERE port_id = ?').run(id);
    const { status, body } = await ask('DELETE', `/network/v2.0/ports/${id}`);
    expect(status).toBe(404);
    expect(body).toMatchObject({ NeutronError: { type: 'PortBindingNotFound' } });
    expect(tablesWith(world, id)).toContain('ports');
  });
});

describe('a port that may not be deleted', () => {
  async function refused(cloud: SimulatedCloud, id: string): Promise<unknown> {
    const { status, body } = await cloud.ask('DELETE', `/network/v2.0/ports/${id}`);
    expect(status).toBe(409);
    expect(tablesWith(cloud.world, id)).toContain('ports');
    return body;
  }

  it('is the parent of a trunk, or a subport', async () => {
    const cloud = await cloudWithPort();
    const { world, id, twin } = cloud;
    const attributes = insert(world, 'neutron', 'standardattributes', { resource_type: 'trunks' });
    insert(world, 'neutron', 'trunks', { id: 't1', port_id: id, standard_attr_id: attributes });
    insert(world, 'neutron', 'subports', {
      port_id: twin,
      trunk_id: 't1',
      segmentation_type: 'vlan',
      segmentation_id: 7,
    });
    expect(await refused(cloud, id)).toEqual({
      NeutronError: {
        type: 'PortInUseAsTrunkParent',
        message: `Port ${id} is currently a parent port for trunk t1.`,
        detail: '',
      },
    });
    expect(await refused(cloud, twin)).toEqual({
      NeutronError: {
        type: 'PortInUseAsSubPort',
        message: `Port ${twin} is currently a subport for trunk t1.`,
        detail: '',
      },
    });
  });

  it("is a router's, while that router is there", async () => {
    const cloud = await cloudWithPort();
    const { world, id, ask } = cloud;
    const attributes = insert(world, 'neutron', 'standardattributes', { resource_type: 'routers' });
    insert(world, 'neutron', 'routers', { id: 'r1', standard_attr_id: attributes });
    world
      .db('neutron')
      .prepare("UPDATE ports SET device_owner = 'network:router_interface', device_id = 'r1' WHERE id = ?")
      .run(id);
    expect(await refused(cloud, id)).toEqual({
      NeutronError: {
        type: 'ServicePortInUse',
        message: `Port ${id} cannot be deleted directly via the port API: has device owner network:router_interface.`,
        detail: '',
      },
    });
    world.db('neutron').exec('DELETE FROM routers');
    expect((await ask('DELETE', `/network/v2.0/ports/${id}`)).status).toBe(204);
  });

  it('is asked for with a body', async () => {
    const { ask, id } = await cloudWithPort();
    const { status } = await ask('DELETE', `/network/v2.0/ports/${id}`, { body: { port: {} } });
    expect(status).toBe(400);
  });
});
