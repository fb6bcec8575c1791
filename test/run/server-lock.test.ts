/** A lock that is lost while the run goes on. */
import { expect, test } from 'vitest';
import { ActError } from '../../src/plan/errors.ts';
import { applyPlan } from '../../src/run/apply.ts';
import { lockServer } from '../../src/run/server-lock.ts';
import type { HeldBy, Hold } from '../../src/site/sql/hold.ts';
import { fakeSite } from '../support/fake-site.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { plan, SERVER, step } from '../support/plans.ts';
import { tempFolder } from '../support/temp.ts';

const NOW = new Date('2026-11-22T03:00:00Z');
const ANOTHER: HeldBy = { connection: 8, said: null, account: null };

function hold(held: boolean): Hold {
  return { isHeld: () => held, release: async () => {}, drop() {} };
}

/** Gives these answers, one after the other. */
function writer(...answers: readonly (Hold | HeldBy | Error)[]) {
  const rest = [...answers];
  const asked: string[] = [];
  return {
    asked,
    async hold(name: string) {
      asked.push(name);
      const answer = rest.shift();
      if (answer === undefined) throw new Error('the test did not foresee another question');
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

test('its name is short enough for MySQL: 64 characters', async () => {
  const database = writer(hold(true));
  const lock = await lockServer(database, tempFolder(), SERVER, NOW);
  await lock.assertHeld();
  await lock.release();
  expect(database.asked).toEqual([`expunge:${SERVER}`]);
  expect(database.asked[0]?.length).toBeLessThanOrEqual(64);
});

test('lost with its connection, and free: it is taken again, once for all who ask', async () => {
  const database = writer(hold(false), hold(true));
  const lock = await lockServer(database, tempFolder(), SERVER, NOW);
  await Promise.all([lock.assertHeld(), lock.assertHeld()]);
  await lock.assertHeld();
  expect(database.asked).toHaveLength(2);
  await lock.release();
});

test('lost, and another has it by now: no act passes any more', async () => {
  const runs = tempFolder();
  const lock = await lockServer(writer(hold(false), ANOTHER, ANOTHER), runs, SERVER, NOW);
  const site = fakeSite({ there: ['a', 'b'] });
  const results = await applyPlan(site, plan({ steps: [step('a'), step('b', { needs: ['a'] })] }), {
    journal: memoryJournal([]),
    emit: () => {},
    stopAsked: () => false,
    settleWithinMs: 0,
    lock,
  });
  expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'not-run']);
  expect(results[0]?.detail).toMatch(
    /^the lock on the server was lost, and cannot be had again: .*connection 8/,
  );
  expect([...site.there]).toEqual(['a', 'b']);
  await lock.release();
});

test('lost, and nobody can tell: the same', async () => {
  const gone = new ActError('no way to the database', { code: 'x' });
  const lock = await lockServer(writer(hold(false), gone), tempFolder(), SERVER, NOW);
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'lock-lost' });
  await lock.release();
});
