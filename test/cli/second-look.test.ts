/** All is done, and then nobody can be asked whether it is: what was done must not be lost sight of. */
import { expect, test } from 'vitest';
import type { SqlConnection } from '../../src/site/sql/connections.ts';
import type { Wires } from '../../src/site/wires.ts';
import { stuckCloud } from '../support/simulated-cloud.ts';

/** From the first commit on the API database answers nothing. */
function losesApiDatabase(wires: Wires): Wires {
  let lost = false;
  const watch = (place: string, connection: SqlConnection): SqlConnection => ({
    ...connection,
    rows: (...asked) =>
      lost && place.includes('nova_api')
        ? Promise.reject(
            Object.assign(new Error('Lock wait timeout exceeded'), { code: 'ER_LOCK_WAIT_TIMEOUT' }),
          )
        : connection.rows(...asked),
    async run(...asked) {
      const done = await connection.run(...asked);
      lost ||= asked[0] === 'COMMIT';
      return done;
    },
  });
  return { ...wires, sql: async (place, ...given) => watch(place, await wires.sql(place, ...given)) };
}

test('what was done, where its record is, and how to go on is said', async () => {
  const cloud = await stuckCloud();
  const { exit, out, err } = await cloud.expunge(['purge', 'web', '--yes'], { rewire: losesApiDatabase });
  expect(exit, out + err).toBe(4);
  expect(err).toBe('');
  expect(out).toMatch(/^\d+ done$/m);
  expect(out).toContain(`Record of this run: ${cloud.runs}`);
  expect(out).toMatch(/Could not look\n {2}database nova_api: .*Lock wait timeout/);
  expect(out).toContain('Not verified: could not look everywhere.');
  expect(out).not.toContain('nothing is left');
  const uuid = cloud.servers[0]?.uuid ?? '';
  expect(out.trimEnd().split('\n').at(-1)).toContain(`Next: expunge verify ${uuid}`);
  expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });
});

test('the same to a program', async () => {
  const cloud = await stuckCloud();
  const asked = ['purge', 'web', '--yes', '--format', 'json'];
  const { exit, out } = await cloud.expunge(asked, { rewire: losesApiDatabase });
  expect(exit).toBe(4);
  const [server] = (JSON.parse(out) as { servers: Record<string, unknown>[] }).servers;
  expect(server).toMatchObject({
    run: expect.stringContaining(cloud.runs),
    verified: { clean: false, unknown: [{ place: 'database nova_api' }] },
  });
});
