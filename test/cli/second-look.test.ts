/** All is done, and then nobody can be asked whether it is: what was done must not be lost sight of. */
import { expect, test } from 'vitest';
import type { SqlConnection } from '../../src/site/sql/connections.ts';
import type { Wires } from '../../src/site/wires.ts';
import { stuckCloud } from '../support/simulated-cloud.ts';

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
  return (wires) => ({
    ...wires,
    sql: async (place, ...given) => watch(place, await wires.sql(place, ...given)),
  });
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
