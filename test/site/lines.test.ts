import { expect, test } from 'vitest';
import { lastLine, linesOf, whyFailed } from '../../src/site/command/lines.ts';

test('lines that hold nothing are none', () => {
  expect(linesOf('a\n\n  \n b \n')).toEqual(['a', ' b ']);
  expect(linesOf('')).toEqual([]);
});

test.each([
  ['warning: old\nerror: no such domain  \n\n', 'error: no such domain'],
  ['', ''],
  [`x\n${'y'.repeat(300)}`, 'y'.repeat(200)],
])('the last word of %j', (err, said) => {
  expect(lastLine(err)).toBe(said);
});

test('who fails without a word has at least ended somehow', () => {
  expect(whyFailed('lvs', { exit: 5, err: 'a\nNot found\n' })).toBe('Not found');
  expect(whyFailed('lvs', { exit: 5, err: ' \n' })).toBe('lvs ended with 5');
});
