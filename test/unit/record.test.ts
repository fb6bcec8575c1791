/** The recorder: what of a cloud is whose, what it is called in a recording, and back again. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findLeftovers, recordHost, recordServer } from '../../lab/record/recording.ts';
import { fillRows, fillText, type Identities } from '../../src/simulator/instantiate.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import {
  checksum,
  facts,
  hostUuid,
  lab,
  type Made,
  moment,
  network,
  ownRows,
  played,
} from './record-cloud.ts';

const made: Made = {
  uuid: '11111111-aaaa-4aaa-8aaa-111111111111',
  name: 'victim-1',
  port: '22222222-bbbb-4bbb-8bbb-222222222222',
  mac: 'fa:16:3e:0a:0b:0c',
  ip: '10.9.1.10',
  request: '33333333-cccc-4ccc-8ccc-333333333333',
  counted: 41,
  at: new Date('2026-11-22T12:00:00Z'),
};
const other: Made = {
  uuid: '44444444-dddd-4ddd-8ddd-444444444444',
  name: 'keeper-1',
  port: '55555555-eeee-4eee-8eee-555555555555',
  mac: 'fa:16:3e:01:02:03',
  ip: '10.9.1.101',
  request: '66666666-ffff-4fff-8fff-666666666666',
  counted: 7,
  at: made.at,
};

/** What the placeholders of a recording of this server stood for. */
function originals(server: Made): Identities {
  const id = String(server.counted + 1);
  const counted = [...ownRows(server).keys()].map((place) => [`id:${place}:1`, id] as const);
  const refuse = (): never => {
    throw new Error('the recording asks for something that this server never had');
  };
  return {
    random: { int: refuse, uuid: refuse, hex: refuse },
    named: new Map([
      ['server', server.uuid],
      ['name', server.name],
      ['host', 'compute1'],
      ['instances', lab.instances],
      ['domain', `instance-${Number(id).toString(16).padStart(8, '0')}`],
      ['uuid:1', server.port],
      ['uuid:2', server.request],
      ['mac:1', server.mac],
      ['ip:1', server.ip],
      ['hex:1', 'ab12cd34'],
      ['host.id:placement.resource_providers:1', '1'],
      ...counted,
    ]),
    now: server.at,
    nextId: refuse,
    nextAddress: refuse,
  };
}

describe('one server among others', () => {
  const { recording, besides } = recordServer(lab, played(made, [other]), facts);

  test('has its own rows and nobody else’s', () => {
    for (const rows of Object.values(recording.rows)) expect(rows).toHaveLength(1);
    expect(Object.keys(recording.rows).sort()).toEqual([...ownRows(made).keys()].sort());
    expect(besides).toEqual([]);
  });

  test('is named by what it is', () => {
    expect(recording.rows['nova.instances']).toEqual([
      {
        id: '{{id:nova.instances:1}}',
        uuid: '{{server}}',
        display_name: '{{name}}',
        hostname: '{{name}}',
        host: '{{host}}',
        node: '{{host}}',
        launched_at: '{{time:0}}',
        reservation_id: 'r-{{hex:1}}',
        deleted: '{{id:nova.instances:1}}',
      },
    ]);
    expect(recording.rows['nova.instance_actions_events']?.[0]).toMatchObject({
      action_id: '{{id:nova.instance_actions:1}}',
    });
    expect(recording.rows['placement.allocations']?.[0]).toMatchObject({
      resource_provider_id: '{{host.id:placement.resource_providers:1}}',
      used: 64,
    });
    expect(recording.rows['nova.instance_extra']?.[0]?.['migration_context']).toBe(
      '{"migration_id": {{id:nova.migrations:1}}, "created_at": "{{isotime:0}}", "mac": "{{mac:1}}"}',
    );
    expect(recording.rows['nova_api.request_specs']?.[0]?.['spec']).toBe(
      `{"port": "{{uuid:1}}", "network": "${network}", "dev": "tap{{short:1}}", "reservation_id": "r-{{hex:1}}", "checksum": "${checksum}"}`,
    );
  });

  test('a row stands after the one that it refers to', () => {
    const places = Object.keys(recording.rows);
    expect(places.indexOf('neutron.standardattributes')).toBeLessThan(places.indexOf('neutron.ports'));
    expect(places.indexOf('neutron.ports')).toBeLessThan(places.indexOf('neutron.ipallocations'));
  });

  test('has its own things on the host, under the same names', () => {
    expect(recording.host.links.map(({ name }) => name)).toEqual(['tap{{short:1}}']);
    expect(recording.host.files.map(({ path }) => path)).toEqual(['{{instances}}/{{server}}']);
    expect(recording.host.domains[0]?.xml).toBe(
      "<domain><name>{{domain}}</name><source file='{{instances}}/{{server}}/disk'/></domain>",
    );
    expect(recording.host.firewall).toEqual([
      'iptables filter -A neutron-openvswi-i{{chain:1}} -s {{ip:1}}/32 -m mac --mac-source {{MAC:1}} -j RETURN',
    ]);
  });

  test('leaves nothing of the lab', () => {
    const allowed = new Set([network]);
    expect(findLeftovers(recording, allowed, [lab.dir, 'compute1'])).toEqual([]);
    expect(findLeftovers(recording, new Set(), ['{{host}}'])).toEqual([network, '{{host}}']);
  });
});

