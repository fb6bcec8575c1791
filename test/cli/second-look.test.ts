/** What the look after a purge sees, and what is said when nobody can be asked any more. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SqlConnection } from '../../src/site/sql/connections.ts';
import type { Wires } from '../../src/site/wires.ts';
import { type SimulatedCloud, simulateCloud, stuckCloud } from '../support/simulated-cloud.ts';

/** From the first commit on the API database answers nothing but this. */
function losesApiDatabase(code: string, sentence: string): (wires: Wires) => Wires {
  let lost = false;
  const watch = (place: string, connection: SqlConnection): SqlConnection => ({
    ...connection,
    rows: (...asked) =>
      lost && place.includes('nova_api')
        ? Promise.reject(Object.assign(new Error(sentence), { code }))
        : connection.rows(...asked),
    async run(...asked) {
      const done = await connection.run(...asked);
      lost ||= asked[0] === 'COMMIT';
      return done;
    },
  });
  return rewireSql(watch);
}

function rewireSql(
  watch: (place: string, connection: SqlConnection) => SqlConnection,
): (wires: Wires) => Wires {
  return (wires) => ({
    ...wires,
    sql: async (place, ...given) => watch(place, await wires.sql(place, ...given)),
  });
}

const KEEP_LINKS =
  "CREATE TABLE kept AS SELECT * FROM links WHERE substr(name, 1, 3) IN ('tap', 'qbr', 'qvb', 'qvo')";

/** Every transaction is followed by the server's interface on its host, as if its removal had been a lie. */
function bringsBackInterfaces({ machines }: SimulatedCloud['world']): (wires: Wires) => Wires {
  machines.exec(KEEP_LINKS);
  return rewireSql((_, connection) => ({
    ...connection,
    async run(...asked) {
      const done = await connection.run(...asked);
      if (asked[0] === 'COMMIT') machines.exec('INSERT OR IGNORE INTO links SELECT * FROM kept');
      return done;
    },
  }));
}

const waits = () => losesApiDatabase('ER_LOCK_WAIT_TIMEOUT', 'Lock wait timeout exceeded');
const denies = () => losesApiDatabase('ER_TABLEACCESS_DENIED_ERROR', 'SELECT command denied');

test.each([
  ['it waits for a lock', waits, /Could not look\n {2}database nova_api: .*Lock wait timeout/],
  [
    'a right was taken away',
    denies,
    /Could not look\n {2}everywhere: +database nova_api: .*SELECT command denied/,
  ],
])('%s: what was done, where its record is, and how to go on is said', async (_, loses, unseen) => {
  const cloud = await stuckCloud();
  const { exit, out, err } = await cloud.expunge(['purge', 'web', '--yes'], { rewire: loses() });
  expect(exit, out + err).toBe(4);
  expect(err).toBe('');
  expect(out).toMatch(/^\d+ done$/m);
  expect(out).toContain(`Record of this run: ${cloud.runs}`);
  expect(out).toMatch(unseen);
  expect(out).toContain('Not verified: could not look everywhere.');
  expect(out).not.toContain('nothing is left');
  const uuid = cloud.servers[0]?.uuid ?? '';
  expect(out.trimEnd().split('\n').at(-1)).toContain(`Next: expunge verify ${uuid}`);
  expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });
});

test('the same to a program', async () => {
  const cloud = await stuckCloud();
  const asked = ['purge', 'web', '--yes', '--format', 'json'];
  const { exit, out } = await cloud.expunge(asked, { rewire: waits() });
  expect(exit).toBe(4);
  const [server] = (JSON.parse(out) as { servers: Record<string, unknown>[] }).servers;
  expect(server).toMatchObject({
    run: expect.stringContaining(cloud.runs),
    verified: { clean: false, unknown: [{ place: 'database nova_api' }] },
  });
});

test('what nothing in the cloud leads to any more is looked for all the same, then and later', async () => {
  const cloud = await stuckCloud();
  const { uuid } = cloud.servers[0] ?? { uuid: '' };
  const purged = await cloud.expunge(['purge', 'web', '--yes'], {
    rewire: bringsBackInterfaces(cloud.world),
  });
  expect(purged.exit, purged.out).toBe(1);
  const verified = await cloud.expunge(['verify', uuid]);
  expect(verified.exit, verified.out).toBe(1);
  for (const { out } of [purged, verified])
    expect(out.match(/interface of port [-0-9a-f]{36}: bridge qbr/g)).toHaveLength(2);
  expect(await cloud.expunge(['purge', uuid, '--yes'])).toMatchObject({ exit: 0 });
  expect(cloud.world.machines.prepare('SELECT * FROM links NATURAL JOIN kept').all()).toEqual([]);
});

test('a port that has gone to another server of the host since then is no trace of this one', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'web', state: 'deleting-forever', host: 'cmp-1' },
      { name: 'next', state: 'healthy', host: 'cmp-1' },
    ],
  });
  const [web = '', next = ''] = cloud.servers.map(({ uuid }) => uuid);
  const { machines } = cloud.world;
  machines.exec(`${KEEP_LINKS}; CREATE TABLE kept_ports AS SELECT * FROM switch_ports`);
  expect(await cloud.expunge(['purge', 'web', '--yes'])).toMatchObject({ exit: 0 });
  machines.exec('INSERT OR IGNORE INTO links SELECT * FROM kept');
  machines.exec('INSERT OR IGNORE INTO switch_ports SELECT * FROM kept_ports');
  machines.prepare('UPDATE switch_ports SET external_ids = replace(external_ids, ?, ?)').run(web, next);
  cloud.world.db('neutron').exec(`UPDATE ports SET device_id = '${next}' WHERE name = 'pre-web'`);
  const { exit, out } = await cloud.expunge(['verify', web]);
  expect(exit, out).toBe(0);
  expect(out).toMatch(/Kept(\n.*)*\n.* qvo68273d22-ca is of server /);
});

/** As soon as a step has ended an administrator locks the server: its rows are not as the plan was made for, and are refused. */
function locksServer({ runs, world }: SimulatedCloud): (wires: Wires) => Wires {
  const hasResult = () =>
    existsSync(runs) &&
    readdirSync(runs, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .some(({ name }) => readFileSync(join(runs, name, 'journal.jsonl'), 'utf8').includes('"result"'));
  return rewireSql((_, connection) => ({
    ...connection,
    rows(...asked) {
      if (hasResult()) world.db('nova').exec("UPDATE instances SET locked = 1, task_state = 'powering-off'");
      return connection.rows(...asked);
    },
  }));
}

test('what refuses the rest is told to people and to programs', async () => {
  const people = await stuckCloud();
  const { exit, out } = await people.expunge(['purge', 'web', '--yes'], { rewire: locksServer(people) });
  expect(exit, out).toBe(3);
  expect(out).toContain('server-locked: --even-locked lifts this');
  const programs = await stuckCloud();
  const told = await programs.expunge(['purge', 'web', '--yes', '--format', 'json'], {
    rewire: locksServer(programs),
  });
  expect(told.exit).toBe(3);
  expect((JSON.parse(told.out) as { servers: object[] }).servers).toMatchObject([
    { verified: { clean: false, refusals: [{ code: 'server-locked', flag: 'even-locked' }] } },
  ]);
});
