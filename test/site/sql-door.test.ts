import { spawn } from 'node:child_process';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SqlAct } from '../../src/plan/types.ts';
import { parseNovaConf } from '../../src/site/config/nova-conf.ts';
import type { Site } from '../../src/site/connect.ts';
import { openConnection, queryRows } from '../../src/site/sql/connections.ts';
import { Databases } from '../../src/site/sql/databases.ts';
import { parseDatabaseUrl } from '../../src/site/sql/url.ts';
import { writeTransaction } from '../../src/site/sql/write.ts';
import { NETWORK } from '../../src/site/wires.ts';
import { type FakeMysql, type MysqlAnswer, startMysql } from '../support/fake-mysql.ts';
import { connect, databaseUrl, PASSWORD_OF_DATABASE } from '../support/sites.ts';

type Rows = readonly Readonly<Record<string, string | number | bigint | null>>[];

const CELLS = 'select uuid, name, database_connection, transport_url from cell_mappings order by id';

/** A database server that holds the API database and one cell. */
async function open(
  answer: (sql: string) => MysqlAnswer | undefined = () => undefined,
  cells?: (port: number) => Rows,
): Promise<{ site: Site; db: FakeMysql }> {
  let port = 0;
  const mapping =
    cells ?? (() => [{ uuid: 'c1', name: 'cell1', database_connection: databaseUrl(port, 'nova') }]);
  const db = await startMysql({
    answer: (sql) => answer(sql) ?? (sql === CELLS ? mapping(port) : undefined),
  });
  port = db.port;
  return { db, site: connect({ file: { databases: { nova_api: databaseUrl(db.port) } } }) };
}

async function failure(work: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await work.then(
    () => new Error('it worked'),
    (e: unknown) => e,
  );
  const { message, stack, hint } = error as Error & { hint?: string };
  expect(`${message} ${stack} ${hint}`).not.toContain(PASSWORD_OF_DATABASE);
  return error as Record<string, unknown>;
}

/** COM_QUIT */
const GOODBYE = Buffer.from([1, 0, 0, 0, 1]);

const fromT = (site: Site, database = 'api') =>
  site.reader.sql.rows(database, (sql) => sql.selectFrom('t').selectAll().where('a', '=', "x' or 1=1 --"));
const T = "select * from `t` where `a` = 'x\\' or 1=1 --'";

