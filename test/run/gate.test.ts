import { describe, expect, test } from 'vitest';
import { ActError } from '../../src/plan/errors.ts';
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
