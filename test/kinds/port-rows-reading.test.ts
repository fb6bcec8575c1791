/** What Neutron's database has of a port, read from tables as they are in one release or another. */
import { describe, expect, test } from 'vitest';
import { ports } from '../../src/kinds/ports/index.ts';
import type { PortRows } from '../../src/kinds/ports/read-rows.ts';
import { subject } from '../support/subjects.ts';
import { PORT, port, SECOND, SERVER, type Tables, withTables } from './ports-samples.ts';

async function rowsOf(tables: Tables): Promise<ReadonlyMap<string, PortRows> | null> {
  const look = withTables([port(), port({ id: SECOND })], tables);
  const { facts, unknown } = await ports.find(look, subject({ uuid: SERVER }));
  expect(unknown).toEqual([]);
  return facts.rows;
}

const the = (column: string, value: string | number) => ({ column, is: '=' as const, value });
const of = (table: string, column: string, value: string | number, rows = 1) => ({
  table,
  where: [the(column, value)],
  rows,
});

/** The least that Neutron of Zed can have of two ports. */
const PLAIN: Tables = {
  ports: [
    { id: PORT, project_id: 'p1', standard_attr_id: 10 },
    { id: SECOND, project_id: 'p2', standard_attr_id: 20 },
  ],
  ml2_port_bindings: [
    { port_id: PORT, host: 'compute1', status: 'ACTIVE', vnic_type: 'normal' },
    { port_id: SECOND, host: '', status: 'ACTIVE', vnic_type: 'direct' },
  ],
};

