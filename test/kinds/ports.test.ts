import { describe, expect, test } from 'vitest';
import type { PortFacts } from '../../src/kinds/ports/find.ts';
import { ports } from '../../src/kinds/ports/index.ts';
import type { Era, Host, Subject, Vif } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { Decisions } from '../../src/plan/types.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const PORT = 'aaaaaaaa-0000-4000-8000-000000000001';
const FLOATING = `network /v2.0/floatingips?port_id=${PORT}`;
const LIST = `network /v2.0/ports?device_id=${SERVER}`;

/** The row of `subject()` was made at 10:00:00 and launched at 10:01:00. */
function port(changes: Record<string, unknown> = {}) {
  return {
    id: PORT,
    name: '',
    device_id: SERVER,
    device_owner: 'compute:nova',
    network_id: 'n1',
    fixed_ips: [{ ip_address: '10.0.0.5', subnet_id: 's1' }],
    created_at: '2026-11-01T10:00:30Z',
    'binding:host_id': 'compute1',
    'binding:vif_type': 'ovs',
    'binding:profile': {},
    ...changes,
  };
}

function vif(preserveOnDelete: boolean | null): Vif {
  return {
    portId: PORT,
    type: 'ovs',
    devname: 'tapaaaaaaaa-00',
    bridge: 'br-int',
    hybrid: false,
    vnicType: 'normal',
    preserveOnDelete,
  };
}

async function planFor(
  answers: readonly unknown[],
  changes: Partial<Subject> = {},
  asked: Partial<Decisions> = {},
) {
  const of = subject({ uuid: SERVER, ...changes });
  const look = fakeReader({
    http: {
      [LIST]: { body: { ports: answers } },
      'network /v2.0/networks/n1': { body: { network: { dns_domain: '' } } },
      [FLOATING]: { status: 404 },
      'network /v2.0/trunks/t': { body: { trunk: { admin_state_up: true } } },
      'network /v2.0/networks/dns': { body: { network: { dns_domain: 'example.org.' } } },
    },
  });
  const { facts, unknown } = await ports.find(look, of);
  expect(unknown).toEqual([]);
  return ports.plan(facts, of, decisions(asked));
}

/** What a PUT would send of the port. */
function sentOf(plan: { steps: readonly { act: unknown }[] }): Record<string, object> {
  const [act] = acts(plan) as { body: { port: Record<string, object> } }[];
  return act?.body.port ?? {};
}

const acts = (plan: { steps: readonly { act: unknown }[] }) => plan.steps.map(({ act }) => act);

test('a port that Nova made is deleted, and the look afterwards is what counts', async () => {
  const plan = await planFor([port()], { vifs: [vif(false)] });
  expect(plan.remains).toEqual([{ place: 'Neutron', what: `port ${PORT} 10.0.0.5` }]);
  expect(plan.kept).toEqual([]);
  expect(plan.steps).toMatchObject([
    {
      act: { method: 'DELETE', path: `/v2.0/ports/${PORT}`, status: [204, 404] },
      settled: { path: `/v2.0/ports/${PORT}`, status: [404] },
      before: [{ door: 'http', path: `/v2.0/ports/${PORT}` }],
      undo: 'recreate',
    },
  ]);
});

test('before an ACTIVE port is deleted, Neutron is to hear that its interface is gone; nothing else waits', async () => {
  const lulls = async (changes: Record<string, unknown>, preserve: boolean, hosts: Host[] = []) =>
    (await planFor([port(changes)], { vifs: [vif(preserve)], hosts })).steps.map(({ act, lull }) => ({
      method: 'method' in act ? act.method : null,
      while: lull?.while,
      seconds: lull?.seconds,
    }));
  expect(await lulls({ status: 'ACTIVE' }, false)).toEqual([
    {
      method: 'DELETE',
      while: {
        door: 'http',
        service: 'network',
        path: `/v2.0/ports/${PORT}`,
        status: [200],
        at: { keys: ['port', 'status'], equals: 'ACTIVE' },
      },
      seconds: 5,
    },
  ]);
  for (const status of ['DOWN', 'BUILD', 'ERROR', null, undefined])
    expect(await lulls({ status }, false)).toEqual([{ method: 'DELETE' }]);
  // No agent is about to report it: it has no binding, or its host is off.
  expect(await lulls({ status: 'ACTIVE', 'binding:host_id': '' }, false)).toEqual([{ method: 'DELETE' }]);
  const off: Host = {
    name: 'compute1',
    because: [],
    instancesPath: null,
    service: null,
    fenced: { answers: null },
  };
  expect(await lulls({ status: 'ACTIVE' }, false, [off])).toEqual([{ method: 'DELETE' }]);
  // A change of a port finds out that another came first, and Neutron repeats it.
  expect(await lulls({ status: 'ACTIVE' }, true)).toEqual([{ method: 'PUT' }]);
});

