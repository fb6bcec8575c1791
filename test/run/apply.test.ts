import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ActError, LookError, UsageError } from '../../src/plan/errors.ts';
import { orderSteps } from '../../src/plan/order.ts';
import type { Plan, Step } from '../../src/plan/types.ts';
import { applyPlan, type RunEvent } from '../../src/run/apply.ts';
import type { Journal } from '../../src/run/journal.ts';
import { type FakeSite, fakeSite } from '../support/fake-site.ts';
import { type MemoryJournal, memoryJournal } from '../support/memory-journal.ts';
import { gone, plan, step } from '../support/plans.ts';

const CUT = new ActError('the line was cut', { code: 'api-cut', unknown: true });
const DOWN = new LookError('memcached m:11211', 'no answer', { code: 'cache-unreachable' });
const saved = (key: string) => ({ before: [{ door: 'cache' as const, server: 'm:11211', key }] });

/** A way of its own for every step, so that they run side by side. */
function lane(key: string): Partial<Step> {
  return { act: { door: 'cache', server: `${key}:11211`, key } };
}

interface Told {
  readonly outcomes: Readonly<Record<string, string>>;
  readonly details: Readonly<Record<string, string | null>>;
  readonly journal: MemoryJournal;
  readonly events: RunEvent[];
}

async function apply(
  site: FakeSite,
  what: Plan,
  options: { journal?: Journal; stopAsked?: () => boolean; settleWithinMs?: number } = {},
): Promise<Told> {
  const journal = memoryJournal(site.log);
  const events: RunEvent[] = [];
  const results = await applyPlan(site, what, {
    journal,
    emit: (event) => events.push(event),
    stopAsked: () => false,
    settleWithinMs: 0,
    ...options,
  });
  return {
    outcomes: Object.fromEntries(results.map((r) => [r.step.id, r.outcome])),
    details: Object.fromEntries(results.map((r) => [r.step.id, r.detail])),
    journal,
    events,
  };
}

describe('a run in which all goes well', () => {
  const steps = [step('a'), step('b'), step('c', { needs: ['a', 'b'] })];

  test('does every step, in order, and says so', async () => {
    const site = fakeSite({ there: ['a', 'b', 'c'] });
    const { outcomes, journal } = await apply(site, plan({ steps }));
    expect(outcomes).toEqual({ a: 'done', b: 'done', c: 'done' });
    expect([...site.there]).toEqual([]);
    expect(site.log.filter((l) => l.startsWith('act'))).toEqual(['act a', 'act b', 'act c']);
    expect(journal.entries[0]).toMatchObject({ event: 'begin', digest: plan({ steps }).digest });
    expect(journal.entries.at(-1)).toEqual({ event: 'end', outcome: 'complete' });
  });

  test('a step begins only when what it needs has been seen to be so', async () => {
    const site = fakeSite({ there: ['a', 'b', 'c'] });
    await apply(site, plan({ steps }));
    const begins = site.log.indexOf('check c');
    expect(begins).toBeGreaterThan(site.log.indexOf('result a done'));
    expect(begins).toBeGreaterThan(site.log.indexOf('result b done'));
  });

  test('the whole order of work, from the top', async () => {
    const phases = [
      'mapping',
      'quota',
      'rows',
      'ports',
      'undefine',
      'files',
      'unplug',
      'stop',
      'tokens',
    ] as const;
    const ordered = orderSteps(phases.map((phase) => step(phase, { phase })));
    const site = fakeSite({ there: phases });
    await apply(site, plan({ steps: ordered }));
    const acted = site.log.filter((l) => l.startsWith('act ')).map((l) => l.slice(4));
    expect(acted.indexOf('stop')).toBeLessThan(acted.indexOf('unplug'));
    expect(acted.slice(-3)).toEqual(
      ['rows', 'quota', 'mapping'].sort((a, b) => acted.indexOf(a) - acted.indexOf(b)),
    );
    expect(acted.at(-3)).toBe('rows');
  });

  test('tells of every step that it begins and ends', async () => {
    const { events } = await apply(fakeSite({ there: ['a'] }), plan({ steps: [step('a')] }));
    expect(events.map(({ type }) => type)).toEqual(['step-started', 'step-ended']);
  });

  test('an empty plan writes down that it began and ended, and touches nothing', async () => {
    const site = fakeSite({ there: ['a'] });
    const { journal } = await apply(site, plan());
    expect(journal.entries.map(({ event }) => event)).toEqual(['begin', 'end']);
    expect(site.log).toEqual([]);
  });
});

