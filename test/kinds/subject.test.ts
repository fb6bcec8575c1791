import { describe, expect, test } from 'vitest';
import type { Row } from '../../src/site/reader.ts';
import {
  type Answers,
  DOWN,
  details,
  find,
  live,
  MAPPING,
  PORT,
  REQUEST,
  row,
  SERVER,
  service,
  services,
  shadow,
} from './subject-samples.ts';

describe('where a server is', () => {
  const mapped = { [MAPPING]: [{ id: 1, cell_uuid: 'c1', queued_for_delete: 1 }] };

  test('its mapping names its cell, and no other cell is asked for its row', async () => {
    const { subject, look } = find({ ...mapped, [live(1)]: [row()], ...details(1) });
    expect(await subject).toMatchObject({
      uuid: SERVER,
      name: 'web-1',
      projectId: 'p1',
      cell: { name: 'cell1' },
      mapping: { cellUuid: 'c1', queuedForDelete: true },
      row: { archived: false },
      domainName: 'instance-0000002a',
      now: '2026-11-22 10:00:00',
    });
    expect(look.unasked()).toEqual(expect.arrayContaining([live(0), live(2), shadow(1)]));
  });

  test('without a mapping every cell is asked', async () => {
    const { subject, look } = find({ [live(2)]: [row()], ...details(2) });
    expect(await subject).toMatchObject({ cell: { name: 'cell2' }, mapping: null, row: { id: 42 } });
    expect(look.unasked()).not.toContain(live(0));
    expect(look.unasked()).not.toContain(live(1));
  });

  test('a mapping to a cell that is not there any more: every cell is asked', async () => {
    const { subject } = find({
      [MAPPING]: [{ id: 1, cell_uuid: 'gone' }],
      [live(1)]: [row()],
      ...details(1),
    });
    expect(await subject).toMatchObject({ cell: { name: 'cell1' } });
  });

  test('a mapping of a release before Rocky says nothing of being queued for delete', async () => {
    const { subject } = find({ [MAPPING]: [{ id: 1, cell_uuid: 'c1' }], [live(1)]: [row()], ...details(1) });
    expect((await subject).mapping).toEqual({ cellUuid: 'c1', queuedForDelete: null });
  });

  test('its mapping names a cell that has no row of it, and another has: mappings can be wrong', async () => {
    const { subject } = find({ ...mapped, [live(2)]: [row()], ...details(2) });
    expect(await subject).toMatchObject({ cell: { name: 'cell2' }, row: { id: 42 } });
  });

  test.each<[string, Answers]>([
    ['deleted', { [live(1)]: [row({ deleted: 42 })] }],
    ['archived', { [shadow(1)]: [row({ deleted: 42 })] }],
  ])('%s in the cell of its mapping, it lives in another: the one that lives counts', async (_, old) => {
    for (const queued of [{}, { queued_for_delete: 0 }]) {
      const unqueued = { [MAPPING]: [{ id: 1, cell_uuid: 'c1', ...queued }], ...old };
      const { subject } = find({ ...unqueued, [live(2)]: [row({ id: 7 })], ...details(2) });
      expect(await subject).toMatchObject({ cell: { name: 'cell2' }, row: { id: 7, deleted: 0 } });
      const nowhere = find({ ...unqueued, ...details(1) });
      expect(await nowhere.subject).toMatchObject({ cell: { name: 'cell1' }, row: { deleted: 42 } });
      await expect(find({ ...unqueued, [live(2)]: DOWN }).subject).rejects.toBe(DOWN);
    }
    // Queued for delete: that it is deleted is as it should be, and no other cell is needed to say so.
    const { subject } = find({ ...mapped, ...old, ...details(1), [live(2)]: DOWN });
    expect(await subject).toMatchObject({ cell: { name: 'cell1' }, row: { deleted: 42 } });
  });

  test('its mapping names a cell that has no row of it, and another cannot be asked', async () => {
    const { subject } = find({ ...mapped, [live(2)]: DOWN });
    await expect(subject).rejects.toBe(DOWN);
  });

  describe('a resize to another cell keeps a second row there', () => {
    const moved = { migrations: [{ id: 3, status: 'finished', cross_cell_move: 1, deleted: 0 }] };
    test.each<[string, Answers]>([
      ['a migration says so', { [live(1)]: [row()], ...details(1, moved) }],
      ['its row is hidden', { [live(1)]: [row({ hidden: 1 })], ...details(1) }],
    ])('%s', async (_, here) => {
      const twice = find({ ...mapped, ...here, [live(2)]: [row()] });
      await expect(twice.subject).rejects.toMatchObject({ code: 'row-in-two-cells' });
      const once = find({ ...mapped, ...here, [live(2)]: [row({ deleted: 42 })] });
      expect(await once.subject).toMatchObject({ cell: { name: 'cell1' } });
      await expect(find({ ...mapped, ...here, [live(2)]: DOWN }).subject).rejects.toBe(DOWN);
    });
  });

  describe('what is archived leads to its places like what is not', () => {
    const archived = (table: string, order: string) =>
      `cell:c1: select * from shadow_${table} where instance_uuid = "${SERVER}" order by ${order}`;
    const tables = ['instance_info_caches', 'instance_system_metadata', 'migrations', 'block_device_mapping'];
    const schema = {
      'cell:c1': {
        ...Object.fromEntries(tables.map((table) => [`shadow_${table}`, ['id']])),
        shadow_instance_actions_events: ['id', 'host'],
        shadow_instance_faults: ['id', 'host'],
      },
    };
    const sql = {
      ...details(1),
      [services(1)]: ['compute1', 'compute2', 'compute3', 'compute4'].map((name) => service(name)),
      [archived('instance_info_caches', 'id desc')]: [
        { network_info: JSON.stringify([{ id: PORT, type: 'ovs', devname: 'tapaaaaaaaa-00' }]) },
      ],
      [archived('instance_system_metadata', 'id')]: [{ key: 'clean_attempts', value: '2' }],
      [archived('migrations', 'id')]: [{ id: 3, source_compute: 'compute1', dest_compute: 'compute2' }],
      [archived('block_device_mapping', 'id')]: [
        { volume_id: 'v1', destination_type: 'volume', delete_on_termination: 1, deleted: 7 },
      ],
      [`cell:c1: select distinct e.host from shadow_instance_actions_events as e inner join shadow_instance_actions as a on a.id = e.action_id where a.instance_uuid = "${SERVER}"`]:
        [{ host: 'compute3' }],
      [`cell:c1: select distinct host from shadow_instance_faults where instance_uuid = "${SERVER}"`]: [
        { host: 'compute4' },
      ],
    };

    const archives = (look: ReturnType<typeof find>['look']) =>
      look.unasked().filter((question) => /shadow_(?!instances )/.test(question));

    test.each<[string, Answers]>([
      ['with its row', { [shadow(1)]: [row({ deleted: 42 })] }],
      ['before its row, as older releases archive', { [live(1)]: [row({ deleted: 42 })] }],
      ['and its row purged', {}],
    ])('%s', async (_, where) => {
      const { subject } = find({ ...mapped, ...sql, ...where }, {}, schema);
      const found = await subject;
      expect(found).toMatchObject({
        vifs: [{ portId: PORT }],
        volumes: [{ volumeId: 'v1', deleted: true, rowGone: true }],
      });
      expect([...found.systemMetadata]).toEqual([['clean_attempts', '2']]);
      expect(found.hosts.map(({ name }) => name)).toEqual(['compute1', 'compute2', 'compute3', 'compute4']);
    });

    test('as far as the release has such tables, and columns', async () => {
      const older = { 'cell:c1': { shadow_instance_actions_events: ['id'], shadow_instance_faults: ['id'] } };
      const where = { [shadow(1)]: [row({ deleted: 42 })] };
      const { subject, look } = find({ ...mapped, ...sql, ...where }, {}, older);
      expect(await subject).toMatchObject({ vifs: [], volumes: [], hosts: [{ name: 'compute1' }] });
      expect(archives(look)).toHaveLength(6);
    });

    test('is not asked for while its row lives', async () => {
      const { subject, look } = find({ ...mapped, ...sql, [live(1)]: [row()] }, {}, schema);
      expect(await subject).toMatchObject({ vifs: [], volumes: [] });
      expect(archives(look)).toHaveLength(6);
    });
  });

  test('mapped to no cell and without a row: never scheduled, so on no host', async () => {
    const { subject } = find({
      [MAPPING]: [{ id: 1, cell_id: null, cell_uuid: null, queued_for_delete: 1 }],
    });
    expect(await subject).toMatchObject({ hosts: [], mapping: { unscheduled: true }, migrations: [] });
  });

  test('in cell0 it is on no host, and its number names no domain: in another cell that is another server', async () => {
    const { subject } = find({ [live(0)]: [row({ host: null })], ...details(0) });
    expect(await subject).toMatchObject({ cell: { name: 'cell0' }, row: { id: 42 }, domainName: null });
  });

  test('mapped, and no row: its cell is known all the same', async () => {
    const { subject } = find({ ...mapped, ...details(1) });
    expect(await subject).toMatchObject({ row: null, cell: { name: 'cell1' }, domainName: null });
  });

  test('a build request only', async () => {
    const instance = JSON.stringify({ 'nova_object.data': { display_name: 'web-1' } });
    const { subject } = find({ [REQUEST]: [{ id: 7, instance, project_id: 'p1' }] });
    expect(await subject).toMatchObject({
      name: 'web-1',
      projectId: 'p1',
      row: null,
      cell: null,
      era: null,
      buildRequest: { id: 7 },
      hosts: [],
    });
  });

  test('a build request of the old form, with the name in a column', async () => {
    const { subject } = find({ [REQUEST]: [{ id: 7, instance: null, display_name: 'web-1' }] });
    expect(await subject).toMatchObject({ name: 'web-1', buildRequest: { id: 7 } });
  });

  test.each(['{', '[]', 'null', '{}', '{"nova_object.data": {"display_name": 7}}'])(
    'a build request that cannot be read is one without a name: %s',
    async (instance) => {
      const { subject } = find({ [REQUEST]: [{ id: 7, instance, project_id: null }] });
      expect(await subject).toMatchObject({ name: null, buildRequest: { id: 7 } });
    },
  );

  test('archived', async () => {
    const { subject } = find({ [shadow(1)]: [row({ deleted: 42 })], ...details(1) });
    expect(await subject).toMatchObject({ row: { archived: true, deleted: 42 }, cell: { name: 'cell1' } });
  });

  test('unknown anywhere: a subject all the same, and every compute host may have it', async () => {
    const { subject } = find({ [services(1)]: [service('compute1')], [services(2)]: [service('compute2')] });
    expect(await subject).toMatchObject({
      name: null,
      row: null,
      cell: null,
      hosts: [
        { name: 'compute1', because: ['every compute host'], instancesPath: '/var/lib/nova/instances' },
        { name: 'compute2', instancesPath: null },
      ],
    });
  });

  test('live in two cells: not known which is meant', async () => {
    const { subject } = find({ [live(1)]: [row()], [live(2)]: [row()] });
    await expect(subject).rejects.toMatchObject({
      code: 'row-in-two-cells',
      place: 'databases of cell1 and cell2',
      exitCode: 4,
    });
  });

  test('live in one and deleted in another: the live one', async () => {
    const { subject } = find({ [live(1)]: [row({ deleted: 42 })], [live(2)]: [row()], ...details(2) });
    expect(await subject).toMatchObject({ cell: { name: 'cell2' } });
  });

  test('a cell that cannot be asked ends it: it may be the one', async () => {
    const { subject } = find({ [live(1)]: DOWN });
    await expect(subject).rejects.toBe(DOWN);
  });
});