test('what has another server’s uuid in it is refused', () => {
  const play = played(made, [other]);
  const odd = { id: 90, instance_uuid: made.uuid, spec: `{"port": "${other.port}"}` };
  const rows = new Map(play.after.rows);
  rows.set('nova_api.request_specs', [...(rows.get('nova_api.request_specs') ?? []), odd]);
  expect(() => recordServer(lab, { ...play, after: { ...play.after, rows } }, facts)).toThrow(
    `victim-1 has something of another server: ${other.port}`,
  );
});

test('what came besides and is nobody’s is told, not recorded', () => {
  const play = played(made);
  const rows = new Map(play.after.rows);
  rows.set('neutron.standardattributes', [
    ...(rows.get('neutron.standardattributes') ?? []),
    { id: 99, resource_type: 'networks', updated_at: null },
  ]);
  const { recording, besides } = recordServer(lab, { ...play, after: { ...play.after, rows } }, facts);
  expect(recording.rows['neutron.standardattributes']).toHaveLength(1);
  expect(besides.join()).toContain('came besides: neutron.standardattributes {"id":99');
});

test('a time that is not UTC is refused, one that does not say so is taken for it', () => {
  const record = (time: string) => {
    const play = played(made);
    const rows = new Map(play.after.rows);
    rows.set('nova.instance_extra', [{ id: 42, instance_uuid: made.uuid, migration_context: time }]);
    return recordServer(lab, { ...play, after: { ...play.after, rows } }, facts).recording;
  };
  expect(() => record('2026-11-22T11:59:00+02:00')).toThrow('is not in UTC');
  expect(record('2026-11-22T11:59:00.980133').rows['nova.instance_extra']).toMatchObject([
    { migration_context: '{{isotime:-60}}' },
  ]);
});

test('an image that a property says is the server’s is its own, with its file', () => {
  const image = '77777777-aaaa-4aaa-8aaa-777777777777';
  const play = played(made, [other]);
  const rows = new Map(play.after.rows);
  rows.set('glance.images', [{ id: image, name: 'victim-1-shelved', checksum }]);
  rows.set('glance.image_properties', [{ id: 5, image_id: image, name: 'instance_uuid', value: made.uuid }]);
  const file = {
    path: `/srv/lab/images/${image}`,
    kind: 'file',
    mode: '640',
    owner: '0:0',
    target: null,
  } as const;
  const host = { ...play.after.host, imageFiles: [file] };
  const { recording, besides } = recordServer(lab, { ...play, after: { ...play.after, rows, host } }, facts);
  const [{ id, ...rest } = {}] = recording.rows['glance.images'] ?? [];
  expect(rest).toEqual({ name: '{{name}}-shelved', checksum });
  expect(id).toMatch(/^\{\{uuid:\d\}\}$/);
  expect(recording.rows['glance.image_properties']).toMatchObject([{ image_id: id, value: '{{server}}' }]);
  expect(recording.host.imageFiles.map(({ path }) => path)).toEqual([`/var/lib/glance/images/${id}`]);
  expect(besides).toEqual([]);
});