describe('before the act', () => {
  const until = (key: string, seconds = 5): Partial<Step> => ({
    lull: {
      why: 'Somebody is at it.',
      while: { door: 'cache', server: 'm:11211', key, absent: false },
      seconds,
    },
  });

  test('a lull lasts as long as its check holds; guards and before-image are read after it', async () => {
    let looks = 0;
    const site = fakeSite({
      there: ['a', 'busy'],
      check: {
        busy: () => {
          looks++;
          if (looks === 3) site.there.delete('busy');
        },
      },
    });
    const { outcomes } = await apply(
      site,
      plan({
        steps: [step('a', { ...until('busy'), ...saved('a'), guards: [{ must: 'x', check: gone('busy') }] })],
      }),
    );
    expect(outcomes).toEqual({ a: 'done' });
    expect(site.log.slice(0, 3)).toEqual(['check busy', 'check busy', 'check busy']);
    expect(site.log.indexOf('image a')).toBeGreaterThan(2);
  });

  test('a lull that does not end is cut off, and the step is done', async () => {
    const site = fakeSite({ there: ['a', 'busy'] });
    const begun = performance.now();
    const { outcomes } = await apply(site, plan({ steps: [step('a', until('busy', 1))] }));
    expect(outcomes).toEqual({ a: 'done' });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1000);
  });

  test('a lull of which nobody can tell whether it lasts is over', async () => {
    const site = fakeSite({ there: ['a', 'busy'], check: { busy: DOWN } });
    const { outcomes } = await apply(site, plan({ steps: [step('a', until('busy'))] }));
    expect(outcomes).toEqual({ a: 'done' });
    expect(site.log.filter((l) => l === 'check busy')).toHaveLength(1);
  });

  test('whoever asks to stop during a lull need not wait for its end, and nothing is done', async () => {
    const site = fakeSite({ there: ['a', 'busy'] });
    const begun = performance.now();
    const { outcomes } = await apply(site, plan({ steps: [step('a', until('busy', 60))] }), {
      stopAsked: () => site.log.filter((l) => l === 'check busy').length >= 2,
    });
    expect(outcomes).toEqual({ a: 'not-run' });
    expect(site.there.has('a')).toBe(true);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test('the before-image is on disk, then the intent, then the act, then the result', async () => {
    const site = fakeSite({ there: ['a'] });
    const { journal } = await apply(site, plan({ steps: [step('a', saved('a'))] }));
    const order = ['image a', 'saved a', 'intent a', 'act a', 'result a done'].map((l) =>
      site.log.indexOf(l),
    );
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((x, y) => x - y));
    expect(journal.images).toEqual([
      { step: 'a', of: { door: 'cache', server: 'm:11211', key: 'a' }, image: 'value of a' },
    ]);
  });

  test('what is settled already is not done again, and its guards need not hold', async () => {
    const site = fakeSite({ there: [] });
    const guards = [{ must: 'it is there', check: { ...gone('a'), absent: false } as never }];
    const { outcomes, journal } = await apply(site, plan({ steps: [step('a', { guards, ...saved('a') })] }));
    expect(outcomes).toEqual({ a: 'already' });
    expect(site.log).not.toContain('act a');
    expect(journal.entries.map(({ event }) => event)).toEqual(['begin', 'result', 'end']);
    expect(journal.images).toEqual([]);
  });

  test('what seems to be settled, and a moment later is not, was not done by anybody', async () => {
    let asked = 0;
    const site = fakeSite({
      there: ['a', 'b'],
      check: {
        a() {
          // The first answer is wrong.
          if (asked++ === 0) site.there.delete('a');
          else site.there.add('a');
        },
      },
    });
    const { outcomes, details } = await apply(
      site,
      plan({ steps: [step('a'), step('b', { needs: ['a'] })] }),
    );
    expect(outcomes).toEqual({ a: 'failed', b: 'not-run' });
    expect(details).toMatchObject({ a: 'it seemed to be so already, and a moment later it was not' });
    expect(site.log).not.toContain('act a');
  });

  test('what needs a settled step goes on', async () => {
    const site = fakeSite({ there: ['b'] });
    const { outcomes } = await apply(site, plan({ steps: [step('a'), step('b', { needs: ['a'] })] }));
    expect(outcomes).toEqual({ a: 'already', b: 'done' });
  });

  test('a guard that does not hold refuses the step; what waits for it is not run and names it', async () => {
    const site = fakeSite({ there: ['a', 'b', 'c', 'other', 'free'] });
    const guarded = step('a', { guards: [{ must: 'the other is gone', check: gone('other') }] });
    const { outcomes, details, journal } = await apply(
      site,
      plan({
        steps: [guarded, step('b', { needs: ['a'] }), step('c', { needs: ['b'] }), step('free')],
      }),
    );
    expect(outcomes).toEqual({ a: 'refused', b: 'not-run', c: 'not-run', free: 'done' });
    expect(details).toMatchObject({ a: 'it must hold that the other is gone', b: 'waits for a' });
    expect(site.log).not.toContain('act a');
    expect(site.log).not.toContain('act b');
    expect(journal.entries.at(-1)).toEqual({ event: 'end', outcome: 'incomplete' });
  });

  test('a guard that cannot be looked at stops the step: not to know is not to be sure', async () => {
    const site = fakeSite({ there: ['a'], check: { other: DOWN } });
    const guarded = step('a', { guards: [{ must: 'the other is gone', check: gone('other') }] });
    const { outcomes, details } = await apply(site, plan({ steps: [guarded] }));
    expect(outcomes).toEqual({ a: 'failed' });
    expect(details['a']).toBe('could not check that the other is gone: no answer');
    expect(site.there.has('a')).toBe(true);
  });

  test('a settled check that cannot be looked at stops the step', async () => {
    const site = fakeSite({ there: ['a'], check: { a: DOWN } });
    const { outcomes } = await apply(site, plan({ steps: [step('a')] }));
    expect(outcomes).toEqual({ a: 'failed' });
    expect(site.log).not.toContain('act a');
  });

  test('a before-image that cannot be read stops the step', async () => {
    const site = fakeSite({ there: ['a'], image: { a: DOWN } });
    const { outcomes, details, journal } = await apply(site, plan({ steps: [step('a', saved('a'))] }));
    expect(outcomes).toEqual({ a: 'failed' });
    expect(details['a']).toBe('its before-image cannot be read: no answer');
    expect(site.log).not.toContain('act a');
    expect(journal.entries.map(({ event }) => event)).not.toContain('intent');
  });
});

