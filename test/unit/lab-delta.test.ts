import { expect, test } from 'vitest';
import {
  canonicalise,
  compareDeltas,
  completeNeutronDeletes,
  diffSnapshots,
  findRoles,
  neighbourView,
  type Snapshot,
} from '../../lab/delta.ts';

type Row = Record<string, string | null>;

interface Made {
  readonly number: number;
  readonly server: string;
  readonly name: string;
  readonly port: string;
  readonly mac: string;
  readonly ip: string;
}

const victim: Made = {
  number: 26,
  server: '11111111-aaaa-4aaa-8aaa-111111111111',
  name: 'vm-a',
  port: '22222222-bbbb-4bbb-8bbb-222222222222',
  mac: 'fa:16:3e:00:00:01',
  ip: '10.9.0.1',
};
const twin: Made = {
  number: 27,
  server: '33333333-cccc-4ccc-8ccc-333333333333',
  name: 'vm-a-twin',
  port: '44444444-dddd-4ddd-8ddd-444444444444',
  mac: 'fa:16:3e:00:00:02',
  ip: '10.9.0.11',
};
const network = '55555555-eeee-4eee-8eee-555555555555';

function snapshot(
  made: readonly Made[],
  change: (place: string, row: Row) => Row | undefined = (_, row) => row,
): Snapshot {
  const rows: Record<string, Record<string, Row>> = {
    'neutron.networks': { [network]: { id: network, name: 'n1' } },
  };
  const add = (place: string, key: string, row: Row): void => {
    const changed = change(place, row);
    if (changed !== undefined) rows[place] = { ...rows[place], [key]: changed };
  };
  for (const each of made) {
    const id = String(each.number);
    add('nova.instances', id, {
      id,
      uuid: each.server,
      display_name: each.name,
      deleted: '0',
      deleted_at: null,
      reservation_id: `r-${id}`,
    });
    add('nova.instance_info_caches', id, {
      id,
      instance_uuid: each.server,
      network_info: each.port,
      deleted: '0',
    });
    add('nova.instance_metadata', id, { id, instance_uuid: each.server, key: 'k', value: 'v', deleted: '0' });
    add('neutron.ports', each.port, {
      id: each.port,
      device_id: each.server,
      mac_address: each.mac,
      network_id: network,
      standard_attr_id: id,
    });
    add('neutron.standardattributes', id, { id, resource_type: 'ports' });
    add('neutron.ipallocations', each.ip, { port_id: each.port, ip_address: each.ip });
    add('placement.allocations', `${id}0`, {
      id: `${id}0`,
      consumer_id: each.server,
      resource_class_id: '0',
      used: '1',
    });
    add('placement.allocations', `${id}1`, {
      id: `${id}1`,
      consumer_id: each.server,
      resource_class_id: '1',
      used: '64',
    });
  }
  const firewall: Record<string, string> = {};
  for (const { port } of made)
    firewall[`iptables filter -A neutron-openvswi-i${port.slice(0, 10)} -j RETURN`] = '';
  for (const { port } of made)
    firewall[`iptables filter -A neutron-openvswi-o${port.slice(0, 10)} -j RETURN`] = '';
  const links = Object.fromEntries(
    made.map(({ port }) => [`tap${port.slice(0, 11)}`, `tun peer=- master=qbr${port.slice(0, 11)}`]),
  );
  const domains = Object.fromEntries(
    made.map((each) => [each.server, `instance-${each.number.toString(16).padStart(8, '0')} running`]),
  );
  const none = {};
  return {
    rows,
    host: {
      links,
      firewall,
      domains,
      ovs: none,
      domainXml: none,
      files: none,
      imageFiles: none,
      libvirtFiles: none,
      namespaces: none,
      iscsi: none,
      rbd: none,
    },
  };
}

const subjectOf = (made: Made) => ({ id: made.server, name: made.name, prePort: undefined });

/** What a delete does: some rows go, some are marked; `time` is when. */
function remove(made: Made, time: string): (place: string, row: Row) => Row | undefined {
  return (place, row) => {
    const own = Object.values(row).includes(made.server) || Object.values(row).includes(made.port);
    if (!own) return row;
    if (place.startsWith('nova.'))
      return {
        ...row,
        deleted: row['id'] ?? null,
        ...(place === 'nova.instances' ? { deleted_at: time } : {}),
      };
    return undefined;
  };
}

function deltaOf(made: Made, time: string): readonly string[] {
  const before = snapshot([victim, twin]);
  const after = {
    ...snapshot([victim, twin], remove(made, time)),
    host: snapshot(made === victim ? [twin] : [victim]).host,
  };
  return canonicalise(diffSnapshots(before, after), findRoles(before, subjectOf(made)));
}

