import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detectEra, ERA_TABLES } from '../../src/kinds/subject/era.ts';
import { secondsBetween } from '../../src/kinds/subject/hosts.ts';
import { fillNameTemplate, parseNetworkInfo } from '../../src/kinds/subject/parse.ts';
import { instanceRow } from '../support/subjects.ts';

const PORT = 'aaaaaaaa-0000-4000-8000-000000000001';

describe('which release a schema is of', () => {
  type Tables = Readonly<Record<string, readonly string[]>>;
  /** What each release brought (facts 1.4), on top of all before it. */
  const BROUGHT: readonly (readonly [series: number, Tables])[] = [
    [
      9,
      {
        instances: ['id', 'uuid'],
        migrations: ['id', 'status'],
        virtual_interfaces: ['id', 'address'],
        block_device_mapping: ['id', 'volume_id'],
      },
    ],
    [10, { instance_extra: ['numa_topology', 'pci_requests'] }],
    [11, { tags: ['tag', 'resource_id'], instance_extra: ['flavor', 'vcpu_model'] }],
    [12, { instance_extra: ['migration_context'], migrations: ['hidden', 'migration_type'] }],
    [13, { migrations: ['memory_total', 'disk_total'] }],
    [
      14,
      {
        virtual_interfaces: ['tag'],
        block_device_mapping: ['tag'],
        instance_extra: ['device_metadata', 'keypairs'],
        console_auth_tokens: ['id', 'token_hash'],
      },
    ],
    [16, { block_device_mapping: ['attachment_id'] }],
    [17, { migrations: ['uuid'], block_device_mapping: ['uuid'], console_auth_tokens: ['access_url_base'] }],
    [18, { instance_extra: ['trusted_certs'] }],
    [19, { block_device_mapping: ['volume_type'] }],
    [20, { instances: ['hidden'], migrations: ['cross_cell_move'], instance_extra: ['resources'] }],
    [26, { block_device_mapping: ['encrypted', 'encryption_secret_uuid'] }],
    [28, { instances: ['compute_id'], migrations: ['dest_compute_id'] }],
    [29, { share_mapping: ['id', 'instance_uuid'] }],
    [31, { console_auth_tokens: ['tls_port'] }],
  ];

  function schemaOf(series: number) {
    const schema = new Map<string, Set<string>>();
    for (const [since, tables] of BROUGHT.filter(([since]) => since <= series))
      for (const [table, columns] of Object.entries(tables)) {
        expect(since).toBeLessThanOrEqual(series);
        schema.set(table, new Set([...(schema.get(table) ?? []), ...columns]));
      }
    return schema;
  }

  test.each([
    ['2014.1 Icehouse', 9, 9, 10],
    ['2014.2 Juno', 10, 10, 11],
    ['2015.1 Kilo', 11, 11, 12],
    ['12 Liberty', 12, 12, 13],
    ['13 Mitaka', 13, 13, 14],
    ['14 Newton, 15 Ocata', 15, 14, 16],
    ['16 Pike', 16, 16, 17],
    ['17 Queens', 17, 17, 18],
    ['18 Rocky', 18, 18, 19],
    ['19 Stein', 19, 19, 20],
    ['20 Train to 25 Yoga', 23, 20, 26],
    ['26 Zed, 27 Antelope', 26, 26, 28],
    ['28 Bobcat', 28, 28, 29],
    ['29 Caracal, 30 Dalmatian', 30, 29, 31],
    ['31 Epoxy and what comes', 33, 31, 100],
  ])('%s', (_, series, atLeast, below) => {
    expect(detectEra(schemaOf(series))).toEqual({ atLeast, below });
  });

  test('a mark in the middle that an upgrade by hand left out does not make it old', () => {
    const schema = schemaOf(26);
    schema.get('instance_extra')?.delete('trusted_certs');
    expect(detectEra(schema)).toEqual({ atLeast: 26, below: 28 });
  });

  test('every table that tells is asked for', () => {
    expect(ERA_TABLES).toEqual(
      expect.arrayContaining([
        'instance_extra',
        'tags',
        'migrations',
        'share_mapping',
        'console_auth_tokens',
      ]),
    );
  });
});

describe("the domain's name", () => {
  const name = (template: string, id = 42) => fillNameTemplate(template, instanceRow({ id }));

  test.each([
    ['instance-%08x', 'instance-0000002a'],
    ['instance-%08X', 'instance-0000002A'],
    ['vm-%d', 'vm-42'],
    ['vm-%05d', 'vm-00042'],
    ['%(uuid)s', '11111111-2222-4333-8444-555555555555'],
    ['i-%(id)08x', 'i-0000002a'],
    ['%s', '42'],
    ['fixed', 'fixed'],
  ])('%s', (template, expected) => {
    expect(name(template)).toBe(expected);
  });

  test('an id of more digits than the template has places', () => {
    expect(name('instance-%02x', 4096)).toBe('instance-1000');
  });

  test.each([
    '%(hostname)s',
    '%(uuid)x',
    '%(constructor)s',
    '%r',
    '%-8d',
    '%8x',
    '%',
    'a b %d',
    '%(display_name)s',
    '%%-%d',
    '',
    '../%d',
    "x'; rm %d",
    'vm-%(hostname)s',
    'vm-%(uuid)d',
  ])('a template that is not understood gives no name at all: %j', (template) => {
    expect(name(template)).toBeNull();
  });
});