describe('after the act', () => {
  test('an act that fails fails the step, and what waits for it is not run', async () => {
    const site = fakeSite({
      there: ['a', 'b'],
      act: {
        a: () => {
          throw new ActError('answered 500', { code: 'api-500', hint: 'try again' });
        },
      },
    });
    const { outcomes, details, journal } = await apply(
      site,
      plan({ steps: [step('a'), step('b', { needs: ['a'] })] }),
    );
    expect(outcomes).toEqual({ a: 'failed', b: 'not-run' });
    expect(details['a']).toBe('answered 500 (try again)');
    expect(site.there.has('b')).toBe(true);
    expect(journal.entries).toContainEqual({
      event: 'result',
      step: 'a',
      outcome: 'failed',
      detail: 'answered 500 (try again)',
    });
  });

  test('an act that failed but took effect is done', async () => {
    const site: FakeSite = fakeSite({
      there: ['a'],
      act: {
        a: () => {
          site.there.delete('a');
          throw new ActError('answered 500', { code: 'api-500' });
        },
      },
    });
    expect((await apply(site, plan({ steps: [step('a')] }))).outcomes).toEqual({ a: 'done' });
  });

  test.each([
    ['a door that cannot be reached', DOWN],
    ['any error of the doors', new LookError('Keystone', 'answered 500', { code: 'login-failed' })],
  ])('%s fails the step, not the run', async (_, error) => {
    const site = fakeSite({
      there: ['a', 'b'],
      act: {
        a: () => {
          throw error;
        },
      },
    });
    const { outcomes } = await apply(site, plan({ steps: [step('a'), step('b', lane('b'))] }));
    expect(outcomes).toEqual({ a: 'failed', b: 'done' });
  });

  test('accepted is not gone: it is looked at until it is', async () => {
    const site: FakeSite = fakeSite({
      there: ['a'],
      act: { a: () => void setTimeout(() => site.there.delete('a'), 50) },
    });
    const { outcomes } = await apply(site, plan({ steps: [step('a')] }), { settleWithinMs: 2_000 });
    expect(outcomes).toEqual({ a: 'done' });
    expect(site.log.filter((l) => l === 'check a').length).toBeGreaterThan(2);
  });

  test('accepted and still there after a while is failed', async () => {
    const site = fakeSite({ there: ['a', 'b'], act: { a: () => {} } });
    const { outcomes, details } = await apply(
      site,
      plan({ steps: [step('a'), step('b', { needs: ['a'] })] }),
      { settleWithinMs: 60 },
    );
    expect(outcomes).toEqual({ a: 'failed', b: 'not-run' });
    expect(details['a']).toBe('it was accepted, but after 0.06 s it still is not so');
  });

  test('a step with a patience of its own is waited for that long', async () => {
    const slow = (): FakeSite => {
      const site: FakeSite = fakeSite({
        there: ['a'],
        act: { a: () => void setTimeout(() => site.there.delete('a'), 50) },
      });
      return site;
    };
    const patient = await apply(slow(), plan({ steps: [step('a', { patience: 2 })] }));
    expect(patient.outcomes).toEqual({ a: 'done' });
    const hasty = await apply(slow(), plan({ steps: [step('a', { patience: 0.01 })] }), {
      settleWithinMs: 2_000,
    });
    expect(hasty.outcomes).toEqual({ a: 'failed' });
  });

  test('what failed is looked at once, and not waited for', async () => {
    const act = { a: () => Promise.reject(new ActError('answered 500', { code: 'api-500' })) };
    const site = fakeSite({ there: ['a'], act });
    const { outcomes } = await apply(site, plan({ steps: [step('a')] }), { settleWithinMs: 60_000 });
    expect(outcomes).toEqual({ a: 'failed' });
    expect(site.log.filter((l) => l === 'check a')).toHaveLength(2);
  });

  test('a look that fails once, afterwards, is tried again', async () => {
    let looks = 0;
    const check = {
      a: () => {
        if (++looks === 2) throw DOWN;
      },
    };
    const site = fakeSite({ there: ['a'], check });
    const { outcomes } = await apply(site, plan({ steps: [step('a')] }), { settleWithinMs: 2_000 });
    expect(outcomes).toEqual({ a: 'done' });
  });

  test('what may be tried is said of a step that failed, and only then', async () => {
    const hint = { ifItFails: 'try --surgery' };
    const refused = step('b', { ...hint, guards: [{ must: 'x', check: gone('other') }] });
    const act = { a: () => Promise.reject(new ActError('answered 500', { code: 'api-500' })) };
    const site = fakeSite({ there: ['a', 'b', 'c', 'other'], act });
    const { details } = await apply(site, plan({ steps: [step('a', hint), refused, step('c', hint)] }));
    expect(details).toEqual({ a: 'answered 500; try --surgery', b: 'it must hold that x', c: null });
  });

  test('what was not run names the one that it waits for, not those that are done', async () => {
    const act = { b: () => Promise.reject(new ActError('answered 500', { code: 'api-500' })) };
    const site = fakeSite({ there: ['b', 'c'], act });
    const steps = [step('done'), step('b'), step('c', { needs: ['done', 'b'] })];
    const { outcomes, details } = await apply(site, plan({ steps }));
    expect(outcomes).toEqual({ done: 'already', b: 'failed', c: 'not-run' });
    expect(details['c']).toBe('waits for b');
  });

  test('accepted, and then nobody can look: unknown', async () => {
    let looks = 0;
    const check = {
      a: () => {
        if (++looks > 1) throw DOWN;
      },
    };
    const site = fakeSite({ there: ['a'], check });
    const { outcomes, details } = await apply(site, plan({ steps: [step('a')] }), { settleWithinMs: 30 });
    expect(outcomes).toEqual({ a: 'unknown' });
    expect(details['a']).toBe('done, and could not look afterwards: no answer');
    expect(looks).toBeGreaterThan(2);
  });

  test('a line cut while it acted, and it is so: done', async () => {
    const site: FakeSite = fakeSite({
      there: ['a'],
      act: {
        a: () => {
          setTimeout(() => site.there.delete('a'), 30);
          throw CUT;
        },
      },
    });
    const { outcomes } = await apply(site, plan({ steps: [step('a')] }), { settleWithinMs: 2_000 });
    expect(outcomes).toEqual({ a: 'done' });
  });

  test('a line cut while it acted, and it is not so: nobody knows, and nothing goes on from it', async () => {
    const site = fakeSite({
      there: ['a', 'b'],
      act: {
        a: () => {
          throw CUT;
        },
      },
    });
    const { outcomes, details } = await apply(
      site,
      plan({ steps: [step('a'), step('b', { needs: ['a'] })] }),
      { settleWithinMs: 30 },
    );
    expect(outcomes).toEqual({ a: 'unknown', b: 'not-run' });
    expect(details).toMatchObject({ a: 'the line was cut', b: 'waits for a' });
  });

  test('applied twice is applied once', async () => {
    const site = fakeSite({ there: ['a', 'b'] });
    const twice = plan({ steps: [step('a'), step('b', { needs: ['a'] })] });
    await apply(site, twice);
    const { outcomes, journal } = await apply(site, twice);
    expect(outcomes).toEqual({ a: 'already', b: 'already' });
    expect(journal.entries.at(-1)).toEqual({ event: 'end', outcome: 'complete' });
    expect(site.log.filter((l) => l.startsWith('act'))).toEqual(['act a', 'act b']);
  });
});

