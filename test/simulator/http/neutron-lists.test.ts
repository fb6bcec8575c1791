import { describe, expect, it } from 'vitest';
import { portsOf } from '../../../src/simulator/neutron/ports.ts';
import { setMeta } from '../../../src/simulator/world.ts';
import { adminProject, insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

type Body = { readonly ports: readonly Readonly<Record<string, unknown>>[]; readonly ports_links?: unknown };

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
