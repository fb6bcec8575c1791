import { describe, expect, it } from 'vitest';
import { portsOf } from '../../../src/simulator/neutron/ports.ts';
import { setMeta } from '../../../src/simulator/world.ts';
import { insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

type Body = { readonly ports: readonly Readonly<Record<string, unknown>>[]; readonly ports_links?: unknown };

describe('a port', () => {
  it('has the keys of the real one, in its order, with its values', async () => {
    const { api, server } = await simulatedCloud();
    const [port] = await api.list('network', `/v2.0/ports?device_id=${server.uuid}&name=pre-web-1`, 'ports');
    const id = server.identities.get('uuid:1');
    expect(Object.keys(port as object)).toEqual([
      'id',
      'name',
      'network_id',
      'tenant_id',
      'mac_address',
      'admin_state_up',
      'status',
      'device_id',
      'device_owner',
      'fixed_ips',
      'allowed_address_pairs',
      'extra_dhcp_opts',
      'security_groups',
      'description',
      'binding:vnic_type',
      'binding:profile',
      'binding:host_id',
      'binding:vif_type',
      'binding:vif_details',
      'port_security_enabled',
      'tags',
      'created_at',
      'updated_at',
      'revision_number',
      'project_id',
    ]);
    expect(port).toMatchObject({
      id,
      name: 'pre-web-1',
      admin_state_up: true,
      status: 'ACTIVE',
      device_id: server.uuid,
      device_owner: 'compute:nova',
      fixed_ips: [{ ip_address: expect.stringMatching(/^10\.9\./) }],
      allowed_address_pairs: [],
      extra_dhcp_opts: [],
      security_groups: [expect.any(String)],
      description: '',
      'binding:vnic_type': 'normal',
      'binding:profile': {},
      'binding:host_id': 'compute1',
      'binding:vif_type': 'ovs',
      'binding:vif_details': {
        connectivity: 'l2',
        port_filter: true,
        ovs_hybrid_plug: true,
        datapath_type: 'netdev',
        bridge_name: 'br-int',
        bound_drivers: { '0': 'openvswitch' },
      },
      port_security_enabled: true,
      tags: [],
      created_at: expect.stringMatching(/^2026-11-01T09:59:\d\dZ$/),
      revision_number: 4,
    });
    expect((await api.get('network', `/v2.0/ports/${id}`)).body).toEqual({ port });
  });

  it('shows its other tables', async () => {
    const { world, api, server } = await simulatedCloud();
    const [first, second] = portsOf(world, server.uuid);
    const id = first?.id ?? '';
    insert(world, 'neutron', 'allowedaddresspairs', {
      port_id: id,
      mac_address: 'fa:16:3e:00:00:01',
      ip_address: '10.9.9.9',
    });
    insert(world, 'neutron', 'extradhcpopts', {
      id: 'opt1',
      port_id: id,
      opt_name: 'bootfile-name',
      opt_value: 'x.0',
      ip_version: 4,
    });
    const attributes = Number(rowsOf(world, 'neutron', 'ports', { id })[0]?.['standard_attr_id']);
    insert(world, 'neutron', 'tags', { standard_attr_id: attributes, tag: 'mine' });
    const trunk = insert(world, 'neutron', 'standardattributes', { resource_type: 'trunks' });
    insert(world, 'neutron', 'trunks', { id: 't1', port_id: id, standard_attr_id: trunk });
    insert(world, 'neutron', 'subports', {
      port_id: second?.id ?? '',
      trunk_id: 't1',
      segmentation_type: 'vlan',
      segmentation_id: 7,
    });
    insert(world, 'neutron', 'portdnses', {
      port_id: id,
      dns_name: 'web',
      current_dns_name: '',
      current_dns_domain: '',
      previous_dns_name: '',
      previous_dns_domain: '',
      dns_domain: '',
    });
    const { body } = await api.get('network', `/v2.0/ports/${id}`);
    const { port } = body as { port: { fixed_ips: { ip_address: string }[] } };
    expect(port).toMatchObject({
      allowed_address_pairs: [{ ip_address: '10.9.9.9', mac_address: 'fa:16:3e:00:00:01' }],
      extra_dhcp_opts: [{ opt_name: 'bootfile-name', opt_value: 'x.0', ip_version: 4 }],
      tags: ['mine'],
      trunk_details: {
        trunk_id: 't1',
        sub_ports: [
          {
            segmentation_id: 7,
            segmentation_type: 'vlan',
            port_id: second?.id,
            mac_address: second?.mac,
          },
        ],
      },
      dns_name: 'web',
      dns_assignment: [
        { ip_address: port.fixed_ips[0]?.ip_address, hostname: 'web', fqdn: 'web.demo.example.' },
      ],
    });
  });

  it('without an active binding has no keys of it', async () => {
    const { world, api, server } = await simulatedCloud();
    const id = portsOf(world, server.uuid)[0]?.id ?? '';
    world.db('neutron').prepare('DELETE FROM ml2_port_bindings WHERE port_id = ?').run(id);
    const { body } = await api.get('network', `/v2.0/ports/${id}`);
    expect(JSON.stringify(body)).not.toContain('binding:');
  });

  it('has the keys of quality of service where that is installed', async () => {
    const { world, api, server } = await simulatedCloud();
    setMeta(world, 'neutron.extensions', 'qos');
    const id = portsOf(world, server.uuid)[0]?.id ?? '';
    expect((await api.get('network', `/v2.0/ports/${id}`)).body).toMatchObject({
      port: { qos_policy_id: null, qos_network_policy_id: null, resource_request: null },
    });
  });

  it('that is not there is not found', async () => {
    const { ask } = await simulatedCloud();
    const { status, headers, body } = await ask('GET', `/network/v2.0/ports/${NOBODY}`);
    expect(status).toBe(404);
    expect(headers['x-openstack-request-id']).toMatch(/^req-/);
    expect(body).toEqual({
      NeutronError: { type: 'PortNotFound', message: `Port ${NOBODY} could not be found.`, detail: '' },
    });
  });

  it('of another project is hidden from a reader, and its own lacks what only administrators see', async () => {
    const { world, ask, token, server } = await simulatedCloud();
    const headers = { 'X-Auth-Token': await token('reader', 'admin') };
    const [mine, other] = portsOf(world, server.uuid).map(({ id }) => id);
    world
      .db('neutron')
      .prepare('UPDATE ports SET project_id = ? WHERE id = ?')
      .run('f'.repeat(32), other ?? '');
    const own = await ask('GET', `/network/v2.0/ports/${mine}`, { headers });
    expect(own.status).toBe(200);
    expect(JSON.stringify(own.body)).toContain('binding:vnic_type');
    expect(JSON.stringify(own.body)).not.toMatch(/binding:(host_id|profile|vif_)/);
    expect((await ask('GET', `/network/v2.0/ports/${other}`, { headers })).status).toBe(404);
    const listed = await ask('GET', '/network/v2.0/ports', { headers });
    expect((listed.body as Body).ports.map(({ id }) => id)).toEqual([mine]);
    const change = await ask('DELETE', `/network/v2.0/ports/${mine}`, { headers });
    expect(change.status).toBe(501);
    expect(JSON.stringify(change.body)).toContain('without the role admin');
  });
});
