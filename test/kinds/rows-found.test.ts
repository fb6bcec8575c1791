import { describe, expect, test } from 'vitest';
import { rows } from '../../src/kinds/rows/index.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { instanceRow, subject } from '../support/subjects.ts';
import { SERVER, ZED } from './rows-samples.ts';

describe('what is found', () => {
  const ZED_SCHEMA: Readonly<Record<string, readonly string[]>> = {
    instances: ['id', 'uuid', 'progress', 'cleaned', 'hidden'],
    instance_metadata: ['id', 'instance_uuid', 'deleted', 'deleted_at'],
    tags: ['tag', 'resource_id'],
    // Zed's code knows no share_mapping; and a table without the key column is another table.
    share_mapping: ['id', 'instance_uuid'],
    migrations: ['id', 'deleted'],
    pci_devices: ['id', 'instance_uuid'],
  };
  const CHILDREN = `cell:c1: select "instance_metadata" as source, deleted as deleted, deleted_at as deleted_at from instance_metadata where instance_uuid = "${SERVER}" union all select "tags" as source, 0 as deleted, null as deleted_at from tags where resource_id = "${SERVER}"`;
  const INSTANCE = `cell:c1: select * from instances where uuid = "${SERVER}"`;
  const OWN = `cell:c1: select * from pci_devices where instance_uuid = "${SERVER}" and deleted = 0`;
  const FAMILY = 'cell:c1: select * from pci_devices where compute_node_id in (1) and deleted = 0';

  const find = (sql: Readonly<Record<string, readonly Row[]>>, changes: Partial<Subject> = {}) =>
    rows.find(
      fakeReader({
        columns: { 'cell:c1': ZED_SCHEMA },
        sql: { [CHILDREN]: [], [INSTANCE]: [{ id: 42, progress: 3 }], [OWN]: [], ...sql },
      }),
      subject({ era: ZED, ...changes }),
    );

  test('rows are counted as living, and as deleted without a date', async () => {
    const found = await find({
      [CHILDREN]: [
        { source: 'instance_metadata', deleted: 0, deleted_at: null },
        { source: 'instance_metadata', deleted: 5, deleted_at: null },
        { source: 'instance_metadata', deleted: 7, deleted_at: null },
        { source: 'instance_metadata', deleted: 6, deleted_at: '2026-11-02 10:00:00' },
        { source: 'tags', deleted: 0, deleted_at: null },
      ],
    });
    expect(found).toEqual({
      facts: {
        database: 'cell:c1',
        cellName: 'cell1',
        columns: new Set(['id', 'uuid', 'progress', 'cleaned', 'hidden']),
        children: [
          { table: 'instance_metadata', key: 'instance_uuid', how: 'soft', since: 0, live: 1, undated: 2 },
          { table: 'tags', key: 'resource_id', how: 'hard', since: 12, live: 1, undated: 0 },
        ],
        pci: [],
        progress: 3,
        shares: [],
      },
      unknown: [],
    });
  });

  test('children are looked for also when the row itself is gone', async () => {
    const { facts: found } = await find(
      { [INSTANCE]: [], [CHILDREN]: [{ source: 'tags', deleted: 0, deleted_at: null }] },
      { row: null },
    );
    expect(found?.progress).toBe(null);
    expect(found?.children.map(({ table, live }) => [table, live])).toEqual([
      ['instance_metadata', 0],
      ['tags', 1],
    ]);
  });

  test('shares are named, by the rows that go', async () => {
    const children = `${CHILDREN} union all select "share_mapping" as source, 0 as deleted, null as deleted_at from share_mapping where instance_uuid = "${SERVER}"`;
    const { facts: found } = await find(
      {
        [children]: [{ source: 'share_mapping', deleted: 0, deleted_at: null }],
        [`cell:c1: select share_id from share_mapping where instance_uuid = "${SERVER}" order by id`]: [
          { share_id: 's-1' },
        ],
      },
      { era: { atLeast: 31, below: 100 } },
    );
    expect(found?.shares).toEqual(['s-1']);
  });

  test('a schema with none of the other tables is asked for the row alone', async () => {
    const look = fakeReader({
      columns: { 'cell:c1': { instances: ['id', 'uuid'] } },
      sql: { [INSTANCE]: [{ id: 42 }] },
    });
    expect((await rows.find(look, subject({ era: ZED }))).facts).toMatchObject({
      columns: new Set(['id', 'uuid']),
      children: [],
      pci: [],
    });
  });

  test('an archived server, one in no cell, or one of no known release: nothing, and nothing is asked', async () => {
    for (const changes of [{ row: instanceRow({ archived: true }) }, { cell: null }, { era: null }])
      expect(await rows.find(fakeReader({}), subject(changes))).toEqual({ facts: null, unknown: [] });
  });

  describe('what follows a PCI device', () => {
    const own = (changes: Record<string, string | number | null> = {}) => ({
      id: 7,
      address: '0000:81:00.1',
      dev_type: 'type-VF',
      status: 'allocated',
      compute_node_id: 1,
      parent_addr: '0000:81:00.0',
      instance_uuid: SERVER,
      ...changes,
    });
    const pf = (changes: Record<string, string | number | null> = {}) =>
      own({
        id: 1,
        address: '0000:81:00.0',
        dev_type: 'type-PF',
        status: 'unavailable',
        parent_addr: null,
        instance_uuid: null,
        ...changes,
      });
    const follows = async (mine: readonly Row[], others: readonly Row[]) =>
      (await find({ [OWN]: mine, [FAMILY]: [...mine, ...others] })).facts?.pci.map((d) =>
        d.follows.map(({ id }) => id),
      );

    test('a device is known with what its release is checked by', async () => {
      const { facts: found } = await find({ [OWN]: [own()], [FAMILY]: [own(), pf()] });
      expect(found?.pci).toEqual([
        {
          id: 7,
          address: '0000:81:00.1',
          devType: 'type-VF',
          status: 'allocated',
          nodeId: 1,
          parentAddress: '0000:81:00.0',
          follows: [{ id: 1, status: 'unavailable' }],
        },
      ]);
    });
    test('the PF of its last VF', async () => {
      expect(await follows([own()], [pf()])).toEqual([[1]]);
      expect(await follows([own()], [pf({ status: 'unclaimable' })])).toEqual([[1]]);
      expect(await follows([own({ dev_type: 'vdpa' })], [pf()])).toEqual([[1]]);
    });
    test('also when the other VF is the same server’s', async () => {
      expect(await follows([own(), own({ id: 8, address: '0000:81:00.2' })], [pf()])).toEqual([[1], [1]]);
    });
    test('not while another VF is in use', async () => {
      const busy = own({ id: 9, address: '0000:81:00.3', instance_uuid: 'another' });
      expect(await follows([own()], [pf(), busy])).toEqual([[]]);
      expect(await follows([own()], [pf(), { ...busy, status: 'available', instance_uuid: null }])).toEqual([
        [1],
      ]);
    });
    test('not a PF that is free, nor another one, nor one of the same address on another node', async () => {
      expect(await follows([own()], [pf({ status: 'available' })])).toEqual([[]]);
      expect(await follows([own()], [pf({ address: '0000:82:00.0' })])).toEqual([[]]);
      expect(await follows([own()], [pf({ compute_node_id: 2 })])).toEqual([[]]);
    });
    test('the VFs of a PF', async () => {
      const mine = pf({ status: 'allocated', instance_uuid: SERVER });
      const vf = (id: number, status: string, parent = '0000:81:00.0') =>
        own({ id, address: `0000:81:00.${id}`, status, parent_addr: parent, instance_uuid: null });
      expect(
        await follows(
          [mine],
          [vf(2, 'unavailable'), vf(3, 'available'), vf(4, 'unavailable', '0000:82:00.0')],
        ),
      ).toEqual([[2]]);
    });
    test('nothing of a plain device', async () => {
      expect(await follows([own({ dev_type: 'type-PCI' })], [pf()])).toEqual([[]]);
      const below = own({ id: 8, parent_addr: '0000:81:00.1', status: 'unavailable', instance_uuid: null });
      expect(await follows([own({ dev_type: 'type-PCI', parent_addr: null })], [pf(), below])).toEqual([[]]);
    });
  });
});
