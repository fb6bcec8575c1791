import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SqlSet, SqlWhere, SqlWrite } from '../../src/plan/types.ts';
import { compileSelect } from '../../src/site/sql/compile.ts';
import { renderCount, renderRows, renderWrite } from '../../src/site/sql/render.ts';
import { anyText } from '../support/any-text.ts';

const HOSTILE = `x' OR 1=1; DROP TABLE instances; -- \\ \` " ?`;

function update(
  set: Record<string, SqlSet>,
  where: readonly SqlWhere[] = [{ column: 'id', is: '=', value: 42 }],
) {
  const { sql, parameters } = renderWrite({ verb: 'update', table: 't', set, where: [...where], rows: 1 });
  return { sql, parameters };
}

describe('what a column is set to', () => {
  test.each<[string, SqlSet, string, readonly unknown[]]>([
    ['a text', 'deleted', '?', ['deleted']],
    ['a number', 0, '?', [0]],
    ['nothing', null, '?', [null]],
    ['binary', { base64: 'AP8=' }, '?', [Buffer.from([0, 255])]],
    ["the database's clock", { now: true }, 'utc_timestamp()', []],
    ['another column', { column: 'id' }, '`id`', []],
    [
      'a sum',
      { sum: 'vcpus', of: 'instances', where: [{ column: 'project_id', is: '=', value: 'p' }] },
      '(select coalesce(sum(`vcpus`), 0) from `instances` where `project_id` = ?)',
      ['p'],
    ],
    [
      'a count of all',
      { count: true, of: 'instances', where: [] },
      '(select count(*) from `instances` where 1 = 1)',
      [],
    ],
  ])('%s', (_, value, sql, parameters) => {
    expect(update({ a: value })).toEqual({
      sql: `update \`t\` set \`a\` = ${sql} where \`id\` = ?`,
      parameters: [...parameters, 42],
    });
  });
});

describe('which rows', () => {
  test.each<[string, readonly SqlWhere[], string, readonly unknown[]]>([
    ['equal', [{ column: 'id', is: '=', value: 7 }], '`id` = ?', [7]],
    ['not equal', [{ column: 'deleted', is: '!=', value: 0 }], '`deleted` <> ?', [0]],
    ['null', [{ column: 'host', is: 'null' }], '`host` is null', []],
    ['not null', [{ column: 'host', is: 'not null' }], '`host` is not null', []],
    ['one of', [{ column: 'id', is: 'in', value: [1, 'b'] }], '`id` in (?, ?)', [1, 'b']],
    ['one of none: no row at all', [{ column: 'id', is: 'in', value: [] }], '1 = 0', []],
    [
      'all of several',
      [
        { column: 'id', is: '=', value: 7 },
        { column: 'uuid', is: '=', value: 'u' },
        { column: 'host', is: 'null' },
      ],
      '`id` = ? and `uuid` = ? and `host` is null',
      [7, 'u'],
    ],
  ])('%s', (_, where, sql, parameters) => {
    const write: SqlWrite = { verb: 'delete', table: 't', where: [...where], rows: 1 };
    expect(renderWrite(write)).toMatchObject({ sql: `delete from \`t\` where ${sql}`, parameters });
    expect(renderCount('t', where)).toMatchObject({
      sql: `select count(*) as \`n\` from \`t\` where ${sql}`,
      parameters,
    });
    expect(renderRows('t', where)).toMatchObject({ sql: `select * from \`t\` where ${sql}`, parameters });
  });
});

test('a row is inserted', () => {
  expect(
    renderWrite({
      verb: 'insert',
      table: 'instance_system_metadata',
      values: { created_at: { now: true }, key: 'clean_attempts', value: '1' },
    }),
  ).toMatchObject({
    sql: 'insert into `instance_system_metadata` (`created_at`, `key`, `value`) values (utc_timestamp(), ?, ?)',
    parameters: ['clean_attempts', '1'],
  });
});

describe('text from a cloud stays a parameter', () => {
  test('in a value and in a condition', () => {
    const { sql, parameters } = update({ a: HOSTILE }, [{ column: 'b', is: 'in', value: [HOSTILE] }]);
    expect(sql).toBe('update `t` set `a` = ? where `b` in (?)');
    expect(parameters).toEqual([HOSTILE, HOSTILE]);
  });

  test('a name of a column or table cannot leave its quotes', () => {
    expect(update({ 'a` = 1, `b': 1 }).sql).toBe('update `t` set `a`` = 1, ``b` = ? where `id` = ?');
    expect(renderCount('t` where 1 = 1 -- ', []).sql).toContain('from `t`` where 1 = 1 -- `');
  });

  test('whatever it is', () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const { sql, parameters } = update({ a: value }, [{ column: 'b', is: '=', value }]);
        expect(sql).toBe('update `t` set `a` = ? where `b` = ?');
        expect(parameters).toEqual([value, value]);
      }),
    );
  });
});

describe("a select's own name in memory", () => {
  const text = (name: string) =>
    compileSelect((sql) => sql.selectFrom('t').select('id').where('n', '=', name)).text;
  test('has its parameters in place', () => {
    expect(text('web?')).toBe('select id from t where n = "web?"');
  });
  test('two names that differ are two questions', () => {
    expect(text('a`b')).not.toBe(text('ab'));
    expect(text('a"b')).not.toBe(text('ab'));
  });
});
