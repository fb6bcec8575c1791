import { describe, expect, test } from 'vitest';
import type { Era, Host, Subject } from '../../src/kinds/subject/subject.ts';
import type { DraftStep } from '../../src/plan/types.ts';
import { instanceRow } from '../support/subjects.ts';
import { acts, floatingOf, PORT, planFor, port, SECOND, SERVER, vif } from './ports-samples.ts';

/** What a PUT would send of the port. */
function sentOf(plan: { steps: readonly DraftStep[] }): Record<string, object> {
  const [act] = acts(plan) as readonly object[] as { body: { port: Record<string, object> } }[];
  return act?.body.port ?? {};
}

test('a port that Nova made is deleted, and the look afterwards is what counts', async () => {
  const plan = await planFor([port()], { vifs: [vif(false)] });
  expect(plan.remains).toEqual([{ place: 'Neutron', what: `port ${PORT} 10.0.0.5` }]);
  expect(plan.kept).toEqual([]);
  expect(plan.steps).toMatchObject([
    {
      why: "Made by Nova for this server: it holds an address and the project's quota.",
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
  for (const unbound of [
    { 'binding:host_id': '' },
    { 'binding:host_id': null },
    { 'binding:vif_type': undefined },
  ])
    expect(await lulls({ status: 'ACTIVE', ...unbound }, false)).toEqual([{ method: 'DELETE' }]);
  const on: Host = { name: 'compute1', because: [], instancesPath: null, service: null };
  const off: Host = { ...on, fenced: { answers: null } };
  expect(await lulls({ status: 'ACTIVE' }, false, [off])).toEqual([{ method: 'DELETE' }]);
  // What is off is another host.
  for (const hosts of [[on], [{ ...off, name: 'compute2' }]])
    expect(await lulls({ status: 'ACTIVE' }, false, hosts)).toMatchObject([{ seconds: 5 }]);
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

test('a profile that stays as it is is not sent: from 2024.1 on Neutron takes none from an administrator', async () => {
  const unbound = { device_id: '', device_owner: '', 'binding:host_id': null };
  for (const profile of [{}, null, { capabilities: ['switchdev'] }]) {
    const plan = await planFor([port({ 'binding:profile': profile })], { vifs: [vif(true)] });
    expect(sentOf(plan)).toEqual(unbound);
    expect(plan.steps[0]?.ifItFails).not.toContain('service');
  }
  const ofDevice = [port({ 'binding:profile': { pci_slot: '0000:81:01.2' } })];
  const plan = await planFor(ofDevice, { vifs: [vif(true)] });
  expect(sentOf(plan)).toEqual({ ...unbound, 'binding:profile': {} });
  expect(plan.steps[0]?.ifItFails).toMatch(/^from 2024\.1 on Neutron takes binding:profile.* role service; /);
  // Newton to Pike throw the whole profile away.
  const whole = [port({ 'binding:profile': { capabilities: ['switchdev'] } })];
  const old = await planFor(whole, { vifs: [vif(true)], era: { atLeast: 16, below: 17 } });
  expect(sentOf(old)).toEqual({ ...unbound, 'binding:profile': {} });
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
    pci_vendor_info: 'v',
    pci_slot: 's',
    allocation: 'a',
    arq_uuid: 'q',
    physical_network: 'p',
    card_serial_number: 'c',
    vf_num: 1,
    pf_mac_address: 'f',
    device_mac_address: 'm',
    other: 1,
  };
  const ofYoga = ['physical_network', 'card_serial_number', 'vf_num', 'pf_mac_address', 'device_mac_address'];
  const cases: [Era | null, string[] | undefined, boolean][] = [
    [{ atLeast: 12, below: 13 }, undefined, false],
    [{ atLeast: 14, below: 15 }, [], true],
    [{ atLeast: 17, below: 18 }, ['allocation', 'arq_uuid', ...ofYoga, 'other'], true],
    [{ atLeast: 20, below: 21 }, ['arq_uuid', ...ofYoga, 'other'], true],
    [{ atLeast: 24, below: 25 }, [...ofYoga, 'other'], true],
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

  test('is reset on a network that has no domain', async () => {
    const none = { 'network /v2.0/networks/n1': { body: { network: {} } } };
    const plan = await planFor([port({ dns_name: 'web-1' })], { vifs: [vif(true)] }, {}, none);
    expect(sentOf(plan)['dns_name']).toBe('');
  });

  test('is the owner’s from Train', async () => {
    const plan = await planFor([port({ network_id: 'dns', dns_name: 'web-1' })], {
      vifs: [vif(true)],
      era: { atLeast: 20, below: 21 },
    });
    expect(JSON.stringify(acts(plan))).not.toContain('dns_name');
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
    expect(await fate({ created_at: '2026-11-01T10:00:30.123456+00:00' })).toBe('DELETE');
    expect(await fate({ created_at: '2026-11-01T10:01:00Z' })).toBe('DELETE');
    for (const unsaid of ['', null]) {
      expect(await fate({ device_owner: unsaid })).toBe('DELETE');
      expect(await fate({ name: unsaid })).toBe('DELETE');
    }
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
    expect(await fate({ created_at: 'since 2026-11-01T10:00:30Z' })).toBe('PUT');
    expect(await fate({ created_at: '2026-11-01T10:00:30+02:00' })).toBe('PUT');
    expect(await fate({}, { row: null })).toBe('PUT');
  });

  test('what an earlier run saw in network_info counts, though nobody can read that now', async () => {
    const old = { created_at: '2026-10-01T00:00:00Z' };
    expect(await fate(old, { vifs: [vif(false)] })).toBe('DELETE');
    expect(await fate({}, { vifs: [vif(true)] })).toBe('PUT');
  });

  test('a record that does not say who made it is no record', async () => {
    expect(await fate({ created_at: '2026-10-01T00:00:00Z' }, { vifs: [vif(null)] })).toBe('PUT');
  });

  test('Juno deletes every port', async () => {
    expect(await fate({ created_at: null }, { era: { atLeast: 10, below: 11 } })).toBe('DELETE');
  });
});

test('what network_info says of a port counts for more than its age and name', async () => {
  const old = port({ name: 'vip', created_at: '2026-10-01T00:00:00Z' });
  expect(acts(await planFor([old], { vifs: [vif(false)] }))).toMatchObject([{ method: 'DELETE' }]);
  expect(acts(await planFor([port()], { vifs: [vif(true)] }))).toMatchObject([{ method: 'PUT' }]);
});

test('what is unbound comes before what is deleted, each port once', async () => {
  const vifs = [vif(false), vif(true, { portId: SECOND })];
  const plan = await planFor([port(), port({ id: SECOND })], { vifs });
  expect(acts(plan)).toMatchObject([
    { method: 'PUT', path: `/v2.0/ports/${SECOND}` },
    { method: 'DELETE', path: `/v2.0/ports/${PORT}` },
  ]);
  expect(plan.steps).toHaveLength(2);
});

test('a floating address stays: with a port that is kept it still leads there', async () => {
  const answers = {
    [floatingOf(PORT)]: {
      body: {
        floatingips: [
          { floating_ip_address: '203.0.113.7', port_id: PORT },
          { floating_ip_address: '203.0.113.8', port_id: SECOND },
        ],
      },
    },
  };
  const kept = async (preserve: boolean) =>
    (await planFor([port()], { vifs: [vif(preserve)] }, {}, answers)).kept;
  const what = 'floating address 203.0.113.7';
  expect(await kept(false)).toEqual([
    { place: 'Neutron', what, why: 'it is the project’s: it only lets go of the port' },
  ]);
  expect(await kept(true)).toMatchObject([
    { what: `port ${PORT} 10.0.0.5` },
    { what, why: `it still leads to port ${PORT}, which is kept` },
  ]);
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
});

test('a port of a neighbour in the answer is left alone', async () => {
  const plan = await planFor([port({ device_id: '11111111-2222-4333-8444-555555555556' })]);
  expect(plan).toEqual({ steps: [], remains: [], refusals: [], kept: [] });
});

test('a port without an address is named by its id', async () => {
  expect((await planFor([port({ fixed_ips: null })])).remains).toEqual([
    { place: 'Neutron', what: `port ${PORT}` },
  ]);
});