describe('reading', () => {
  test('rows come as text and numbers; the connection cannot write', async () => {
    const { site, db } = await open((sql) => (sql === T ? [{ id: 1, name: '密', none: null }] : undefined));
    expect(await fromT(site)).toEqual([{ id: 1, name: '密', none: null }]);
    expect(db.asked).toEqual(['SET SESSION TRANSACTION READ ONLY', T]);
  });

  test('one question of one survey is asked once; a fresh look asks again', async () => {
    const { site, db } = await open((sql) => (sql === T ? [{ id: 1 }] : undefined));
    await Promise.all([fromT(site), fromT(site)]);
    await fromT(site);
    expect(db.asked.filter((q) => q === T)).toHaveLength(1);
    const fresh = site.reader.fresh();
    await fresh.sql.rows('api', (sql) => sql.selectFrom('t').selectAll().where('a', '=', "x' or 1=1 --"));
    expect(db.asked.filter((q) => q === T)).toHaveLength(2);
  });

  test('a cell is found through cell_mappings, cell0 and one without a name too', async () => {
    const { site } = await open(undefined, (port) => [
      {
        uuid: '00000000-0000-0000-0000-000000000000',
        name: null,
        database_connection: databaseUrl(port, 'nova_cell0'),
      },
      { uuid: 'c1', name: null, database_connection: databaseUrl(port, 'nova') },
    ]);
    expect(await site.cells()).toMatchObject([
      { name: 'cell0', isCell0: true },
      { name: 'c1', isCell0: false, database: 'cell:c1' },
    ]);
  });

  test('rows of a cell come from its own database', async () => {
    const { site } = await open((sql) => (sql === T ? [{ id: 2 }] : undefined));
    expect(await fromT(site, 'cell:c1')).toEqual([{ id: 2 }]);
  });

  test('databases of other services are where the site file says, and need no look into cell_mappings', async () => {
    const db = await startMysql({ answer: (sql) => (sql === T ? [{ id: 3 }] : undefined) });
    const site = connect({ file: { databases: { neutron: databaseUrl(db.port, 'neutron') } } });
    expect([site.reader.sql.names('neutron'), site.reader.sql.names('cinder')]).toEqual([true, false]);
    expect(await fromT(site, 'neutron')).toEqual([{ id: 3 }]);
    expect(db.asked).toEqual(['SET SESSION TRANSACTION READ ONLY', T]);
  });

  test('a number that JavaScript cannot hold comes as text', async () => {
    const { site } = await open((sql) => (sql === T ? [{ a: 9007199254740993n, b: 7n }] : undefined));
    expect(await fromT(site)).toEqual([{ a: '9007199254740993', b: 7 }]);
  });

  test('a server that takes a backslash as text gets the mode of Nova’s own sessions first', async () => {
    const db = await startMysql({ answer: (sql) => (sql === T ? [] : undefined), statusFlags: 2 + 512 });
    const site = connect({ file: { databases: { nova_api: databaseUrl(db.port) } } });
    await fromT(site);
    expect(db.asked).toEqual([
      "SET SESSION sql_mode = 'TRADITIONAL'",
      'SET SESSION TRANSACTION READ ONLY',
      T,
    ]);
  });

  describe('a server that knows no transactions that only read', () => {
    const oldOne = (version: string) =>
      open((sql) => {
        if (sql === 'SET SESSION TRANSACTION READ ONLY')
          return { error: 'error in your SQL syntax', code: 1064 };
        if (sql === 'select version() as v') return [{ v: version }];
        return sql === T ? [{ id: 1 }] : undefined;
      });
    test.each(['5.5.68-MariaDB', '5.5.62-0ubuntu0.14.04.1'])(
      'is old, and read all the same: %s',
      async (version) => {
        expect(await fromT((await oldOne(version)).site)).toEqual([{ id: 1 }]);
      },
    );
    test.each(['10.11.6-MariaDB', '8.0.36', '5.6.51'])(
      'is not, and a place not looked at: %s',
      async (version) => {
        const { site, db } = await oldOne(version);
        expect(await failure(fromT(site))).toMatchObject({ code: 'database-er-parse-error' });
        expect(db.asked).not.toContain(T);
      },
    );
  });

  test('columns by table; a table that is not there is not in the answer', async () => {
    const { site } = await open((sql) =>
      sql.includes('information_schema.columns')
        ? [
            { t: 'tags', c: 'tag' },
            { t: 'tags', c: 'resource_id' },
          ]
        : undefined,
    );
    expect(await site.reader.sql.columns('cell:c1', ['tags', 'share_mapping'])).toEqual(
      new Map([['tags', new Set(['tag', 'resource_id'])]]),
    );
  });

  test.each<[string, (port: number) => Rows, object]>([
    [
      'no such cell',
      () => [{ uuid: 'c2', name: 'cell2', database_connection: 'mysql://h/nova' }],
      { code: 'no-such-cell', exitCode: 4 },
    ],
    ['no cell at all', () => [], { code: 'no-cells', exitCode: 4 }],
    [
      'a template without a nova.conf',
      () => [{ uuid: 'c1', name: 'cell1', database_connection: '{scheme}://{hostname}/nova' }],
      { code: 'cell-url-template', exitCode: 2 },
    ],
    [
      'another kind of database',
      () => [{ uuid: 'c1', name: 'cell1', database_connection: `sqlite:///${PASSWORD_OF_DATABASE}` }],
      { code: 'database-url-invalid', exitCode: 2 },
    ],
  ])('%s', async (_, cells, error) => {
    const { site } = await open(undefined, cells);
    expect(await failure(fromT(site, 'cell:c1'))).toMatchObject(error);
  });

  test('a template is filled from nova.conf; cell_user and cell_password count over all of it', async () => {
    const logins: string[] = [];
    const db = await startMysql({
      answer: (sql) =>
        sql === CELLS
          ? [
              {
                uuid: 'c1',
                name: 'cell1',
                database_connection: '{scheme}://wrong:wrong@{hostname}:{port}/nova',
              },
            ]
          : sql === T
            ? []
            : undefined,
      onLogin: (user) => logins.push(user),
    });
    const site = connect({
      file: {
        databases: {
          nova_api: databaseUrl(db.port),
          cell_user: 'reader',
          cell_password: PASSWORD_OF_DATABASE,
        },
      },
      novaConf: {
        apiConnection: undefined,
        connection: databaseUrl(db.port, 'nova_cell0'),
        transportUrl: undefined,
        rabbitTls: { on: false, ca: undefined, cert: undefined, key: undefined },
        instanceNameTemplate: undefined,
        serviceDownTime: undefined,
        servicegroupDriver: undefined,
        instancesPath: undefined,
        serviceUser: undefined,
      },
    });
    expect(await fromT(site, 'cell:c1')).toEqual([]);
    expect(logins).toEqual(['nova', 'reader']);
  });
});

