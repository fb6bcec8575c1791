import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/plan/errors.ts';
import { fillTemplate, parseDatabaseUrl } from '../../src/site/sql/url.ts';

const parse = (url: string) => parseDatabaseUrl('databases.nova_api', url);

describe("a database URL in SQLAlchemy's form", () => {
  test('all its parts', () => {
    expect(parse('mysql+pymysql://nova:secret@db.example:3307/nova_api?charset=utf8')).toEqual({
      host: 'db.example',
      port: 3307,
      user: 'nova',
      password: 'secret',
      database: 'nova_api',
      socketPath: undefined,
      tls: undefined,
    });
  });
  test.each([
    ['mysql://u:p@h/n', { host: 'h', port: 3306 }],
    ['mariadb+mariadbconnector://u:p@h/n', { host: 'h' }],
    ['mysql://u:p@[fd00::1]:3306/n', { host: 'fd00::1', port: 3306 }],
    ['mysql://u@h/n', { user: 'u', password: '' }],
    ['mysql:///n?unix_socket=/run/mysqld.sock', { host: 'localhost', socketPath: '/run/mysqld.sock' }],
    ['mysql://u:p%40ss%2F%25%3A@h/n', { password: 'p@ss/%:' }],
    ['mysql://u%40corp:p@h/n%2Dx', { user: 'u@corp', database: 'n-x' }],
    ['mysql://u:%E5%AF%86@h/n', { password: '密' }],
    // Python's unquote leaves what is no escape as it is; %FF is one, but no text.
    ['mysql://u:100%x%zz%25@h/n', { password: '100%x%zz%' }],
    ['mysql://u:a%FFb@h/n', { password: 'a%FFb' }],
    ['mysql://u:a+b@h/n', { password: 'a+b' }],
    // SQLAlchemy ends a password at its @ alone.
    ['mysql://u:a/b#c?d@h:33/n?charset=utf8', { password: 'a/b#c?d', host: 'h', port: 33, database: 'n' }],
    ['mysql://u:12/34@h/n', { password: '12/34', host: 'h', port: 3306, database: 'n' }],
    ['mysql://u:a[b]:c@[fd00::1]/n', { password: 'a[b]:c', host: 'fd00::1' }],
    ['mysql://u:a@b@h/n', { password: 'a@b', host: 'h' }],
    [
      'mysql://u:p@h/n?ssl_ca=/a@b/c',
      { password: 'p', database: 'n', tls: { ca: '/a@b/c', verifyHost: true } },
    ],
    ['mysql://u:p@h:/n', { host: 'h', port: 3306 }],
    ['mysql://u:p@db_1/n', { host: 'db_1' }],
    [' mysql://u:p@h/n\n', { host: 'h', database: 'n' }],
    [
      'mysql://u:p@h/n?ssl_ca=/ca&ssl_cert=/c&ssl_key=/k',
      { tls: { ca: '/ca', cert: '/c', key: '/k', verifyHost: true } },
    ],
    ['mysql://u:p@h/n?ssl_verify_cert=true', { tls: { verifyHost: false } }],
    ['mysql://u:p@h/n?ssl_ca=&ssl_key=', { tls: undefined }],
    ['mysql://u:p@h/n?ssl_ca=/ca&ssl_key=', { tls: { ca: '/ca', verifyHost: true } }],
    ['mysql://u:p@h/n?unix_socket=', { host: 'h', socketPath: undefined }],
    ['mysql://u:p@h/n?ssl_ca=/ca&ssl_check_hostname=False', { tls: { ca: '/ca', verifyHost: false } }],
  ])('%s', (url, parts) => {
    expect(parse(url)).toMatchObject(parts);
  });

  test.each([
    ['sqlite:///nova.db', 'sqlite databases are not supported'],
    ['postgresql+psycopg2://u:S3CRET@h/n', 'postgresql+psycopg2 databases are not supported'],
    ['mysql://u:S3CRET@h', 'names no database'],
    ['mysql://u:S3CRET@h/', 'names no database'],
    ['u:S3CRET@h/n', 'u databases are not supported'],
    ['mysql://u:S3CRET@h:port/n', 'is not a database URL'],
    ['mysql://u:S3CRET@h:99999/n', 'is not a database URL'],
    ['mysql://u:S3CRET@h1:3306,h2:3306/n', 'is not a database URL'],
    ['mysql:u:S3CRET@h/n', 'is not a database URL'],
    ['', 'is not a database URL'],
  ])('%j is refused, without a word of it', (url, says) => {
    const error = (() => {
      try {
        return parse(url);
      } catch (e) {
        return e as UsageError;
      }
    })() as UsageError;
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/^databases\.nova_api: /);
    expect(error.message).toContain(says);
    expect(`${error.message}${error.hint}${error.stack}`).not.toContain('S3CRET');
  });
});