test('each of two ports has its own rows, and none of the other’s', async () => {
  const rows = await rowsOf({
    ...PLAIN,
    ml2_port_bindings: [
      ...(PLAIN['ml2_port_bindings'] ?? []),
      { port_id: PORT, host: 'compute2', status: 'INACTIVE', vnic_type: 'macvtap' },
    ],
    ml2_port_binding_levels: [
      { port_id: PORT, host: 'compute1', level: 0 },
      { port_id: PORT, host: 'compute1', level: 1 },
      { port_id: PORT, host: 'compute2', level: 0 },
    ],
    ipallocations: [
      { port_id: PORT, ip_address: '10.0.0.5', subnet_id: 's1' },
      { port_id: SECOND, ip_address: '10.0.0.6', subnet_id: 's1' },
      { port_id: SECOND, ip_address: '10.0.1.6', subnet_id: 's2' },
    ],
    ipamsubnets: [
      { id: 'i1', neutron_subnet_id: 's1' },
      { id: 'i2', neutron_subnet_id: 's2' },
    ],
    ipamallocations: [
      { ip_address: '10.0.0.5', ipam_subnet_id: 'i1' },
      { ip_address: '10.0.0.5', ipam_subnet_id: 'i2' },
      { ip_address: '10.0.0.6', ipam_subnet_id: 'i1' },
      { ip_address: '10.0.1.6', ipam_subnet_id: 'i2' },
    ],
    portdnses: [{ port_id: PORT, dns_name: 'web' }],
    trunks: [
      { id: 't1', port_id: PORT, standard_attr_id: 30 },
      { id: 't2', port_id: SECOND, standard_attr_id: 40 },
    ],
    subports: [
      { port_id: 'a', trunk_id: 't2' },
      { port_id: 'b', trunk_id: 't2' },
    ],
    tags: [
      { standard_attr_id: 10, tag: 'web' },
      { standard_attr_id: 10, tag: 'db' },
      { standard_attr_id: 40, tag: 'vlans' },
    ],
    provisioningblocks: [{ standard_attr_id: 20, entity: 'L2' }],
    floatingips: [
      { id: 'f1', fixed_port_id: PORT, floating_port_id: 'outer1', standard_attr_id: 50 },
      { id: 'f2', fixed_port_id: SECOND, floating_port_id: 'outer2', standard_attr_id: 60 },
    ],
    ovn_revision_numbers: [
      { standard_attr_id: 10, resource_uuid: PORT },
      { standard_attr_id: 20, resource_uuid: SECOND },
      { standard_attr_id: 20, resource_uuid: SECOND },
    ],
    quotausages: [
      { project_id: 'p1', resource: 'port', dirty: 0 },
      { project_id: 'p1', resource: 'port', dirty: 1 },
      { project_id: 'p1', resource: 'network', dirty: 0 },
      { project_id: 'p2', resource: 'port', dirty: 1 },
      { project_id: 'p3', resource: 'port', dirty: 0 },
    ],
  });
  const first: PortRows = {
    isMl2: true,
    hasBindingStatus: true,
    bindings: [
      { host: 'compute1', active: true, vnicType: 'normal', levels: 2 },
      { host: 'compute2', active: false, vnicType: 'macvtap', levels: 1 },
    ],
    attribute: 10,
    doomed: [
      of('ipallocations', 'port_id', PORT),
      of('ml2_port_binding_levels', 'port_id', PORT, 3),
      of('ml2_port_bindings', 'port_id', PORT, 2),
      of('portdnses', 'port_id', PORT),
      {
        table: 'ipamallocations',
        where: [the('ip_address', '10.0.0.5'), the('ipam_subnet_id', 'i1')],
        rows: 1,
      },
      of('ports', 'id', PORT),
      of('tags', 'standard_attr_id', 10, 2),
      of('standardattributes', 'id', 10),
    ],
    trunk: [of('trunks', 'id', 't1'), of('standardattributes', 'id', 30)],
    floating: [{ id: 'f1', attribute: 50 }],
    strangers: [],
    ovn: 1,
    quota: {
      table: 'quotausages',
      where: [the('resource', 'port'), the('project_id', 'p1'), the('dirty', 0)],
      rows: 1,
    },
    hasDnsName: true,
  };
  const second: PortRows = {
    isMl2: true,
    hasBindingStatus: true,
    bindings: [{ host: '', active: true, vnicType: 'direct', levels: 0 }],
    attribute: 20,
    doomed: [
      of('ipallocations', 'port_id', SECOND, 2),
      of('ml2_port_bindings', 'port_id', SECOND),
      {
        table: 'ipamallocations',
        where: [the('ip_address', '10.0.0.6'), the('ipam_subnet_id', 'i1')],
        rows: 1,
      },
      {
        table: 'ipamallocations',
        where: [the('ip_address', '10.0.1.6'), the('ipam_subnet_id', 'i2')],
        rows: 1,
      },
      of('ports', 'id', SECOND),
      of('provisioningblocks', 'standard_attr_id', 20),
      of('standardattributes', 'id', 20),
    ],
    trunk: [
      of('subports', 'trunk_id', 't2', 2),
      of('trunks', 'id', 't2'),
      of('tags', 'standard_attr_id', 40),
      of('standardattributes', 'id', 40),
    ],
    floating: [{ id: 'f2', attribute: 60 }],
    strangers: [],
    ovn: 2,
    quota: null,
    hasDnsName: false,
  };
  expect(rows).toEqual(
    new Map([
      [PORT, first],
      [SECOND, second],
    ]),
  );
});

test('rows of all that a port can have of its own go with it', async () => {
  const tables = [
    'allowedaddresspairs',
    'extradhcpopts',
    'ipallocations',
    'maclearningstates',
    'ml2_distributed_port_bindings',
    'ml2_port_binding_levels',
    'ml2_port_bindings',
    'networkconnections',
    'portdataplanestatuses',
    'portdeviceprofiles',
    'portdnses',
    'porthardwareoffloadtype',
    'porthints',
    'portnumaaffinitypolicies',
    'portqueuemappings',
    'portsecuritybindings',
    'porttrusted',
    'portuplinkstatuspropagation',
    'qos_port_policy_bindings',
    'securitygroupportbindings',
  ];
  const rows = await rowsOf({
    ...Object.fromEntries(tables.map((table) => [table, [{ port_id: PORT, host: '' }]])),
    ports: PLAIN['ports'] ?? [],
  });
  expect(rows?.get(PORT)?.doomed).toEqual([
    ...tables.map((table) => of(table, 'port_id', PORT)),
    of('ports', 'id', PORT),
    of('standardattributes', 'id', 10),
  ]);
  expect(rows?.get(PORT)?.strangers).toEqual([]);
});

