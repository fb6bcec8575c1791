import { describe, expect, it } from 'vitest';
import { portsOf } from '../../../src/simulator/neutron/ports.ts';
import { setMeta } from '../../../src/simulator/world.ts';
import { adminProject, insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';

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

describe('a list of ports', () => {
  it.each([
    ['device_id', (p: Port) => p.deviceId, 2],
    ['id', (p: Port) => p.id, 1],
    ['network_id', (p: Port) => p.networkId, 2],
    ['mac_address', (p: Port) => p.mac, 1],
    ['status', () => 'ACTIVE', 2],
    ['status', () => 'DOWN', 0],
    ['device_owner', () => 'compute:nova', 2],
    ['binding:host_id', () => 'compute1', 2],
    ['binding:host_id', () => 'elsewhere', 0],
    ['admin_state_up', () => 'True', 2],
    ['admin_state_up', () => 'false', 0],
    ['device_id', () => NOBODY, 0],
  ] as const)('takes %s as a filter', async (key, value, count) => {
    const { world, api, server } = await simulatedCloud();
    const [port] = portsOf(world, server.uuid);
    if (port === undefined) throw new Error('the server has no port');
    const path = `/v2.0/ports?${key}=${encodeURIComponent(value(port))}`;
    expect(await api.list('network', path, 'ports')).toHaveLength(count);
  });

  it('takes one filter with several values, the project by both its names, and only some fields', async () => {
    const { world, api, server, ask } = await simulatedCloud();
    const [first, second] = portsOf(world, server.uuid).map(({ id }) => id);
    const project = adminProject(world);
    expect(
      await api.list('network', `/v2.0/ports?id=${first}&id=${second}&tenant_id=${project}`, 'ports'),
    ).toHaveLength(2);
    const { body } = await ask('GET', `/network/v2.0/ports?project_id=${project}&fields=id&fields=name`);
    expect((body as Body).ports.map(Object.keys)).toEqual([
      ['id', 'name'],
      ['id', 'name'],
    ]);
  });

  it('has no links without a limit', async () => {
    const { ask } = await simulatedCloud();
    expect(Object.keys((await ask('GET', '/network/v2.0/ports')).body as object)).toEqual(['ports']);
  });

  it('has a link to the next page whenever the page is full', async () => {
    const { ask, world, server } = await simulatedCloud();
    const [first, second] = portsOf(world, server.uuid).map(({ id }) => id);
    const page = async (path: string) => (await ask('GET', path)).body as Body;
    const at = `http://demo/network/v2.0/ports?device_id=${server.uuid}&limit=1`;
    const one = await page(`${at}`);
    expect(one.ports.map(({ id }) => id)).toEqual([first]);
    expect(one.ports_links).toEqual([
      { rel: 'next', href: `${at}&marker=${first}` },
      { rel: 'previous', href: `${at}&marker=${first}&page_reverse=True` },
    ]);
    expect((await page(`${at}&marker=${first}`)).ports.map(({ id }) => id)).toEqual([second]);
    const last = await page(`${at}&marker=${second}`);
    expect(last).toEqual({
      ports: [],
      ports_links: [{ rel: 'previous', href: `${at}&page_reverse=True` }],
    });
  });

  it('comes in pages where Neutron allows no more at once, and the client follows them', async () => {
    const { api, world, ask } = await simulatedCloud();
    setMeta(world, 'neutron.page_size', '1');
    expect(await api.list('network', '/v2.0/ports', 'ports')).toHaveLength(2);
    expect(((await ask('GET', '/network/v2.0/ports?limit=9')).body as Body).ports).toHaveLength(1);
  });

  it.each([
    ['nosuch=1', 400, 'HTTPBadRequest', "['nosuch'] is invalid attribute for filtering"],
    ['limit=x', 400, 'BadRequest', "Bad limit request: Limit must be an integer 0 or greater and not 'x'."],
    ['limit=1&marker=m', 404, 'PortNotFound', 'Port m could not be found.'],
    ['tags=a', 501, 'HTTPNotImplemented', 'The simulator was not taught GET /v2.0/ports: the query tags'],
    [
      'sort_key=id&sort_dir=asc',
      501,
      'HTTPNotImplemented',
      'The simulator was not taught GET /v2.0/ports: the query sort_key, sort_dir',
    ],
  ])('refuses %s by name', async (query, status, type, message) => {
    const { ask } = await simulatedCloud();
    const answer = await ask('GET', `/network/v2.0/ports?${query}`);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ NeutronError: { type, message, detail: '' } });
  });
});

