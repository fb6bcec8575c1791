import { describe, expect, test } from 'vitest';
import { madeBy, refuseFormat } from '../../src/plan/format.ts';
import { parseJson } from '../../src/plan/parse-json.ts';

test.each([
  ['a plan', { format: 2, tool: '0.9.0' }, { format: 2, tool: '0.9.0' }],
  ['one that does not say who made it', { format: 2 }, { format: 2, tool: null }],
  ['one that says both in other forms', { format: '2', tool: 9 }, { format: null, tool: null }],
  ['an empty one', {}, { format: null, tool: null }],
  ['text', 'format', { format: null, tool: null }],
  ['nothing', null, { format: null, tool: null }],
])('what %s says of itself', (_, data, made) => {
  expect(madeBy(data)).toEqual(made);
});

describe('a plan of another version', () => {
  test('is refused by the version that made it', () => {
    expect(refuseFormat('/tmp/plan.json', { format: 2, tool: '0.9.0' })).toMatchObject({
      code: 'format-unknown',
      message: '/tmp/plan.json is in format 2, of expunge 0.9.0; this version reads format 1 only',
      hint: 'use expunge 0.9.0 for it',
    });
  });
  test('that does not say which', () => {
    expect(refuseFormat('/tmp/plan.json', { format: 2 })).toMatchObject({
      message:
        '/tmp/plan.json is in format 2, of another version of expunge; this version reads format 1 only',
      hint: 'use another version of expunge for it',
    });
  });
  test.each([
    ['this one', { format: 1, tool: '0.9.0' }],
    ['none', { tool: '0.9.0' }],
  ])('is not what is in %s', (_, data) => {
    expect(refuseFormat('/tmp/plan.json', data)).toBeNull();
  });
});

test('what is no JSON is undefined, and null is null', () => {
  expect(parseJson('{"a": [1]}')).toEqual({ a: [1] });
  expect(parseJson('null')).toBeNull();
  expect(parseJson('{"a"')).toBeUndefined();
});
