import { describe, expect, test } from 'vitest';
import { findSubject } from '../../src/kinds/subject/find.ts';
import { widenHosts } from '../../src/kinds/subject/hosts.ts';
import { EVERY_HOST, type Host, type SubjectOptions } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';
import {
  type Answers,
  DOWN,
  details,
  find,
  live,
  MAPPING,
  NOWHERE,
  OPTIONS,
  PORT,
  REQUEST,
  row,
  SERVER,
  service,
  services,
  shadow,
} from './subject-samples.ts';

describe('which hosts are looked at', () => {
  const names = async (of: Row, options: Partial<SubjectOptions> = {}) => {
    const { subject } = find(
      {
        [live(1)]: [row(of)],
        ...details(1),
        [services(1)]: [service('compute1'), service('compute2')],
      },
      options,
    );
    return (await subject).hosts.map(({ name }) => name);
  };

  test('the one of its row', async () => {
    expect(await names({})).toEqual(['compute1']);
  });
  test('all of them when somebody says so', async () => {
    expect(await names({}, { allHosts: true })).toEqual(['compute1', 'compute2']);
  });
  test('all compute hosts are those with a nova-compute, up or not', async () => {
    const { subject } = find(
      {
        [live(1)]: [row()],
        ...details(1),
        [services(1)]: [
          service('controller', { binary: 'nova-conductor' }),
          service('compute1'),
          service('compute2', { last_seen_up: null, updated_at: null, created_at: null }),
          service('', { host: null }),
        ],
        [services(2)]: [service('compute3')],
      },
      { allHosts: true },
    );
    expect((await subject).hosts.map(({ name }) => name)).toEqual(['compute1', 'compute2', 'compute3']);
  });
  test('all of them when a deleted row names none', async () => {
    expect(await names({ host: null, deleted: 42 })).toEqual(['compute1', 'compute2']);
  });
  test.each<[string, Row]>([
    ['it was never started', { host: null, launched_at: null, vm_state: 'error' }],
    [
      'it is shelved and offloaded',
      { host: null, launched_at: '2026-01-01 00:00:00', vm_state: 'shelved_offloaded' },
    ],
  ])('none when %s', async (_, of) => {
    expect(await names(of)).toEqual([]);
  });
  const alive = { [services(1)]: [service('compute1')] };
  test.each<[string, Answers]>([
    ['it is in cell0', { [live(0)]: [row({ host: null, vm_state: 'error' })], ...details(0) }],
    ['it was deleted in cell0', { [live(0)]: [row({ host: null, deleted: 42 })], ...details(0) }],
    ['it is only asked for', { [REQUEST]: [{ id: 7, instance: null }] }],
    ['it was mapped to no cell', { [MAPPING]: [{ id: 1, cell_id: null, cell_uuid: null }] }],
  ])('none when %s, wherever compute hosts are', async (_, sql) => {
    expect((await find({ ...sql, ...alive }).subject).hosts).toEqual([]);
  });
  test.each<[string, Answers]>([
    ['its cell has no row of it', { [MAPPING]: [{ id: 1, cell_id: 5, cell_uuid: 'c1' }], ...details(1) }],
    ['its cell is not there any more', { [MAPPING]: [{ id: 1, cell_id: 5, cell_uuid: null }] }],
  ])('all of them when %s', async (_, sql) => {
    expect((await find({ ...sql, ...alive }).subject).hosts).toMatchObject([{ name: 'compute1' }]);
  });
  test('a compute host on which one of its actions ran: a build that failed there leaves no other trace', async () => {
    const events = `cell:c1: select distinct e.host from instance_actions_events as e inner join instance_actions as a on a.id = e.action_id where a.instance_uuid = "${SERVER}"`;
    const { subject } = find(
      {
        [live(1)]: [row()],
        ...details(1),
        [services(1)]: [service('compute1'), service('compute2'), service('compute3')],
        [events]: [
          { host: 'compute2' },
          { host: 'controller' },
          { host: null },
          { host: 'compute1' },
          { host: 'compute1' },
        ],
      },
      {},
      { 'cell:c1': { instance_actions_events: ['id', 'action_id', 'host'] } },
    );
    expect((await subject).hosts).toMatchObject([
      { name: 'compute1', because: ['instances.host', 'one of its actions ran there'] },
      { name: 'compute2', because: ['one of its actions ran there'] },
    ]);
  });
  test('a compute host on which a fault of it was noted: before Rocky no action says where it ran', async () => {
    const faults = `cell:c1: select distinct host from instance_faults where instance_uuid = "${SERVER}"`;
    const { subject } = find(
      {
        [live(1)]: [row({ host: null, launched_at: null, vm_state: 'error' })],
        ...details(1),
        [services(1)]: [service('compute1'), service('compute2')],
        [faults]: [{ host: 'controller' }, { host: null }, { host: 'compute2' }],
      },
      {},
      { 'cell:c1': { instance_faults: ['id', 'host'] } },
    );
    expect((await subject).hosts).toMatchObject([
      { name: 'compute2', because: ['one of its faults was noted there'] },
    ]);
  });
  test('the same of an archived server: of all compute hosts it is the one that something leads to', async () => {
    const faults = `cell:c1: select distinct host from shadow_instance_faults where instance_uuid = "${SERVER}"`;
    const { subject } = find(
      {
        [shadow(1)]: [row({ host: null, launched_at: null, vm_state: 'error', deleted: 42 })],
        ...details(1),
        [services(1)]: [service('compute1'), service('compute2')],
        [faults]: [{ host: 'controller' }, { host: 'compute2' }],
      },
      {},
      { 'cell:c1': { shadow_instance_faults: ['id', 'host'] } },
    );
    expect((await subject).hosts).toMatchObject([
      { name: 'compute2', because: ['one of its faults was noted there', EVERY_HOST] },
      { name: 'compute1', because: [EVERY_HOST] },
    ]);
  });
  test('all of them when it ran, and names no host now', async () => {
    expect(await names({ host: null, launched_at: '2026-01-01 00:00:00', vm_state: 'error' })).toEqual([
      'compute1',
      'compute2',
    ]);
  });
});