test.each([
  ['mysql://u:p@h/n?read_default_file=/etc/my.cnf', { ca: '/own', verifyHost: true }],
  [
    'mysql://u:p@h/n?ssl_ca=/ca&ssl_cert=/c&ssl_key=/k',
    { ca: '/own', cert: '/c', key: '/k', verifyHost: true },
  ],
  ['mysql://u:p@h/n?ssl_check_hostname=false', { ca: '/own', verifyHost: false }],
])('an authority from elsewhere is as its ssl_ca: %s', (url, tls) => {
  expect(parseDatabaseUrl('c', url, '/own').tls).toEqual(tls);
});

describe("a cell's template, filled from this host's own connection", () => {
  const OWN = 'mysql+pymysql://nova:p%40ss@db:3307/nova_cell0?charset=utf8#x';

  test.each([
    ['a URL without braces stays', 'mysql://a:b@c/d', 'mysql://a:b@c/d'],
    [
      'every part',
      '{scheme}://{username}:{password}@{hostname}:{port}/{path}?{query}#{fragment}',
      'mysql+pymysql://nova:p%40ss@db:3307/nova_cell0?charset=utf8#x',
    ],
    [
      'another database on the same server',
      '{scheme}://{username}:{password}@{hostname}:{port}/nova_cell1?{query}',
      'mysql+pymysql://nova:p%40ss@db:3307/nova_cell1?charset=utf8',
    ],
    ['the path has no slash of its own', 'mysql://h/{path}', 'mysql://h/nova_cell0'],
    ['a word in braces that is none of them stays', 'mysql://h/{what}', 'mysql://h/{what}'],
  ])('%s', (_, template, url) => {
    expect(fillTemplate('database of cell1', template, OWN)).toBe(url);
  });

  test('braces in a password are no template', () => {
    expect(fillTemplate('c', 'mysql://u:a{b}c@h/n', undefined)).toBe('mysql://u:a{b}c@h/n');
  });

  test('a connection without a port', () => {
    const url = fillTemplate(
      'c',
      '{scheme}://{username}:{password}@{hostname}:{port}/{path}',
      'mysql://u:p@db/n',
    );
    expect(parse(url)).toMatchObject({ host: 'db', port: 3306, database: 'n', password: 'p' });
  });

  test.each(['mysql://u:p@[{hostname}]:{port}/n', 'mysql://u:p@{hostname}:{port}/n'])(
    'an IPv6 address gets its brackets once: %s',
    (template) => {
      expect(parse(fillTemplate('c', template, 'mysql://u:p@[fd00::1]:3307/n'))).toMatchObject({
        host: 'fd00::1',
        port: 3307,
      });
      expect(parse(fillTemplate('c', template, 'mysql://u:p@db:3307/n'))).toMatchObject({
        host: 'db',
        port: 3307,
      });
    },
  );

  test('a connection without a query leaves a bare ?, which says nothing', () => {
    expect(parse(fillTemplate('c', 'mysql://{hostname}/{path}?{query}', 'mysql://u:p@db/n'))).toMatchObject({
      host: 'db',
      database: 'n',
      tls: undefined,
    });
  });

  test.each([
    ['there is no connection', undefined],
    ['the connection is no URL', 'S3CRET'],
  ])('refused when %s', (_, connection) => {
    const fill = () => fillTemplate('database of cell1', '{scheme}://h/n', connection);
    expect(fill).toThrow(UsageError);
    expect(fill).toThrow(/^database of cell1: /);
    expect(fill).not.toThrow(/S3CRET/);
  });
});
