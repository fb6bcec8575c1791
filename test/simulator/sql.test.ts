/** The databases of the simulator through the real sql door: what MySQL answers, SQLite must answer too. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { SqlAct } from '../../src/plan/types.ts';
import { connectSql } from '../../src/simulator/sql.ts';
import { createWorld, type World } from '../../src/simulator/world.ts';
import type { SiteConfig } from '../../src/site/config/load.ts';
import { Databases } from '../../src/site/sql/databases.ts';
import { rehearseTransaction, writeTransaction } from '../../src/site/sql/write.ts';
import { tempFolder } from '../support/temp.ts';

const NOW = new Date('2026-11-22T03:00:00Z');
const CELL = '0a000000-0000-4000-8000-000000000001';
const SERVER = '5a000000-0000-4000-8000-000000000001';

let world: World;
let reactions: number;

beforeEach(async () => {
  world = await createWorld(tempFolder(), { now: NOW });
  reactions = 0;
  const api = world.db('nova_api');
  api
    .prepare(
      'INSERT INTO cell_mappings (id, uuid, name, transport_url, database_connection, disabled) VALUES (?, ?, ?, ?, ?, 0)',
    )
    .run(1, CELL, 'cell1', 'rabbit://', 'mysql+pymysql://nova:nova@127.0.0.1/nova');
  const insert = world
    .db('nova')
    .prepare('INSERT INTO instances (uuid, display_name, deleted, hidden, vcpus) VALUES (?, ?, 0, 0, 2)');
  insert.run(SERVER, 'Web');
  insert.run('5a000000-0000-4000-8000-000000000002', 'mail');
});

function databases(url = 'mysql://nova:nova@127.0.0.1/nova_api'): Databases {
  const config = { file: { databases: { nova_api: url } }, novaConf: null } as unknown as SiteConfig;
  return new Databases(config, (place, to, readOnly) =>
    connectSql(world, place, to, readOnly, () => {
      reactions++;
    }),
  );
}

const cell = `cell:${CELL}`;

describe('reading', () => {
  test('cells, rows, and what happens by itself is let happen first', async () => {
    const site = databases();
    expect([...(await site.cells()).keys()]).toEqual([cell]);
    const rows = await site.select(
      cell,
      'select `uuid`, utc_timestamp() as `now` from `instances` where `id` = ?',
      [1],
    );
    expect(rows).toEqual([{ uuid: SERVER, now: '2026-11-22 03:00:00' }]);
    expect(reactions).toBeGreaterThan(0);
  });

  test("names are compared as MySQL's collation does", async () => {
    expect(
      await databases().select(cell, 'select `uuid` from `instances` where `display_name` = ?', ['web']),
    ).toHaveLength(1);
  });

  test('a list for one question mark, as mysql2 spreads it; one in a quoted text is none', async () => {
    const rows = await databases().select(
      cell,
      "select '?' as `q`, `id` from `instances` where `id` in (?) order by `id`",
      [[1, 2]],
    );
    expect(rows).toEqual([
      { q: '?', id: 1 },
      { q: '?', id: 2 },
    ]);
  });

  test('information_schema tells the columns of a table that is there, and nothing of one that is not', async () => {
    const asked =
      'select table_name as t, column_name as c from information_schema.columns where table_schema = database() and table_name in (?)';
    const rows = await databases().select(cell, asked, [['tags', 'no_such_table']]);
    expect(rows.map((row) => row['c'])).toEqual(expect.arrayContaining(['resource_id', 'tag']));
    expect(new Set(rows.map((row) => row['t']))).toEqual(new Set(['tags']));
  });

  test("the user's rights are told where doctor asks for them", async () => {
    const asked =
      'select current_user() as `me`, `grantee` as `who`, `privilege_type` as `may` from `information_schema`.`schema_privileges` where database() like `table_schema`';
    const rows = await databases().select(cell, asked, []);
    expect(rows.map((row) => row['may'])).toEqual(expect.arrayContaining(['INSERT', 'UPDATE', 'DELETE']));
    expect(rows[0]).toMatchObject({ me: 'nova@%', who: "'nova'@'%'" });
  });

  test('binary comes as binary', async () => {
    expect(await databases().select(cell, "select x'00ff' as `b`", [])).toEqual([{ b: { base64: 'AP8=' } }]);
  });

  test('a reading connection cannot write', async () => {
    await expect(databases().select(cell, 'delete from `instances`', [])).rejects.toMatchObject({
      code: 'database-er-cant-execute-in-read-only-transaction',
    });
  });

  test.each([
    ['select * from `no_such`', 'database-er-no-such-table'],
    ['select `no_such` from `instances`', 'database-er-bad-field-error'],
  ])('%s is told as MySQL tells it', async (sql, code) => {
    await expect(databases().select(cell, sql, [])).rejects.toMatchObject({ code, exitCode: 4 });
  });

  test('a statement of another kind is refused by name', async () => {
    await expect(databases().select(cell, 'truncate `instances`', [])).rejects.toThrow(
      /was not taught: truncate/,
    );
  });

  test('the databases of Neutron and Cinder are there too', async () => {
    const file = { databases: { neutron: 'mysql://nova:nova@127.0.0.1/neutron' } };
    const site = new Databases({ file, novaConf: null } as unknown as SiteConfig, (place, to, readOnly) =>
      connectSql(world, place, to, readOnly, () => {}),
    );
    expect(await site.select('neutron', 'select database() as `d`, `id` from `ports`', [])).toEqual([]);
  });

  test.each([
    ['mysql://nova:nova@127.0.0.1/no_such', 'database-er-bad-db-error'],
    ['mysql://nova:wrong@127.0.0.1/nova_api', 'database-er-access-denied-error'],
    ['mysql://someone:nova@127.0.0.1/nova_api', 'database-er-access-denied-error'],
  ])('%s is refused', async (url, code) => {
    await expect(databases(url).select('api', 'select 1', [])).rejects.toMatchObject({ code });
  });
});

describe('writing', () => {
  const act = (rows: number): SqlAct => ({
    door: 'sql',
    database: cell,
    writes: [
      {
        verb: 'update',
        table: 'instances',
        set: { deleted: { column: 'id' }, deleted_at: { now: true } },
        where: [{ column: 'uuid', is: '=', value: SERVER }],
        rows: 1,
      },
      { verb: 'insert', table: 'tags', values: { resource_id: SERVER, tag: 'gone' } },
      { verb: 'delete', table: 'instances', where: [{ column: 'uuid', is: '=', value: 'nobody' }], rows },
    ],
  });

  test('a transaction goes through whole', async () => {
    const site = databases();
    await rehearseTransaction(site, act(0));
    await writeTransaction(site, act(0));
    expect(
      world.db('nova').prepare('SELECT deleted, deleted_at FROM instances WHERE uuid = ?').get(SERVER),
    ).toEqual({
      deleted: 1,
      deleted_at: '2026-11-22 03:00:00',
    });
  });

  test('or not at all, when a statement touches other than the planned number of rows', async () => {
    await expect(writeTransaction(databases(), act(1))).rejects.toMatchObject({ code: 'row-count' });
    expect(world.db('nova').prepare('SELECT deleted FROM instances WHERE uuid = ?').get(SERVER)).toEqual({
      deleted: 0,
    });
    expect(world.db('nova').prepare('SELECT * FROM tags').all()).toEqual([]);
  });

  test('a rehearsal changes nothing', async () => {
    await rehearseTransaction(databases(), act(0));
    expect(world.db('nova').prepare('SELECT deleted FROM instances WHERE uuid = ?').get(SERVER)).toEqual({
      deleted: 0,
    });
  });
});