/** The step's act as a transaction on one database. */
function transaction(database: string) {
  return (key: string): Partial<Step> => ({
    act: {
      door: 'sql',
      database,
      writes: [{ verb: 'delete', table: 'tags', where: [{ column: 'tag', is: '=', value: key }], rows: 1 }],
    },
  });
}

describe('side by side', () => {
  function overlapping(changes: (key: string) => Partial<Step>) {
    let now = 0;
    let most = 0;
    const busy = async () => {
      most = Math.max(most, ++now);
      await sleep(5);
      now--;
    };
    const site = fakeSite({ there: ['a', 'b', 'c'], act: { a: busy, b: busy, c: busy } });
    const steps = ['a', 'b', 'c'].map((key) => step(key, changes(key)));
    return apply(site, plan({ steps })).then(() => most);
  }
  test('transactions on one database follow each other', async () => {
    expect(await overlapping(transaction('api'))).toBe(1);
  });
  test('transactions on three go side by side', async () => {
    expect(await overlapping((key) => transaction(`cell:${key}`)(key))).toBe(3);
  });
  test('requests to one API follow each other', async () => {
    expect(
      await overlapping((key) => ({
        act: {
          door: 'http',
          service: 'network',
          method: 'DELETE',
          path: `/v2.0/ports/${key}`,
          status: [204],
        },
      })),
    ).toBe(1);
  });
  test('requests to two go side by side', async () => {
    const request = (service: 'network' | 'volume', key: string): Partial<Step> => ({
      act: { door: 'http', service, method: 'DELETE', path: `/x/${key}`, status: [204] },
    });
    expect(await overlapping((key) => request(key === 'a' ? 'network' : 'volume', key))).toBe(2);
  });
  test('other acts that do not need each other go side by side, on one system too', async () => {
    expect(await overlapping(() => ({}))).toBe(3);
  });
});