describe('network_info', () => {
  test('what Nova writes of an OVS port', () => {
    expect(
      parseNetworkInfo(
        JSON.stringify([
          {
            id: PORT,
            type: 'ovs',
            devname: 'tapaaaaaaaa-00',
            address: 'FA:16:3E:00:00:01',
            vnic_type: 'normal',
            preserve_on_delete: true,
            network: { bridge: 'br-int', id: 'n1', subnets: [] },
            details: { ovs_hybrid_plug: true, port_filter: true },
            meta: {},
          },
        ]),
      ),
    ).toEqual([
      {
        portId: PORT,
        type: 'ovs',
        devname: 'tapaaaaaaaa-00',
        bridge: 'br-int',
        hybrid: true,
        vnicType: 'normal',
        mac: 'fa:16:3e:00:00:01',
        preserveOnDelete: true,
      },
    ]);
  });

  test('what a release leaves out is not made up', () => {
    const bare = { devname: null, bridge: null, hybrid: false, vnicType: 'normal', preserveOnDelete: null };
    expect(
      parseNetworkInfo(
        JSON.stringify([
          { id: PORT },
          { id: PORT, address: null, vnic_type: null, details: {}, network: {} },
          { id: PORT, address: '' },
        ]),
      ),
    ).toEqual(Array.from({ length: 3 }, () => ({ portId: PORT, type: null, ...bare })));
  });

  test('a port that is handed through, and a user’s or not', () => {
    const json = JSON.stringify([{ id: PORT, vnic_type: 'direct', preserve_on_delete: false }]);
    expect(parseNetworkInfo(json)).toMatchObject([{ vnicType: 'direct', preserveOnDelete: false }]);
  });

  test('a release that did not say what it keeps is not taken to have said no', () => {
    expect(parseNetworkInfo(`[{"id": "${PORT}", "network": null}]`)).toMatchObject([
      { preserveOnDelete: null, bridge: null, hybrid: false, type: null },
    ]);
  });

  test('a bridge of its own wins over the network’s', () => {
    const json = JSON.stringify([
      { id: PORT, network: { bridge: 'br-int' }, details: { bridge_name: 'tbr-1234' } },
    ]);
    expect(parseNetworkInfo(json)).toMatchObject([{ bridge: 'tbr-1234' }]);
  });

  test('no port is a list, and known', () => {
    expect(parseNetworkInfo('[]')).toEqual([]);
  });

  test.each([
    null,
    '',
    'null',
    '{}',
    '[',
    '"[]"',
    '[1]',
    '[null]',
    '[{}]',
    '[{"id": "../../etc"}]',
    `[{"id": "${PORT}"}, {"id": 7}]`,
    `[{"id": "${PORT}", "preserve_on_delete": "false"}]`,
    `[{"id": "${PORT}", "details": []}]`,
    `[{"id": "${PORT}", "details": {"ovs_hybrid_plug": "true"}}]`,
    `[{"id": "${PORT}", "details": {"bridge_name": 7}}]`,
    `[{"id": "${PORT}", "network": {"bridge": 7}}]`,
    `[{"id": "${PORT}", "address": 7}]`,
  ])('garbage is not an empty list but not known: %j', (json) => {
    expect(parseNetworkInfo(json)).toBeNull();
  });

  test('whatever it is, it is a list of ports or not known; it never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (json) => {
        const vifs = parseNetworkInfo(json);
        for (const vif of vifs ?? []) expect(vif.portId).toMatch(/^[0-9a-f-]{36}$/i);
      }),
    );
  });
});

describe('seconds between two times of a database', () => {
  test.each<[string | null, string | null, number | null]>([
    ['2026-11-22 09:59:00', '2026-11-22 10:00:00', 60],
    ['2026-11-22 10:00:01', '2026-11-22 10:00:00', -1],
    ['2026-11-22 09:59:59.500000', '2026-11-22 10:00:00', 0.5],
    [null, '2026-11-22 10:00:00', null],
    ['2026-11-22 10:00:00', null, null],
    ['0000-00-00 00:00:00', '2026-11-22 10:00:00', null],
    ['NOW()', '2026-11-22 10:00:00', null],
  ])('%s to %s', (from, to, seconds) => {
    expect(secondsBetween(from, to)).toBe(seconds);
  });
});
