/** The line that a terminal writes over: a screen that stands still for half a minute looks like one that hangs. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openIo } from '../../src/cli/io.ts';
import { widthOf } from '../../src/cli/render/lines.ts';
import { openLiveLine, whileLooking } from '../../src/cli/render/live-line.ts';
import { type FakeProcessOptions, fakeProcess } from '../support/fake-process.ts';

const CLEAR = '\r\x1b[2K';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

const open = (options: FakeProcessOptions = { terminal: true }) => {
  const process = fakeProcess(options);
  const io = openIo(process);
  return { io, line: openLiveLine(io), shown: () => process.out().split(CLEAR).slice(1) };
};

describe('what is under way', () => {
  test('is shown at once, and then for how long', () => {
    const { line, shown } = open();
    line.show('3 of 10 done; now 4. host compute1: stop it');
    vi.advanceTimersByTime(2500);
    line.clear();
    vi.advanceTimersByTime(5000);
    expect(shown()).toEqual([
      '3 of 10 done; now 4. host compute1: stop it',
      '3 of 10 done; now 4. host compute1: stop it, 1 s',
      '3 of 10 done; now 4. host compute1: stop it, 2 s',
      '',
    ]);
  });
  test('begins to count anew with the next', () => {
    const { line, shown } = open();
    line.show('one');
    vi.advanceTimersByTime(1500);
    line.show('two');
    vi.advanceTimersByTime(1500);
    expect(shown()).toEqual(['one', 'one, 1 s', 'two', 'two, 1 s']);
  });
  test('is one line, with the time in it, however long the sentence', () => {
    const { line, shown } = open();
    line.show(`remove ${'密码 '.repeat(40)}`, ' (and 12 more)');
    vi.advanceTimersByTime(1000);
    const [first = '', second = ''] = shown();
    expect(first).toMatch(/ \.\.\. \(and 12 more\)$/);
    expect(second).toMatch(/ \.\.\. \(and 12 more\), 1 s$/);
    for (const text of [first, second]) expect(widthOf(text)).toBeLessThan(80);
  });
  test.each<[string, FakeProcessOptions]>([
    ['a pipe', {}],
    ['a dumb terminal', { terminal: true, env: { TERM: 'dumb' } }],
    ['a terminal that does not say how wide it is', { terminal: true, columns: 0 }],
  ])('is not shown on %s', (_, options) => {
    const { line, io, shown } = open(options);
    line.show('one');
    line.showLater('two');
    vi.advanceTimersByTime(5000);
    line.clear();
    expect(shown()).toEqual([]);
    expect(io.live).toBe(false);
  });
});

describe('while expunge looks', () => {
  test('nothing for a second, then for how long, and nothing of it stays', async () => {
    const { io, shown } = open();
    const { promise, resolve } = Promise.withResolvers<string>();
    const looking = whileLooking(io, true, () => promise);
    vi.advanceTimersByTime(900);
    expect(shown()).toEqual([]);
    vi.advanceTimersByTime(1200);
    resolve('facts');
    expect(await looking).toBe('facts');
    expect(shown()).toEqual(['looking everywhere, 1 s', 'looking everywhere, 2 s', '']);
  });
  test('what fails takes the line away too', async () => {
    const { io, shown } = open();
    const { promise, reject } = Promise.withResolvers<string>();
    const looking = whileLooking(io, true, () => promise);
    vi.advanceTimersByTime(1000);
    reject(new Error('no route'));
    await expect(looking).rejects.toThrow('no route');
    expect(shown().at(-1)).toBe('');
  });
  test('not above output for programs', async () => {
    const { io, shown } = open();
    await whileLooking(io, false, async () => vi.advanceTimersByTime(5000));
    expect(shown()).toEqual([]);
  });
});