test('a port that the user made beforehand is unbound with Nova’s own body and named as kept', async () => {
  const profile = {
    pci_slot: '0000:81:01.2',
    allocation: { a: 'rp' },
    vf_num: 3,
    capabilities: ['switchdev'],
  };
  const plan = await planFor([port({ name: 'db', 'binding:profile': profile, dns_name: 'web-1' })], {
    vifs: [vif(true)],
  });
  expect(acts(plan)).toEqual([
    {
      door: 'http',
      service: 'network',
      method: 'PUT',
      path: `/v2.0/ports/${PORT}`,
      status: [200],
      body: {
        port: {
          device_id: '',
          device_owner: '',
          'binding:host_id': null,
          'binding:profile': { capabilities: ['switchdev'] },
          dns_name: '',
        },
      },
    },
  ]);
  expect(plan.steps[0]?.settled).toMatchObject({ at: { keys: ['port', 'device_id'], equals: '' } });
  expect(plan.steps[0]?.undo).toBe('before-image');
  expect(plan.kept).toMatchObject([{ what: `port ${PORT} "db" 10.0.0.5` }]);
});

test('each step asks just before whether the port is still this server’s', async () => {
  for (const preserve of [true, false]) {
    const plan = await planFor([port()], { vifs: [vif(preserve)] });
    expect(plan.steps[0]?.guards.map(({ check }) => check)).toEqual([
      {
        door: 'http',
        service: 'network',
        path: `/v2.0/ports/${PORT}`,
        status: [200],
        at: { keys: ['port', 'device_id'], equals: SERVER },
      },
    ]);
  }
});

describe('the body follows the release', () => {
  const profile = {
    pci_slot: 's',
    allocation: 'a',
    arq_uuid: 'q',
    physical_network: 'p',
    device_mac_address: 'm',
    other: 1,
  };
  const cases: [Era | null, string[] | undefined, boolean][] = [
    [{ atLeast: 12, below: 13 }, undefined, false],
    [{ atLeast: 14, below: 15 }, [], true],
    [
      { atLeast: 17, below: 18 },
      ['allocation', 'arq_uuid', 'physical_network', 'device_mac_address', 'other'],
      true,
    ],
    [{ atLeast: 20, below: 21 }, ['arq_uuid', 'physical_network', 'device_mac_address', 'other'], true],
    [{ atLeast: 24, below: 25 }, ['physical_network', 'device_mac_address', 'other'], true],
    [{ atLeast: 26, below: 27 }, ['other'], true],
    [null, ['other'], true],
  ];
  test.each(cases)('%j', async (era, keys, dns) => {
    const plan = await planFor([port({ 'binding:profile': profile, dns_name: 'web-1' })], {
      era,
      vifs: [vif(true)],
    });
    const sent = sentOf(plan);
    expect(sent['binding:profile'] && Object.keys(sent['binding:profile'])).toEqual(keys);
    expect('dns_name' in sent).toBe(dns);
    expect(sent['binding:host_id']).toBeNull();
  });
});