describe('a row that names the port in a way that nobody here knows is a stranger', () => {
  test.each([
    ['of a plugin', 'arista_provisioned_vms', 'port_id'],
    ['of a plugin by another name', 'unheard_of', 'fixed_port_id'],
    ['of a plugin, by a column that does not end in port_id', 'neutron_nsx_port_mappings', 'neutron_id'],
    ['in a table of ports, but by another column', 'allowedaddresspairs', 'other_port_id'],
    ['in the table of trunks, but not as their parent', 'trunks', 'other_port_id'],
    ['as a subport of a trunk', 'subports', 'port_id'],
    ['as the port outside of a floating address', 'floatingips', 'floating_port_id'],
  ])('%s', async (_, table, column) => {
    const named = (id: string | null) => ({
      port_id: null,
      fixed_port_id: null,
      trunk_id: 't',
      [column]: id,
    });
    const rows = await rowsOf({ ...PLAIN, [table]: [named(PORT), named(PORT), named('neighbour')] });
    expect(rows?.get(PORT)?.strangers).toEqual([of(table, column, PORT, 2)]);
    expect(rows?.get(PORT)?.doomed.map((set) => set.table)).toEqual([
      'ml2_port_bindings',
      'ports',
      'standardattributes',
    ]);
    expect(rows?.get(SECOND)?.strangers).toEqual([]);
  });
});

describe('older tables', () => {
  test('up to Liberty a port has no standard attributes, and its one binding is the active one', async () => {
    const rows = await rowsOf({
      ports: [{ id: PORT, tenant_id: 'p1' }],
      ml2_port_bindings: [{ port_id: PORT, host: 'compute1', vnic_type: 'normal' }],
      floatingips: [{ id: 'f1', fixed_port_id: PORT, floating_port_id: 'outer' }],
      tags: [{ standard_attr_id: null }],
      provisioningblocks: [{ standard_attr_id: null }],
      ovn_revision_numbers: [{ standard_attr_id: null }],
    });
    expect(rows?.get(PORT)).toEqual({
      isMl2: true,
      hasBindingStatus: false,
      bindings: [{ host: 'compute1', active: true, vnicType: 'normal', levels: 0 }],
      attribute: null,
      doomed: [of('ml2_port_bindings', 'port_id', PORT), of('ports', 'id', PORT)],
      trunk: [],
      floating: [{ id: 'f1', attribute: null }],
      strangers: [],
      ovn: 0,
      quota: null,
      hasDnsName: false,
    });
  });

  test('a row without a number has none', async () => {
    const rows = await rowsOf({ ports: [{ id: PORT, project_id: 'p1', standard_attr_id: null }] });
    expect(rows?.get(PORT)?.attribute).toBeNull();
  });

  test('up to Mitaka the project is a tenant, also to the quota', async () => {
    const rows = await rowsOf({
      ports: [{ id: PORT, tenant_id: 'p1' }],
      quotausages: [
        { tenant_id: 'p1', resource: 'port', dirty: 0 },
        { tenant_id: 'p2', resource: 'port', dirty: 0 },
      ],
    });
    expect(rows?.get(PORT)?.quota).toEqual({
      table: 'quotausages',
      where: [the('resource', 'port'), the('tenant_id', 'p1'), the('dirty', 0)],
      rows: 1,
    });
  });
});

test('a plugin that is not ML2 keeps no bindings here', async () => {
  const rows = await rowsOf({ ports: PLAIN['ports'] ?? [] });
  expect(rows?.get(PORT)).toMatchObject({ isMl2: false, hasBindingStatus: false, bindings: [] });
});

test('in a database without Neutron’s tables there are no rows of a port', async () => {
  expect(await rowsOf({})).toEqual(new Map());
});
