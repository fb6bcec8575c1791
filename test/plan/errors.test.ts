import { expect, test } from 'vitest';
import {
  ActError,
  hasCode,
  isExpungeError,
  LookError,
  PlanError,
  RefusedError,
  UsageError,
} from '../../src/plan/errors.ts';

test.each([
  [new UsageError('No.', { code: 'bad', hint: 'try' }), 'UsageError', 2],
  [new RefusedError('No.', { code: 'bad', hint: 'try' }), 'RefusedError', 3],
  [new LookError('Cinder', 'No.', { code: 'bad', hint: 'try' }), 'LookError', 4],
  [new ActError('No.', { code: 'bad', hint: 'try' }), 'ActError', 1],
])('%o: its name, its code, its hint, and the exit code that it means', (error, name, exitCode) => {
  expect(error).toMatchObject({ name, code: 'bad', hint: 'try', message: 'No.', exitCode });
  expect(isExpungeError(error)).toBe(true);
});

test('a place that could not be looked at is named', () => {
  expect(new LookError('Cinder', 'No.', { code: 'bad' }).place).toBe('Cinder');
});

test('whether an act happened is known, unless it is said that it is not', () => {
  expect(new ActError('No.', { code: 'bad' }).unknown).toBe(false);
  expect(new ActError('No.', { code: 'bad', unknown: true }).unknown).toBe(true);
});

test('an impossible plan asks for a report', () => {
  expect(new PlanError('two steps')).toMatchObject({
    code: 'impossible-plan',
    hint: 'this is a fault in expunge: please report it',
    exitCode: 1,
  });
});

test.each([
  ['an error with this code', Object.assign(new Error('x'), { code: 'ENOENT' }), true],
  ['with another', Object.assign(new Error('x'), { code: 'EACCES' }), false],
  ['without one', new Error('x'), false],
  ['no error, with the code', { code: 'ENOENT' }, false],
  ['nothing', null, false],
])('%s', (_, error, has) => {
  expect(hasCode(error, 'ENOENT')).toBe(has);
  expect(isExpungeError(error)).toBe(false);
});