test('a right that is missing for the last step is found out before the first', async () => {
  const denied = new UsageError('UPDATE command denied', { code: 'database-rights' });
  const site = fakeSite({ there: ['a', 'b'], rehearse: { b: denied } });
  const journal = memoryJournal(site.log);
  const steps = [step('a'), step('b', { needs: ['a'] })];
  await expect(apply(site, plan({ steps }), { journal })).rejects.toBe(denied);
  expect(site.log).toEqual([]);
  expect(journal.entries).toEqual([]);
});

describe('without a journal nothing is done', () => {
  const FULL = new ActError('the journal cannot be written: ENOSPC', { code: 'journal-unwritable' });
  const steps = [step('a', saved('a')), step('b', { needs: ['a'] })];

  test.each([
    ['the beginning', 'begin'],
    ['a before-image', 'image'],
    ['an intent', 'intent'],
  ])('when %s cannot be written', async (_, event) => {
    const site = fakeSite({ there: ['a', 'b'] });
    const journal = memoryJournal(site.log, (entry) =>
      (typeof entry === 'string' ? entry : entry.event) === event ? FULL : null,
    );
    await expect(apply(site, plan({ steps }), { journal })).rejects.toBe(FULL);
    expect(site.log.filter((l) => l.startsWith('act'))).toEqual([]);
    expect([...site.there]).toEqual(['a', 'b']);
  });

  test('when a result cannot be written nothing further is', async () => {
    const site = fakeSite({ there: ['a', 'b'] });
    const journal = memoryJournal(site.log, (entry) =>
      typeof entry !== 'string' && entry.event === 'result' ? FULL : null,
    );
    await expect(apply(site, plan({ steps }), { journal })).rejects.toBe(FULL);
    expect(site.log.filter((l) => l.startsWith('act'))).toEqual(['act a']);
  });

  test('what is under way elsewhere is waited for, and nothing new begins there', async () => {
    const site: FakeSite = fakeSite({
      there: ['a', 'slow', 'after'],
      act: {
        a: () => sleep(10),
        slow: async () => {
          await sleep(40);
          site.there.delete('slow');
        },
      },
    });
    const journal = memoryJournal(site.log, (entry) =>
      typeof entry !== 'string' && entry.event === 'result' && entry.step === 'a' ? FULL : null,
    );
    const lanes = [
      step('a'),
      step('slow', lane('slow')),
      step('after', { needs: ['slow'], ...lane('after') }),
    ];
    await expect(apply(site, plan({ steps: lanes }), { journal })).rejects.toBe(FULL);
    expect([...site.there]).toEqual(['a', 'after']);
    expect(site.log).toContain('result slow done');
  });
});