describe('a database that does not answer is could not look', () => {
  test('nothing listens', async () => {
    const site = connect({ file: { databases: { nova_api: databaseUrl(1) } } });
    expect(await failure(fromT(site))).toMatchObject({
      name: 'LookError',
      place: 'database nova_api',
      code: 'database-econnrefused',
      hint: expect.stringContaining('nothing listens there'),
    });
  });
  test('a wrong password', async () => {
    const db = await startMysql({
      answer: () => undefined,
      refuseLogin: "Access denied for user 'nova'@'h'",
    });
    const site = connect({ file: { databases: { nova_api: databaseUrl(db.port) } } });
    expect(await failure(fromT(site))).toMatchObject({
      name: 'UsageError',
      code: 'database-er-access-denied-error',
      message: "database nova_api: the database says: Access denied for user 'nova'@'h'",
      hint: expect.stringContaining('check user and password of this database'),
    });
  });
  test.each([
    ['Too many connections', 1040, 'max_connections'],
    ["Host '10.0.0.9' is not allowed to connect to this server", 1130, 'other machines'],
    ['WSREP has not yet prepared node for application use', 1047, 'quorum'],
    ['Lock wait timeout exceeded', 1205, 'innodb_trx'],
  ])('what to do about it: %s', async (message, code, hint) => {
    const { site } = await open((sql) => (sql === T ? { error: message, code } : undefined));
    expect(await failure(fromT(site))).toMatchObject({
      name: 'LookError',
      message: `the database says: ${message}`,
      hint: expect.stringContaining(hint),
    });
  });
  test('a right that is missing', async () => {
    const { site } = await open((sql) =>
      sql === T ? { error: 'SELECT command denied', code: 1142 } : undefined,
    );
    expect(await failure(fromT(site))).toMatchObject({
      exitCode: 2,
      code: 'database-er-tableaccess-denied-error',
      hint: expect.stringContaining('GRANT'),
    });
  });
  test('no answer: what was asked behind it is not left waiting, nor is the goodbye', async () => {
    const db = await startMysql({ answer: (sql) => (sql === 'select 1' ? 'silent' : undefined) });
    const connection = await openConnection('database x', parseDatabaseUrl('x', databaseUrl(db.port)), true);
    const rows = (sql: string) => queryRows('database x', connection, sql, [], 100);
    const [first, second] = await Promise.all([failure(rows('select 1')), failure(rows('select 2'))]);
    expect(first).toMatchObject({ name: 'LookError', code: 'database-protocol-sequence-timeout' });
    expect(second).toMatchObject({ name: 'LookError', code: 'database-protocol-connection-lost' });
    await connection.end();
  });

  test('a machine that has gone away does not hold the process at its end', async () => {
    const db = await startMysql({ answer: () => undefined });
    // Takes the goodbye and says nothing, nor hangs up.
    const between = createServer({ allowHalfOpen: true }, (socket) => {
      const on = createConnection(db.port, '127.0.0.1');
      for (const one of [socket, on]) one.on('error', () => {});
      socket.on('data', (said) => {
        if (!said.equals(GOODBYE)) on.write(said);
      });
      on.pipe(socket, { end: false });
      socket.on('close', () => on.destroy());
    });
    await new Promise<void>((done) => between.listen(0, '127.0.0.1', done));
    onTestFinished(() => void between.close());
    const { port } = between.address() as AddressInfo;
    const program = `
      import { openConnection } from '${import.meta.dirname}/../../src/site/sql/connections.ts';
      import { parseDatabaseUrl } from '${import.meta.dirname}/../../src/site/sql/url.ts';
      await (await openConnection('x', parseDatabaseUrl('x', '${databaseUrl(port)}'), true)).end();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    expect(await new Promise((done) => child.once('exit', done))).toBe(0);
  });

  test('it hangs up in the middle', async () => {
    let cut = true;
    const { site } = await open((sql) => (sql === T ? (cut ? 'cut' : [{ id: 1 }]) : undefined));
    expect(await failure(fromT(site))).toMatchObject({
      name: 'LookError',
      place: 'database nova_api',
      hint: expect.stringContaining('a proxy without a backend'),
    });
    cut = false;
    expect(await fromT({ ...site, reader: site.reader.fresh() })).toEqual([{ id: 1 }]);
  });
  test.each(['SET SESSION TRANSACTION READ ONLY', CELLS])(
    'it comes back after it could not be had (%s): whoever asks again gets it',
    async (broken) => {
      let cut = true;
      const { site } = await open((sql) => {
        if (sql === broken && cut) return 'cut';
        return sql === T ? [{ id: 1 }] : undefined;
      });
      expect(await failure(fromT(site, 'cell:c1'))).toMatchObject({ name: 'LookError' });
      cut = false;
      expect(await fromT({ ...site, reader: site.reader.fresh() }, 'cell:c1')).toEqual([{ id: 1 }]);
    },
  );
  test('a login that is refused is not tried again', async () => {
    const logins: string[] = [];
    const db = await startMysql({
      answer: () => undefined,
      refuseLogin: 'Access denied',
      onLogin: (user) => logins.push(user),
    });
    const site = connect({ file: { databases: { nova_api: databaseUrl(db.port) } } });
    for (const reader of [site.reader, site.reader.fresh()])
      expect(await failure(fromT({ ...site, reader }))).toMatchObject({ name: 'UsageError' });
    expect(logins).toHaveLength(1);
  });
  test('no address of it at all', async () => {
    expect(await failure(fromT(connect()))).toMatchObject({ code: 'no-api-database', exitCode: 2 });
  });
  test('an address that is none is named by the file that it stands in', async () => {
    const site = connect({
      novaConf: parseNovaConf(`[api_database]\nconnection = ${PASSWORD_OF_DATABASE}@h/nova_api`),
    });
    expect(await failure(fromT(site))).toMatchObject({
      code: 'database-url-invalid',
      message: "nova.conf's [api_database] connection: is not a database URL",
    });
  });
  test.each(['neutron', 'cinder'])('the %s database, which the site file does not name', async (name) => {
    const site = connect({ file: { databases: { nova_api: databaseUrl(1) } } });
    expect(site.reader.sql.names(name)).toBe(false);
    expect(await failure(fromT(site, name))).toMatchObject({
      name: 'UsageError',
      code: `no-${name}-database`,
      hint: `set databases.${name} in the site file`,
    });
  });
  test('a TLS file that is not there', async () => {
    const site = connect({ file: { databases: { nova_api: `${databaseUrl(1)}&ssl_ca=/nowhere/ca.pem` } } });
    expect(await failure(fromT(site))).toMatchObject({ code: 'database-tls' });
  });
  test('the authority of the site file holds for a cell too, whose URL says nothing of TLS', async () => {
    let port = 0;
    const opened: (string | undefined)[] = [];
    const db = await startMysql({
      answer: (sql) =>
        sql === CELLS
          ? [
              {
                uuid: 'c1',
                name: 'cell1',
                database_connection: `${databaseUrl(port)}&read_default_file=/my.cnf`,
              },
            ]
          : undefined,
    });
    port = db.port;
    const { config } = connect({ file: { databases: { nova_api: databaseUrl(port), ca_file: '/own.pem' } } });
    const databases = new Databases(config, (place, url, readOnly) => {
      opened.push(url.tls?.ca);
      return NETWORK.sql(place, { ...url, tls: undefined }, readOnly);
    });
    await databases.openWriting('cell:c1');
    expect(opened).toEqual(['/own.pem', '/own.pem']);
    await databases.close();
  });
  test.each(['closed', 'reset'] as const)(
    '%s while nobody asked: the process lives, and the next look connects anew',
    async (how) => {
      const { site, db } = await open((sql) => (sql === T ? [{ id: 1 }] : undefined));
      await fromT(site);
      db.hangUp(how);
      await new Promise((done) => setTimeout(done, 30));
      const again = site.reader.fresh();
      expect(
        await again.sql.rows('api', (sql) => sql.selectFrom('t').selectAll().where('a', '=', "x' or 1=1 --")),
      ).toEqual([{ id: 1 }]);
    },
  );
});

describe('writing', () => {
  const act: SqlAct = {
    door: 'sql',
    database: 'api',
    writes: [
      {
        verb: 'update',
        table: 't',
        set: { a: "it's" },
        where: [{ column: 'id', is: '=', value: 1 }],
        rows: 1,
      },
      { verb: 'delete', table: 'u', where: [{ column: 'id', is: 'in', value: [1, 2] }], rows: 2 },
      { verb: 'insert', table: 'v', values: { a: 1 } },
    ],
  };
  const UPDATE = "update `t` set `a` = 'it\\'s' where `id` = 1";
  const DELETE = 'delete from `u` where `id` in (1, 2)';
  const INSERT = 'insert into `v` (`a`) values (1)';
  const touched: Readonly<Record<string, MysqlAnswer>> = {
    [UPDATE]: { affected: 1 },
    [DELETE]: { affected: 2 },
    [INSERT]: { affected: 1 },
  };
  const run = async (changes: Readonly<Record<string, MysqlAnswer>> = {}) => {
    const { site, db } = await open((sql) => changes[sql] ?? touched[sql]);
    return { site, db, done: site.openWriter().perform(act) };
  };

  test('all in one transaction', async () => {
    const { db, done } = await run();
    await done;
    expect(db.asked).toEqual(['START TRANSACTION', UPDATE, DELETE, INSERT, 'COMMIT']);
  });

  test("in another service's database: rehearsed, read before, and done in one transaction", async () => {
    const db = await startMysql({
      answer: (sql) =>
        sql.startsWith('explain ') ? [{ id: 1 }] : (touched[sql] ?? (sql === T ? [] : undefined)),
    });
    const site = connect({ file: { databases: { cinder: databaseUrl(db.port, 'cinder') } } });
    const of = { ...act, database: 'cinder' };
    const writer = site.openWriter();
    await writer.rehearse(of);
    const where = [{ column: 'a', is: '=' as const, value: "x' or 1=1 --" }];
    expect(await site.reader.image({ door: 'sql', database: 'cinder', table: 't', where })).toEqual([]);
    await writer.perform(of);
    expect(db.asked.slice(-5)).toEqual(['START TRANSACTION', UPDATE, DELETE, INSERT, 'COMMIT']);
  });

  test.each([0, 1, 3])('%i rows where two were planned: nothing is committed', async (affected) => {
    const { db, done } = await run({ [DELETE]: { affected } });
    expect(await failure(done)).toMatchObject({
      name: 'ActError',
      code: 'row-count',
      unknown: false,
      message: `database nova_api: delete u touched ${affected} rows where 2 were planned; rolled back`,
    });
    expect(db.asked).not.toContain('COMMIT');
    expect(db.asked).not.toContain(INSERT);
  });

  test('an error of the database: nothing is committed, and that is known', async () => {
    const { db, done } = await run({ [UPDATE]: { error: 'Deadlock found', code: 1213 } });
    expect(await failure(done)).toMatchObject({
      name: 'ActError',
      unknown: false,
      message: 'database nova_api: the database says: Deadlock found',
    });
    expect(db.asked).not.toContain('COMMIT');
  });

  test('a line that breaks before the commit: nothing was done', async () => {
    const { done } = await run({ [INSERT]: 'cut' });
    expect(await failure(done)).toMatchObject({ name: 'ActError', unknown: false });
  });

  test('a line that breaks while it commits: nobody knows', async () => {
    const { done } = await run({ COMMIT: 'cut' });
    expect(await failure(done)).toMatchObject({ name: 'ActError', unknown: true });
  });

  test('Galera rolls it back at its commit: nothing was done, and that is known', async () => {
    const { done } = await run({ COMMIT: { error: 'Deadlock found when trying to get lock', code: 1213 } });
    expect(await failure(done)).toMatchObject({
      name: 'ActError',
      code: 'database-er-lock-deadlock',
      unknown: false,
      hint: expect.stringContaining('rolled back'),
    });
  });

  test('another error of the database at its commit: nobody knows', async () => {
    const { done } = await run({ COMMIT: { error: 'Got error 5 during COMMIT', code: 1180 } });
    expect(await failure(done)).toMatchObject({ name: 'ActError', unknown: true });
  });

  test.each<[string, boolean]>([
    ['START TRANSACTION', false],
    [INSERT, false],
    ['COMMIT', true],
  ])('no answer to %s: it does not wait for ever', async (sql, unknown) => {
    const db = await startMysql({ answer: (asked) => (asked === sql ? 'silent' : touched[asked]) });
    const { config } = connect({ file: { databases: { nova_api: databaseUrl(db.port) } } });
    expect(await failure(writeTransaction(new Databases(config, NETWORK.sql), act, 100))).toMatchObject({
      name: 'ActError',
      code: 'database-protocol-sequence-timeout',
      unknown,
    });
  });

  test('a right that is missing: an act that failed, told once', async () => {
    const { done } = await run({ [DELETE]: { error: 'DELETE command denied', code: 1142 } });
    expect(await failure(done)).toMatchObject({
      name: 'ActError',
      unknown: false,
      message: 'database nova_api: the database says: DELETE command denied',
    });
  });

  test('no connection: nothing was done, and it is an act that failed', async () => {
    const site = connect({ file: { databases: { nova_api: databaseUrl(1) } } });
    expect(await failure(site.openWriter().perform(act))).toMatchObject({
      name: 'ActError',
      code: 'database-econnrefused',
      unknown: false,
    });
  });

  describe('rehearsed', () => {
    const rehearse = async (answer: MysqlAnswer) => {
      const { site, db } = await open((sql) => (sql.startsWith('explain ') ? answer : undefined));
      return { db, done: site.openWriter().rehearse(act) };
    };
    test('each statement is explained, none is run', async () => {
      const { db, done } = await rehearse([{ id: 1 }]);
      await done;
      expect(db.asked).toEqual([UPDATE, DELETE, INSERT].map((sql) => `explain ${sql}`));
    });
    test('a right that is missing', async () => {
      const { done } = await rehearse({ error: 'UPDATE command denied', code: 1142 });
      expect(await failure(done)).toMatchObject({ name: 'UsageError', exitCode: 2 });
    });
    test('a replica: it is told that it is one', async () => {
      const { done } = await rehearse({ error: 'running with the --read-only option', code: 1290 });
      expect(await failure(done)).toMatchObject({
        name: 'LookError',
        hint: expect.stringContaining('replica'),
      });
    });
    test.each([
      ['5.5.68-MariaDB', true],
      ['10.11.6-MariaDB', false],
    ])('a database that cannot explain a write: %s is %s', async (version, taken) => {
      const { site, db } = await open((sql) => {
        if (sql.startsWith('explain ')) return { error: 'error in your SQL syntax', code: 1064 };
        return sql === 'select version() as v' ? [{ v: version }] : touched[sql];
      });
      const writer = site.openWriter();
      if (!taken) {
        expect(await failure(writer.rehearse(act))).toMatchObject({ code: 'database-er-parse-error' });
        return;
      }
      await writer.rehearse(act);
      await writer.perform(act);
      expect(db.asked.slice(-5)).toEqual(['START TRANSACTION', UPDATE, DELETE, INSERT, 'COMMIT']);
    });
    test('a database that is ill', async () => {
      const { done } = await rehearse({ error: 'Out of memory', code: 1037 });
      expect(await failure(done)).toMatchObject({ name: 'LookError', exitCode: 4 });
    });
  });
});