type Port = ReturnType<typeof portsOf>[number];

describe('a network', () => {
  it('has the keys of the real one', async () => {
    const { api, world } = await simulatedCloud();
    const [network] = (await api.list('network', '/v2.0/networks?name=n1', 'networks')) as { id: string }[];
    expect(network).toEqual({
      id: expect.any(String),
      name: 'n1',
      tenant_id: adminProject(world),
      admin_state_up: true,
      mtu: 1500,
      status: 'ACTIVE',
      subnets: [expect.any(String)],
      shared: false,
      availability_zone_hints: [],
      availability_zones: [],
      ipv4_address_scope: null,
      ipv6_address_scope: null,
      'router:external': false,
      description: '',
      port_security_enabled: true,
      tags: [],
      created_at: expect.any(String),
      updated_at: expect.any(String),
      revision_number: 2,
      project_id: adminProject(world),
      'provider:network_type': 'local',
      'provider:physical_network': null,
      'provider:segmentation_id': null,
    });
    expect((await api.get('network', `/v2.0/networks/${network?.id}`)).body).toEqual({ network });
  });

  it('has its domain where Neutron keeps domains', async () => {
    const { api, world } = await simulatedCloud();
    const id = String(rowsOf(world, 'neutron', 'networks')[0]?.['id']);
    setMeta(world, 'neutron.extensions', 'dns-integration');
    expect((await api.get('network', `/v2.0/networks/${id}`)).body).toMatchObject({
      network: { dns_domain: '' },
    });
    insert(world, 'neutron', 'networkdnsdomains', { network_id: id, dns_domain: 'web.example.' });
    expect((await api.get('network', `/v2.0/networks/${id}`)).body).toMatchObject({
      network: { dns_domain: 'web.example.' },
    });
  });

  it.each([
    [`/v2.0/networks/${NOBODY}`, 404, `Network ${NOBODY} could not be found.`],
    ['/v2.0/networks?nosuch=1', 400, "['nosuch'] is invalid attribute for filtering"],
    ['/v2.0/networks?shared=true', 501, 'the query shared'],
    ['/v2.0/networks/x?fields=id', 501, 'the query fields'],
    ['/v2.0/subnets', 501, 'The simulator was not taught GET /v2.0/subnets'],
    ['/v2.0', 501, 'The simulator was not taught GET /v2.0'],
  ])('refuses %s by name', async (path, status, message) => {
    const { ask } = await simulatedCloud();
    const answer = await ask('GET', `/network${path}`);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(message);
  });

  it('refuses what a reader sees of others', async () => {
    const { ask, token } = await simulatedCloud();
    const headers = { 'X-Auth-Token': await token('reader', 'admin') };
    const { status } = await ask('GET', '/network/v2.0/networks', { headers });
    expect(status).toBe(501);
  });
});

it('tells its versions to everybody', async () => {
  const { ask } = await simulatedCloud();
  const { status, headers, body } = await ask('GET', '/network/', { headers: { 'X-Auth-Token': '' } });
  expect(status).toBe(200);
  expect(headers['x-openstack-request-id']).toBeUndefined();
  expect(body).toEqual({
    versions: [
      { id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: 'http://demo/network/v2.0/' }] },
    ],
  });
});