describe('whether a service is up, as Nova counts', () => {
  const up = async (changes: Row) => {
    const { subject } = find({
      [live(1)]: [row()],
      ...details(1),
      [services(1)]: [service('compute1', changes)],
    });
    return (await subject).hosts[0]?.service?.up;
  };
  test.each<[string, Row, boolean]>([
    ['a sign of life 60 s ago', { last_seen_up: '2026-11-22 09:59:00' }, true],
    ['61 s ago', { last_seen_up: '2026-11-22 09:58:59' }, false],
    ['forced down', { forced_down: 1 }, false],
    ['an old release has no last_seen_up', { last_seen_up: null }, true],
    [
      'new, and not heard of since',
      { last_seen_up: null, updated_at: null, created_at: '2026-11-22 09:59:30' },
      true,
    ],
    ['heard of by an old release long ago', { last_seen_up: null, updated_at: '2026-11-22 09:00:00' }, false],
    ['never seen', { last_seen_up: null, updated_at: null, created_at: null }, false],
    ['a zero date', { last_seen_up: '0000-00-00 00:00:00' }, false],
    ['a release without forced_down', { forced_down: null }, true],
  ])('%s', async (_, changes, expected) => {
    expect(await up(changes)).toBe(expected);
  });

  test('where signs of life are not in the database only a service that was forced down is down', async () => {
    const servicesOf = async (...all: Row[]) => {
      const sql = { [live(1)]: [row()], ...details(1), [services(1)]: all };
      return (await find(sql, { serviceDownTime: null }).subject).hosts[0]?.service;
    };
    for (const changes of [{}, { last_seen_up: null }, { last_seen_up: '2020-01-01 00:00:00' }])
      expect(await servicesOf(service('compute1', changes))).toEqual({ up: null, lastSeen: null });
    const forced = service('compute1', { forced_down: 1 });
    expect(await servicesOf(forced)).toEqual({ up: false, lastSeen: null });
    // What another cell has left of a host does not make it down.
    expect(await servicesOf(forced, service('compute1'))).toMatchObject({ up: null });
    expect(await servicesOf(service('compute1'), forced)).toMatchObject({ up: null });
    const asked = {
      [REQUEST]: [{ id: 7, instance: null, display_name: 'web-1' }],
      [services(2)]: [service('controller', { binary: 'nova-conductor', last_seen_up: null })],
    };
    expect((await find(asked, { serviceDownTime: null }).subject).conductorUp).toBeNull();
  });

  test('a conductor that lives', async () => {
    const conductor = (changes: Row) =>
      find({
        [REQUEST]: [{ id: 7, instance: null, display_name: 'web-1' }],
        [services(2)]: [service('controller', { binary: 'nova-conductor', ...changes })],
      }).subject;
    expect((await conductor({})).conductorUp).toBe(true);
    expect((await conductor({ last_seen_up: '2026-11-22 09:00:00' })).conductorUp).toBe(false);
    expect((await conductor({ binary: 'nova-compute' })).conductorUp).toBe(false);
  });

  test('a conductor that lives, among services that do not', async () => {
    const { subject } = find({
      [REQUEST]: [{ id: 7, instance: null }],
      [services(1)]: [
        service('compute1', { last_seen_up: '2026-11-22 09:00:00' }),
        service('controller1', { binary: 'nova-conductor', forced_down: 1 }),
        service('controller2', { binary: 'nova-conductor' }),
      ],
    });
    expect((await subject).conductorUp).toBe(true);
  });

  test('the conductor that schedules may be known to cell0 alone', async () => {
    const alive = { [services(0)]: [service('controller', { binary: 'nova-conductor' })] };
    const asked = [{ id: 7, instance: null, display_name: 'web-1' }];
    expect((await find({ [REQUEST]: asked, ...alive }).subject).conductorUp).toBe(true);
    const unplaced = { [live(1)]: [row({ host: null, vm_state: 'building' })], ...details(1) };
    expect((await find({ ...unplaced, ...alive }).subject).conductorUp).toBe(true);
    expect((await find({ ...unplaced, [services(0)]: DOWN }).subject).unknown).toHaveLength(1);
    expect((await find({ ...unplaced, [services(2)]: DOWN }).subject).unknown).toEqual([]);
  });

  test.each<[string, Answers]>([
    ['has a host', { [live(1)]: [row()], ...details(1) }],
    ['is deleted and names no host', { [live(1)]: [row({ host: null, deleted: 42 })], ...details(1) }],
    ['no database knows', {}],
  ])('cell0 has no say in a server that %s', async (_, sql) => {
    const { subject, look } = find({ ...sql, [services(0)]: DOWN });
    expect((await subject).unknown).toEqual([]);
    expect(look.unasked()).toContain(services(0));
  });

  test.each([[1, 2] as const, [2, 1] as const])(
    'a host that two cells know is up when one of them says so: up in cell%i',
    async (alive, stale) => {
      const { subject } = find({
        [live(1)]: [row()],
        ...details(1),
        [services(alive)]: [service('compute1')],
        [services(stale)]: [service('compute1', { last_seen_up: '2026-01-01 00:00:00' })],
      });
      expect((await subject).hosts[0]?.service?.up).toBe(true);
    },
  );

  describe('services that cannot be read are not services that are down', () => {
    const unknown = async (sql: Answers, options: Partial<SubjectOptions> = {}) =>
      (await find({ [services(1)]: DOWN, ...sql }, options).subject).unknown;

    test('of the cell where the server lives', async () => {
      expect(await unknown({ [live(1)]: [row()], ...details(1) })).toEqual([
        { place: 'database of cell1', why: 'refused' },
      ]);
    });
    test('of any cell, for a server that is not scheduled yet', async () => {
      expect(await unknown({ [REQUEST]: [{ id: 7, instance: null }] })).toHaveLength(1);
    });
    test('of any cell, when every compute host is looked at', async () => {
      expect(await unknown({})).toHaveLength(1);
      expect(await unknown({ [live(2)]: [row()], ...details(2) }, { allHosts: true })).toHaveLength(1);
    });
    test('another cell does not matter', async () => {
      expect(await unknown({ [live(2)]: [row()], ...details(2) })).toEqual([]);
    });
    test('nor does its own, once the row is deleted and names its host', async () => {
      expect(await unknown({ [live(1)]: [row({ deleted: 42 })], ...details(1) })).toEqual([]);
    });
  });
});