test('two deletes of twins are the same text, whatever their ids, names, addresses and times', () => {
  expect(deltaOf(victim, '2026-01-02 03:04:05')).toEqual(deltaOf(twin, '2027-06-07 08:09:10'));
});

test('a delta shows roles, the values of changed columns, and each row on a line of its own', () => {
  expect(deltaOf(victim, '2026-01-02 03:04:05')).toEqual([
    '- host.domains <server> <domain> running',
    '- host.firewall iptables filter <port:own> (2 rules)',
    '- host.links tap<port:own:11> tun peer=- master=qbr<port:own:11>',
    '- neutron.ipallocations ip_address=<ip:own>, port_id=<port:own>',
    '- neutron.ports device_id=<server>, id=<port:own>, mac_address=<mac:own>, network_id=<network:n1>, standard_attr_id=<n>',
    '- placement.allocations consumer_id=<server>, id=<n>, resource_class_id=0, used=1',
    '- placement.allocations consumer_id=<server>, id=<n>, resource_class_id=1, used=64',
    '~ nova.instance_info_caches [instance_uuid=<server>, network_info=<port:own>] deleted=<own id>',
    '~ nova.instance_metadata [instance_uuid=<server>, key=k] deleted=<own id>',
    '~ nova.instances [display_name=<name>, reservation_id=<reservation>, uuid=<server>] deleted=<own id>, deleted_at=<time>',
  ]);
});

test('a wrong value in a changed column is seen', () => {
  const before = snapshot([victim]);
  const roles = findRoles(before, subjectOf(victim));
  const wrong = snapshot([victim], (place, row) =>
    place === 'nova.instances' ? { ...row, deleted: '1' } : row,
  );
  expect(canonicalise(diffSnapshots(before, wrong), roles)).toEqual([
    '~ nova.instances [display_name=<name>, reservation_id=<reservation>, uuid=<server>] deleted=1',
  ]);
});

test('what Nova leaves in the cache of a row that it deletes does not count, in a living row it does', () => {
  const before = snapshot([victim]);
  const roles = findRoles(before, subjectOf(victim));
  const emptied = (deleted: string): Snapshot =>
    snapshot([victim], (place, row) =>
      place === 'nova.instance_info_caches' ? { ...row, network_info: '[]', deleted } : row,
    );
  expect(canonicalise(diffSnapshots(before, emptied('26')), roles)).toEqual([
    '~ nova.instance_info_caches [instance_uuid=<server>] deleted=<own id>',
  ]);
  expect(canonicalise(diffSnapshots(before, emptied('0')), roles)).toEqual([
    '~ nova.instance_info_caches [instance_uuid=<server>] network_info=[]',
  ]);
});

test('the numbers of a target do not count, its name and the portals do', () => {
  const before = snapshot([victim]);
  const located = (location: string) =>
    canonicalise(
      [
        {
          place: 'cinder.volumes',
          key: 'v',
          before: { id: 'v', provider_location: location },
          after: undefined,
        },
      ],
      findRoles(before, subjectOf(victim)),
    );
  const first = located('10.0.0.1:3260;10.0.1.1:3260,3 iqn.2026-01.lab:volume-a 1');
  expect(first).toEqual(located('10.0.0.1:3260;10.0.1.1:3260,12 iqn.2026-01.lab:volume-a 4'));
  expect(first).not.toEqual(located('10.0.0.1:3260;10.0.1.1:3260,3 iqn.2026-01.lab:volume-b 1'));
  expect(first).not.toEqual(located('10.0.0.1:3260,3 iqn.2026-01.lab:volume-a 1'));
});

test('chains that an agent lays for itself do not count; a rule of a port does, and so does one that goes', () => {
  const before = snapshot([victim]);
  const rule = (name: string, gone = false) => ({
    place: 'host.firewall',
    key: name,
    before: gone ? { name, value: '' } : undefined,
    after: gone ? undefined : { name, value: '' },
  });
  const render = (...changes: ReturnType<typeof rule>[]) =>
    canonicalise(changes, findRoles(before, subjectOf(victim)));
  const own = 'iptables filter -A FORWARD -j neutron-filter-top';
  expect(render(rule(own))).toEqual([]);
  expect(render(rule(own, true))).toHaveLength(1);
  expect(render(rule('iptables filter -A neutron-openvswi-i22222222-b -j RETURN'))).toHaveLength(1);
  expect(
    render(rule('iptables raw -A neutron-openvswi-PREROUTING -i qvb22222222-bb -j CT --zone 4097')),
  ).toHaveLength(1);
});