describe('dns_name', () => {
  test('is not sent when Neutron has no dns-integration, and the network is not asked', async () => {
    const plan = await planFor([port({ network_id: 'not-foreseen' })], { vifs: [vif(true)] });
    expect(JSON.stringify(acts(plan))).not.toContain('dns_name');
  });

  test('on a network with dns_domain is the owner’s to reset: left and named', async () => {
    const plan = await planFor([port({ network_id: 'dns', dns_name: 'web-1' })], { vifs: [vif(true)] });
    expect(JSON.stringify(acts(plan))).not.toContain('dns_name');
    expect(plan.kept.map(({ what }) => what)).toContain(`dns_name "web-1" of port ${PORT}`);
  });

  test('is reset whatever the network says up to Stein', async () => {
    const plan = await planFor([port({ network_id: 'not-foreseen', dns_name: 'web-1' })], {
      vifs: [vif(true)],
      era: { atLeast: 19, below: 20 },
    });
    expect(JSON.stringify(acts(plan))).toContain('"dns_name":""');
  });
});

describe('a port that network_info does not cover', () => {
  const fate = async (changes: Record<string, unknown>, of: Partial<Subject> = {}) => {
    const plan = await planFor([port(changes)], { vifs: [], ...of });
    expect(plan.steps).toHaveLength(1);
    const act = plan.steps[0]?.act as { method: string };
    expect(plan.kept).toHaveLength(act.method === 'PUT' ? 1 : 0);
    return act.method;
  };

  test('older than the server, or of the same second: the user’s', async () => {
    expect(await fate({ created_at: '2026-11-01T09:59:59Z' })).toBe('PUT');
    expect(await fate({ created_at: '2026-11-01T10:00:00Z' })).toBe('PUT');
  });

  test('made while the server was built, without a name: Nova’s', async () => {
    expect(await fate({})).toBe('DELETE');
    expect(await fate({ created_at: '2026-11-01T10:00:30' })).toBe('DELETE');
    expect(await fate({ device_owner: '' })).toBe('DELETE');
  });

  test('never launched: there was no moment to attach one by hand', async () => {
    const row = instanceRow({ launchedAt: null, vmState: 'building' });
    expect(await fate({ created_at: '2026-11-01T12:00:00Z' }, { row })).toBe('DELETE');
  });

  test('named, or later than the launch: may be the user’s', async () => {
    expect(await fate({ name: 'vip' })).toBe('PUT');
    expect(await fate({ created_at: '2026-11-01T10:01:01Z' })).toBe('PUT');
  });

  test('nothing to compare with: kept', async () => {
    expect(await fate({ created_at: null })).toBe('PUT');
    expect(await fate({ created_at: 'yesterday' })).toBe('PUT');
    expect(await fate({}, { row: null })).toBe('PUT');
  });

  test('a record that cannot be trusted or says nothing is no record', async () => {
    const old = { created_at: '2026-10-01T00:00:00Z' };
    expect(await fate(old, { vifs: [vif(false)], vifsKnown: false })).toBe('PUT');
    expect(await fate(old, { vifs: [vif(null)] })).toBe('PUT');
  });

  test('Juno deletes every port', async () => {
    expect(await fate({ created_at: null }, { era: { atLeast: 10, below: 11 } })).toBe('DELETE');
  });
});

test('--ports delete deletes the user’s too, --ports keep unbinds Nova’s too', async () => {
  expect(acts(await planFor([port()], { vifs: [vif(true)] }, { ports: 'delete' }))).toMatchObject([
    { method: 'DELETE' },
  ]);
  expect(acts(await planFor([port()], { vifs: [vif(false)] }, { ports: 'keep' }))).toMatchObject([
    { method: 'PUT' },
  ]);
});