describe('hosts that Neutron and Cinder add', () => {
  const PORTS = `network /v2.0/ports?device_id=${SERVER}`;
  const HELD = `volume /attachments/detail?all_tenants=1&instance_id=${SERVER}`;
  const widen = async (http: Parameters<typeof fakeReader>[0]['http']) => {
    const sql = {
      [live(1)]: [row()],
      ...details(1),
      [services(1)]: [service('compute1'), service('compute2')],
    };
    const look = fakeReader({
      http: { [HELD]: { body: { attachments: [] } }, ...http },
      sql: { [MAPPING]: [], [REQUEST]: [], ...NOWHERE, ...sql },
    });
    const narrow = await findSubject(look, SERVER, OPTIONS);
    return { look, narrow, wide: await widenHosts(look, narrow, OPTIONS) };
  };
  const port = (host: unknown) => ({ id: PORT, 'binding:host_id': host });

  test('a port bound elsewhere', async () => {
    const { look, wide } = await widen({ [PORTS]: { body: { ports: [port('compute2')] } } });
    expect(wide.hosts.map(({ name, because }) => [name, because])).toEqual([
      ['compute1', ['instances.host']],
      ['compute2', ['port aaaaaaaa is bound there']],
    ]);
    expect(wide.hosts[1]?.service?.up).toBe(true);
    expect(wide.portIds).toEqual([PORT]);
    expect(look.unasked()).toContain(services(0));
  });
  test('the ports that it has now, and those that an earlier run knew', async () => {
    const { look, narrow, wide } = await widen({ [PORTS]: { body: { ports: [port('compute1')] } } });
    expect(wide.portIds).toEqual([PORT]);
    const older = 'aaaaaaaa-0000-4000-8000-000000000002';
    const again = await widenHosts(look, { ...narrow, portIds: [older, PORT] }, OPTIONS);
    expect(again.portIds).toEqual([PORT, older]);
  });
  test('two ports of one host are two reasons', async () => {
    const ports = ['aaaaaaaa', 'bbbbbbbb'].map((start) => ({
      ...port('compute2'),
      id: `${start}-0000-4000-8000-000000000001`,
    }));
    const { wide } = await widen({ [PORTS]: { body: { ports } } });
    expect(wide.hosts[1]?.because).toEqual(['port aaaaaaaa is bound there', 'port bbbbbbbb is bound there']);
  });
  test('a host that was only passed by is one that a port leads to', async () => {
    const { narrow, look } = await widen({ [PORTS]: { body: { ports: [port('compute2')] } } });
    const passedBy = (name: string): Host => ({
      name,
      because: [EVERY_HOST],
      instancesPath: null,
      service: null,
    });
    const everywhere = { ...narrow, hosts: [...narrow.hosts, passedBy('compute2'), passedBy('compute3')] };
    const { hosts } = await widenHosts(look, everywhere, OPTIONS);
    expect(hosts.map(({ because }) => because)).toEqual([
      ['instances.host'],
      [EVERY_HOST, 'port aaaaaaaa is bound there'],
      [EVERY_HOST],
    ]);
  });
  test.each(['compute1', '', null, undefined, 7])('nothing new from a port bound to %j', async (host) => {
    const { narrow, wide } = await widen({ [PORTS]: { body: { ports: [port(host)] } } });
    expect(wide.hosts).toBe(narrow.hosts);
  });
  const VOLUME = 'bbbbbbbb-0000-4000-8000-000000000001';
  const attachedTo = (host_name: string | null) => {
    const holder = { attachment_id: 'a1', server_id: SERVER, host_name };
    return widen({
      [PORTS]: { body: { ports: [] } },
      [HELD]: {
        body: { attachments: [{ id: 'a1', instance: SERVER, volume_id: VOLUME, status: 'attached' }] },
      },
      [`volume /volumes/${VOLUME}`]: {
        body: { volume: { id: VOLUME, status: 'in-use', attachments: [holder] } },
      },
    });
  };
  test('a volume attached elsewhere', async () => {
    const { wide } = await attachedTo('compute2');
    expect(wide.hosts[1]).toMatchObject({ name: 'compute2', because: ['volume bbbbbbbb is attached there'] });
  });
  test.each([null, ''])('nothing new from a volume attached to no known host: %j', async (host) => {
    const { narrow, wide } = await attachedTo(host);
    expect(wide.hosts).toBe(narrow.hosts);
  });
  test('a Cinder that cannot be asked is for the volumes to report', async () => {
    const down = new LookError('Cinder', 'down', { code: 'api-503' });
    const { narrow, wide } = await widen({ [PORTS]: { body: { ports: [] } }, [HELD]: down });
    expect(wide.hosts).toBe(narrow.hosts);
  });
  test('what is no port of Neutron leads nowhere', async () => {
    const ports = [7, null, { id: 'x', 'binding:host_id': 'compute2' }, { 'binding:host_id': 'compute2' }];
    const { narrow, wide } = await widen({ [PORTS]: { body: { ports } } });
    expect(wide.hosts).toBe(narrow.hosts);
  });
  test('a fault that is none of looking is not swallowed', async () => {
    await expect(widen({})).rejects.toThrow('did not foresee');
  });
  test('a Neutron that cannot be asked is for the ports to report', async () => {
    const { narrow, wide } = await widen({ [PORTS]: new LookError('Neutron', 'down', { code: 'api-503' }) });
    expect(wide.hosts).toBe(narrow.hosts);
  });
});
