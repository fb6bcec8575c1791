import { describe, expect, test } from 'vitest';
import { ActError, RefusedError, UsageError } from '../../src/plan/errors.ts';
import { openGate } from '../../src/run/gate.ts';
import { fakeSite } from '../support/fake-site.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { plan, step } from '../support/plans.ts';

function open() {
  const site = fakeSite({ there: ['a', 'b'] });
  const own = step('a');
  return { site, own, gate: openGate(site, plan({ steps: [own] }), memoryJournal()) };
}

const CLOSED = expect.objectContaining({ code: 'gate-closed' });

test('before the first step the rights of all acts are asked for, and nothing is done', async () => {
  const steps = [step('a'), step('b')];
  const missing = new UsageError('a right is missing', { code: 'right-missing' });
  const open = (rehearse: Readonly<Record<string, Error>>) => {
    const site = fakeSite({ there: ['a', 'b'], rehearse });
    return { site, gate: openGate(site, plan({ steps }), memoryJournal()) };
  };
  for (const key of ['a', 'b']) {
    const { site, gate } = open({ [key]: missing });
    await expect(gate.rehearse()).rejects.toBe(missing);
    expect(site.log).toEqual([]);
  }
  await open({}).gate.rehearse();
});

test('what is about to be done is written down, after what was there before', async () => {
  const log: string[] = [];
  const own = step('a');
  const journal = memoryJournal(log);
  await openGate(fakeSite({ there: ['a'] }), plan({ steps: [own] }), journal).announce(
    [own],
    [{ step: 'a', of: 'row', image: 1 }],
  );
  expect(log).toEqual(['saved a', 'intent a']);
  expect(journal.entries).toEqual([{ event: 'intent', step: 'a' }]);
  expect(journal.images).toEqual([{ step: 'a', of: 'row', image: 1 }]);
});

test('a step does not pass when the server is no longer held', async () => {
  const site = fakeSite({ there: ['a'] });
  const own = step('a');
  const lost = new RefusedError('another took it', { code: 'lock-lost' });
  const lock = { assertHeld: () => Promise.reject(lost) };
  const gate = openGate(site, plan({ steps: [own] }), memoryJournal(), lock);
  await gate.announce([own], []);
  await expect(gate.perform(own)).rejects.toBe(lost);
  expect(site.log).toEqual([]);
});

describe('only what was announced passes, once', () => {
  test('an announced step of the plan', async () => {
    const { site, own, gate } = open();
    await gate.announce([own], []);
    await gate.perform(own);
    expect(site.log).toEqual(['act a']);
  });

  test('not one that was not announced', async () => {
    const { site, own, gate } = open();
    await expect(gate.perform(own)).rejects.toThrow(ActError);
    await expect(gate.perform(own)).rejects.toThrow('step a may not pass: it was not announced');
    expect(site.log).toEqual([]);
  });

  test('not a second time', async () => {
    const { site, own, gate } = open();
    await gate.announce([own], []);
    await gate.perform(own);
    await expect(gate.perform(own)).rejects.toEqual(CLOSED);
    expect(site.log).toEqual(['act a']);
  });

  test('not a step of another plan, announced or not', async () => {
    const { site, gate } = open();
    const foreign = step('b');
    await gate.announce([foreign], []);
    await expect(gate.perform(foreign)).rejects.toEqual(CLOSED);
    expect(site.log).toEqual([]);
  });

  test('not a step that only looks like one of the plan', async () => {
    const { site, gate } = open();
    const twin = step('a');
    await gate.announce([twin], []);
    await expect(gate.perform(twin)).rejects.toEqual(CLOSED);
    expect(site.log).toEqual([]);
  });

  test('not when the journal did not take the announcement', async () => {
    const site = fakeSite({ there: ['a'] });
    const own = step('a');
    const full = new ActError('full', { code: 'journal-unwritable' });
    const gate = openGate(
      site,
      plan({ steps: [own] }),
      memoryJournal([], () => full),
    );
    await expect(gate.announce([own], [])).rejects.toBe(full);
    await expect(gate.perform(own)).rejects.toEqual(CLOSED);
    expect(site.log).toEqual([]);
  });
});