test('what nova-conductor wrote was written on a controller', () => {
  const play = played(made);
  const rows = new Map(play.after.rows);
  rows.set('nova.instance_actions_events', [
    { id: 42, action_id: 42, host: 'compute1', event: 'conductor_migrate_server' },
    { id: 44, action_id: 42, host: 'compute1', event: 'cold_migrate' },
    { id: 45, action_id: 42, host: 'compute1', event: 'compute_prep_resize' },
    { id: 43, action_id: 42, host: null, event: 'conductor_migrate_server' },
  ]);
  const { recording } = recordServer(lab, { ...play, after: { ...play.after, rows } }, facts);
  expect(recording.rows['nova.instance_actions_events']?.map((row) => row['host'])).toEqual([
    'controller',
    'controller',
    '{{host}}',
    null,
  ]);
});

test('the host has what no server has', () => {
  const recording = recordHost(lab, moment([made, other], made.at), facts);
  expect(Object.keys(recording.rows)).toEqual(['nova.compute_nodes', 'placement.resource_providers']);
  expect(recording.rows['placement.resource_providers']).toEqual([
    {
      id: '{{host.id:placement.resource_providers:1}}',
      uuid: '{{host.uuid:1}}',
      name: '{{host}}',
      generation: 4,
    },
  ]);
  expect(JSON.stringify(recording)).not.toContain(hostUuid);
  expect(recording.host.links.map(({ name }) => name)).toEqual(['br-int']);
  expect(recording.host.firewall).toEqual(['iptables filter :INPUT ACCEPT']);
});

const hexDigit = fc.integer({ min: 0, max: 15 }).map((digit) => digit.toString(16));
const digits = (count: number): fc.Arbitrary<string> =>
  fc.array(hexDigit, { minLength: count, maxLength: count }).map((all) => all.join(''));
const uuid = digits(32).map(
  (h) => `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20)}`,
);
const byte = fc.integer({ min: 2, max: 254 });

test('filled with what it was recorded from, a recording gives the same rows again', () => {
  const server = fc.record({
    uuid,
    name: digits(6).map((tail) => `victim-${tail}`),
    port: uuid,
    mac: digits(6).map((d) => `fa:16:3e:${d.slice(0, 2)}:${d.slice(2, 4)}:${d.slice(4)}`),
    ip: fc.tuple(byte, byte).map(([a, b]) => `10.9.${a}.${b}`),
    request: uuid,
    counted: fc.integer({ min: 20, max: 1_000_000 }),
    at: fc.integer({ min: 1_600_000_000, max: 1_900_000_000 }).map((seconds) => new Date(seconds * 1000)),
  });
  fc.assert(
    fc.property(server, (own) => {
      fc.pre(new Set([own.uuid, own.port, own.request]).size === 3);
      const { recording } = recordServer(lab, played(own, [other]), facts);
      const filled = fillRows(recording.rows, originals(own));
      // The lab's host has two names; here it is the same for both.
      const expected = [...ownRows(own)].map(([place, rows]) => [
        place,
        rows.map((row) => ('node' in row ? { ...row, node: 'compute1' } : row)),
      ]);
      expect([...filled].sort()).toEqual(expected.sort());
      expect(recording.host.firewall.map((line) => fillText(line, originals(own)))).toEqual(
        played(own).after.host.firewall.slice(1),
      );
    }),
    { numRuns: 50 },
  );
});

test('filled with fresh identities, nothing of the original is left', () => {
  const { recording } = recordServer(lab, played(made, [other]), facts);
  let last = 0;
  const identities: Identities = {
    ...originals(made),
    random: seededRandom(1),
    named: new Map([
      ['server', other.uuid],
      ['name', 'web'],
      ['host', 'cmp-1'],
      ['host.id:placement.resource_providers:1', '5'],
    ]),
    nextId: () => ++last,
    nextAddress: () => '10.9.0.20',
  };
  const text = JSON.stringify([...fillRows(recording.rows, identities)]);
  for (const own of [made.uuid, made.name, made.port, made.port.slice(0, 11), made.mac, made.ip, 'compute1'])
    expect(text).not.toContain(own);
  expect(text).toContain(other.uuid);
});