test('lines are compared with multiplicity, and a deviation stands for its line alone', () => {
  expect(compareDeltas(['a', 'a', 'b'], ['a', 'b', 'c'], [])).toEqual({ missing: ['a'], extra: ['c'] });
  const allowed = [
    { line: 'c', why: 'more than Nova' },
    { insteadOf: 'a', line: 'd', why: 'another value' },
    { insteadOf: 'b', why: 'Nova alone' },
  ];
  expect(compareDeltas(['a', 'a', 'b'], ['a', 'c', 'd'], allowed)).toEqual({ missing: [], extra: [] });
  expect(compareDeltas(['a'], ['a'], [{ line: 'c', why: 'more than Nova' }])).toEqual({
    missing: ['c'],
    extra: [],
  });
});

test('what Neutron forgot of a port that is gone counts as deleted; a row of a port that is still there, or any other, does not', () => {
  const before = snapshot([victim, twin]);
  const forgot = snapshot([victim, twin], remove(victim, '2026-01-02 03:04:05'));
  const changes = diffSnapshots(before, forgot);
  expect(completeNeutronDeletes(changes, forgot)).toEqual({
    changes: [
      ...changes,
      {
        place: 'neutron.standardattributes',
        key: '26',
        before: { id: '26', resource_type: 'ports' },
        after: undefined,
      },
    ],
    forgotten: ['26'],
  });

  const whole = snapshot([victim, twin], (place, row) =>
    place === 'neutron.standardattributes' && row['id'] === '26'
      ? undefined
      : remove(victim, '2026-01-02 03:04:05')(place, row),
  );
  const all = diffSnapshots(before, whole);
  expect(completeNeutronDeletes(all, whole)).toEqual({ changes: all, forgotten: [] });

  const portThere = snapshot([victim, twin], (place, row) =>
    place === 'neutron.ports' ? row : remove(victim, '2026-01-02 03:04:05')(place, row),
  );
  const without = diffSnapshots(before, portThere);
  expect(completeNeutronDeletes(without, portThere)).toEqual({ changes: without, forgotten: [] });
});

test('a neighbour is seen with all that is its own, and without what only begins like it', () => {
  const both = snapshot([victim, twin]);
  const view = neighbourView(both, [subjectOf(victim)]);
  expect(Object.keys(view)).toEqual([
    'nova.instances 26',
    'nova.instance_info_caches 26',
    'nova.instance_metadata 26',
    `neutron.ports ${victim.port}`,
    'neutron.standardattributes 26',
    'neutron.ipallocations 10.9.0.1',
    'placement.allocations 260',
    'placement.allocations 261',
    `host.links tap${victim.port.slice(0, 11)}`,
    `host.firewall iptables filter -A neutron-openvswi-i${victim.port.slice(0, 10)} -j RETURN`,
    `host.firewall iptables filter -A neutron-openvswi-o${victim.port.slice(0, 10)} -j RETURN`,
    `host.domains ${victim.server}`,
  ]);
  const twinGone = {
    ...snapshot([victim, twin], remove(twin, '2026-01-02 03:04:05')),
    host: snapshot([victim]).host,
  };
  expect(neighbourView(twinGone, [subjectOf(victim)])).toEqual(view);
});

test('a neighbour that was touched by one value differs', () => {
  const before = neighbourView(snapshot([victim, twin]), [subjectOf(victim)]);
  const touched = snapshot([victim, twin], (place, row) =>
    place === 'placement.allocations' && row['id'] === '261' ? { ...row, used: '65' } : row,
  );
  expect(neighbourView(touched, [subjectOf(victim)])).not.toEqual(before);
});

test('of a volume that a neighbour shares, what names another server is that server’s, and the rest the neighbour’s', () => {
  const volume = '66666666-ffff-4fff-8fff-666666666666';
  const sharing = (status: string, attached: readonly Made[]): Snapshot => {
    const { rows, ...rest } = snapshot([victim, twin]);
    const attachments = attached.map((each) => [
      `a${each.number}`,
      { volume_id: volume, instance_uuid: each.server },
    ]);
    const mapping = { id: '1', instance_uuid: victim.server, volume_id: volume, device_name: '/dev/vdb' };
    return {
      ...rest,
      rows: {
        ...rows,
        'nova.block_device_mapping': { 1: mapping },
        'cinder.volumes': { [volume]: { id: volume, status } },
        'cinder.volume_attachment': Object.fromEntries(attachments),
      },
    };
  };
  const seen = (of: Snapshot) => neighbourView(of, [subjectOf(victim)], [subjectOf(twin)]);
  const before = seen(sharing('in-use', [victim, twin]));
  expect(Object.keys(before)).toContain(`cinder.volumes ${volume}`);
  expect(Object.keys(before)).toContain('cinder.volume_attachment a26');
  expect(Object.keys(before)).not.toContain('cinder.volume_attachment a27');
  expect(seen(sharing('in-use', [victim]))).toEqual(before);
  expect(seen(sharing('available', [victim]))).not.toEqual(before);
  expect(seen(sharing('in-use', [twin]))).not.toEqual(before);
});