describe('asked to stop', () => {
  test('before it begins: nothing is looked at or done', async () => {
    const site = fakeSite({ there: ['a'] });
    const { outcomes, details, journal } = await apply(site, plan({ steps: [step('a')] }), {
      stopAsked: () => true,
    });
    expect(outcomes).toEqual({ a: 'not-run' });
    expect(details).toEqual({ a: 'the run ended before it' });
    expect(site.log).toEqual([]);
    expect(journal.entries.at(-1)).toEqual({ event: 'end', outcome: 'interrupted' });
  });

  test('in the middle: the act under way ends, the next in its row does not begin', async () => {
    let stop = false;
    const site: FakeSite = fakeSite({
      there: ['a', 'b', 'c'],
      act: {
        a: () => {
          stop = true;
          site.there.delete('a');
        },
      },
    });
    const { outcomes, details } = await apply(
      site,
      plan({ steps: [step('a'), step('b'), step('c', { needs: ['a'] })] }),
      { stopAsked: () => stop },
    );
    expect(outcomes).toEqual({ a: 'done', b: 'not-run', c: 'not-run' });
    expect(details['b']).toBe('interrupted before it began');
    expect(site.log.filter((l) => l.startsWith('act'))).toEqual(['act a']);
  });

  test('after the last step: complete all the same', async () => {
    let stop = false;
    const site: FakeSite = fakeSite({
      there: ['a'],
      act: {
        a: () => {
          stop = true;
          site.there.delete('a');
        },
      },
    });
    const { journal } = await apply(site, plan({ steps: [step('a')] }), { stopAsked: () => stop });
    expect(journal.entries.at(-1)).toEqual({ event: 'end', outcome: 'complete' });
  });
});

describe('something waits for a host that is off', () => {
  const deferred = [
    { kind: 'files', place: 'host compute1', why: 'off' },
    { kind: 'domain', place: 'host compute1', why: 'off' },
    { kind: 'files', place: 'host compute2', why: 'off' },
  ];
  test('the run stays open, and says for which', async () => {
    const { journal } = await apply(fakeSite({ there: ['a'] }), plan({ steps: [step('a')], deferred }));
    expect(journal.entries.at(-1)).toEqual({
      event: 'end',
      outcome: 'open',
      waits: ['host compute1', 'host compute2'],
    });
  });
  test('unless a step of it was not done', async () => {
    const site = fakeSite({ there: ['a'], act: { a: () => {} } });
    const { journal } = await apply(site, plan({ steps: [step('a')], deferred }));
    expect(journal.entries.at(-1)).toEqual({ event: 'end', outcome: 'incomplete' });
  });
});

test.each(['a lull', 'what became of an act'])(
  'a fault of the program while it looks at %s too',
  async (when) => {
    let looks = 0;
    const fault = () => {
      if (when === 'a lull' || ++looks > 1) throw new TypeError('undefined is not a function');
    };
    const lull: Partial<Step> = { lull: { why: 'x', while: gone('a'), seconds: 1 } };
    const site = fakeSite({ there: ['a'], check: { a: fault } });
    const steps = [step('a', when === 'a lull' ? lull : {})];
    await expect(apply(site, plan({ steps }))).rejects.toThrow(TypeError);
  },
);

test('a fault of the program is thrown on, not taken for an outcome', async () => {
  const site = fakeSite({
    there: ['a'],
    act: {
      a: () => {
        throw new TypeError('undefined is not a function');
      },
    },
  });
  await expect(apply(site, plan({ steps: [step('a')] }))).rejects.toThrow(TypeError);
});