describe('refusals', () => {
  test.each(['network:router_interface', 'network:dhcp', 'neutron:LOADBALANCERV2'])(
    'a port of %s is not Nova’s',
    async (owner) => {
      const plan = await planFor([port({ device_owner: owner })], { vifs: [vif(false)] });
      expect(plan.refusals).toMatchObject([{ code: 'port-not-computes', flag: null }]);
      expect(plan.steps).toEqual([]);
    },
  );

  test('a subport is not taken out of its trunk', async () => {
    const plan = await planFor([port({ device_owner: 'trunk:subport' })], { vifs: [vif(true)] });
    expect(plan.refusals).toMatchObject([{ code: 'port-in-trunk', flag: null }]);
    expect(plan.steps).toEqual([]);
  });

  test('a trunk’s parent is not deleted, but unbound as Nova does', async () => {
    const parent = port({ trunk_details: { trunk_id: 't', sub_ports: [] } });
    const deleted = await planFor([parent], { vifs: [vif(false)] });
    expect(deleted.refusals).toMatchObject([{ code: 'port-in-trunk', flag: 'delete-trunk' }]);
    expect(deleted.steps).toEqual([]);
    const together = await planFor([parent], { vifs: [vif(false)] }, { lift: ['delete-trunk'] });
    expect(acts(together)).toMatchObject([
      { method: 'PUT', body: { port: { 'binding:host_id': '' } } },
      { method: 'DELETE', path: '/v2.0/trunks/t' },
      { method: 'DELETE', path: `/v2.0/ports/${PORT}` },
    ]);
    expect(together.steps.map(({ needs }) => needs ?? [])).toEqual([
      [],
      [together.steps[0]?.id],
      [together.steps[1]?.id],
    ]);
    const unbound = await planFor([parent], { vifs: [vif(true)] });
    expect(unbound.refusals).toEqual([]);
    expect(acts(unbound)).toMatchObject([{ method: 'PUT' }]);
  });
});

test('a port of a neighbour in the answer is left alone', async () => {
  const plan = await planFor([port({ device_id: '11111111-2222-4333-8444-555555555556' })]);
  expect(plan).toEqual({ steps: [], remains: [], refusals: [], kept: [] });
});

test('no ports, nothing to do', async () => {
  expect((await planFor([])).steps).toEqual([]);
});

describe('a Neutron that does not answer is unknown, not empty', () => {
  const of = subject({ uuid: SERVER });
  const down = new LookError('Neutron', 'connection refused', { code: 'api-unreachable' });
  const nothing: PortFacts = { ports: [], rows: null };

  test('for the ports', async () => {
    const found = await ports.find(fakeReader({ http: { [LIST]: down } }), of);
    expect(found).toEqual({ facts: nothing, unknown: [{ place: 'Neutron', why: 'connection refused' }] });
  });

  test('for the trunk of a port', async () => {
    const http = {
      [LIST]: { body: { ports: [port({ trunk_details: { trunk_id: 't', sub_ports: [] } })] } },
      [FLOATING]: { status: 404 },
      'network /v2.0/trunks/t': down,
    };
    const found = await ports.find(fakeReader({ http }), of);
    expect(found).toEqual({ facts: nothing, unknown: [{ place: 'Neutron', why: 'connection refused' }] });
  });

  test('for its floating addresses, and in its database', async () => {
    const http = { [LIST]: { body: { ports: [port()] } }, [FLOATING]: down };
    const found = await ports.find(fakeReader({ http }), of);
    expect(found).toEqual({ facts: nothing, unknown: [{ place: 'Neutron', why: 'connection refused' }] });
    const reader = fakeReader({ http: { ...http, [FLOATING]: { status: 404 } }, databases: ['neutron'] });
    const dark = {
      ...reader,
      sql: {
        ...reader.sql,
        rows: () => Promise.reject(new LookError('database neutron', 'no answer', { code: 'x' })),
      },
    };
    expect((await ports.find(dark, of)).unknown).toEqual([{ place: 'database neutron', why: 'no answer' }]);
  });

  test('for the network of a port', async () => {
    const http = {
      [FLOATING]: { status: 404 },
      [LIST]: { body: { ports: [port({ dns_name: 'x' })] } },
      'network /v2.0/networks/n1': down,
    };
    const found = await ports.find(fakeReader({ http }), of);
    expect(found).toEqual({ facts: nothing, unknown: [{ place: 'Neutron', why: 'connection refused' }] });
  });

  test('or for an answer that is not understood', async () => {
    const http = { [LIST]: { body: { ports: [{ id: 1 }] } } };
    const found = await ports.find(fakeReader({ http }), of);
    expect(found.unknown).toMatchObject([{ place: 'Neutron' }]);
  });
});