describe('what else it tells', () => {
  const here = (changes: Readonly<Record<string, readonly Row[]>>, of: Row = {}) =>
    find({
      [live(1)]: [row(of)],
      ...details(1, changes),
      [services(1)]: [service('compute1'), service('compute2')],
    }).subject;

  test('ports, migrations, volumes and metadata, each from its own table', async () => {
    const subject = await here({
      caches: [{ network_info: `[{"id": "${PORT}", "type": "ovs"}]` }],
      metadata: [
        { key: 'clean_attempts', value: '2' },
        { key: 'empty', value: null },
        { key: null, value: '3' },
      ],
      migrations: [
        { id: 3, status: 'error', source_compute: 'compute1', dest_compute: 'compute2', deleted: 0 },
      ],
      bdms: [
        { volume_id: 'v1', destination_type: 'volume', delete_on_termination: 1, deleted: 0 },
        { volume_id: null, destination_type: 'local', deleted: 0 },
      ],
    });
    expect(subject.vifs).toMatchObject([{ portId: PORT }]);
    expect([...subject.systemMetadata]).toEqual([['clean_attempts', '2']]);
    expect(subject.volumes).toMatchObject([{ volumeId: 'v1', deleteOnTermination: true }]);
    expect(subject.hosts.map(({ name, because }) => [name, because])).toEqual([
      ['compute1', ['instances.host', 'source of migration 3']],
      ['compute2', ['destination of migration 3']],
    ]);
  });

  test.each([[[]], [[{ network_info: null }]], [[{ network_info: '{broken' }]]])(
    'a network_info that cannot be read is not known: %j',
    async (caches) => {
      expect(await here({ caches })).toMatchObject({ vifs: [] });
    },
  );

  test('the clock of its cell, or this machine’s where no cell is known or none of its servers', async () => {
    const clock = 'cell:c1: select utc_timestamp() as now from instances limit 1';
    const here = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
    expect((await find({}).subject).now).toMatch(here);
    const empty = { [MAPPING]: [{ id: 1, cell_uuid: 'c1' }], ...details(1), [clock]: [] };
    expect((await find(empty).subject).now).toMatch(here);
    const odd = { [live(1)]: [row()], ...details(1), [clock]: [{ now: null }] };
    expect((await find(odd).subject).now).toMatch(here);
  });

  test('the host that shelved it', async () => {
    const subject = await here(
      { metadata: [{ key: 'shelved_host', value: 'compute2' }] },
      { host: null, vm_state: 'shelved_offloaded' },
    );
    expect(subject.hosts).toMatchObject([{ name: 'compute2', because: ['host that shelved it'] }]);
  });
});
