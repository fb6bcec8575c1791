import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import { fillBusTemplate, parseBusUrl } from '../../src/site/queue/url.ts';

const SECRET = 's3cret-do-not-print';

function failure(work: () => unknown): LookError {
  try {
    work();
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    expect(`${error.message} ${error.hint}`).not.toContain(SECRET);
    return error;
  }
  throw new Error('it was taken');
}

describe('a URL in the form of oslo.messaging', () => {
  test('one broker', () => {
    expect(parseBusUrl('bus', 'rabbit://nova:p%40ss%3A%2F@10.0.0.1:5673/nova')).toEqual({
      brokers: [{ host: '10.0.0.1', port: 5673, user: 'nova', password: 'p@ss:/' }],
      vhost: 'nova',
      tls: undefined,
    });
  });
  test('several brokers, in their order', () => {
    const { brokers } = parseBusUrl('bus', 'rabbit://a:b@h1:5672,a:b@[fd00::1]:5673,c:d@h3/');
    expect(brokers.map(({ host, port, user }) => `${user}@${host} ${port}`)).toEqual([
      'a@h1 5672',
      'a@fd00::1 5673',
      'c@h3 5672',
    ]);
  });
  test.each([
    ['rabbit://u:p@h', '/'],
    ['rabbit://u:p@h/', '/'],
    ['rabbit://u:p@h//', '/'],
    ['rabbit://u:p@h/%2Fnova', '/nova'],
  ])('%s means vhost %s', (url, vhost) => {
    expect(parseBusUrl('bus', url).vhost).toBe(vhost);
  });
  test('nobody and nowhere is guest on this machine', () => {
    expect(parseBusUrl('bus', 'rabbit:///').brokers).toEqual([
      { host: 'localhost', port: 5672, user: 'guest', password: 'guest' },
    ]);
  });
  test('a percent sign that begins no escape stands for itself', () => {
    expect(parseBusUrl('bus', 'rabbit://u:100%@h/').brokers[0].password).toBe('100%');
  });
  test('TLS as its query says, and else as nova.conf does', () => {
    const conf = { on: true, ca: '/etc/ca.pem', cert: undefined, key: undefined };
    expect(parseBusUrl('bus', 'rabbit://h/?ssl=1&ssl_ca_file=/own.pem').tls).toEqual({ ca: '/own.pem' });
    expect(parseBusUrl('bus', 'rabbit://h/', conf).tls).toEqual({ ca: '/etc/ca.pem' });
    expect(parseBusUrl('bus', 'rabbit://h/?ssl=0', conf).tls).toBeUndefined();
    expect(parseBusUrl('bus', 'rabbit://h/?ssl=&ssl_ca_file=', conf).tls).toEqual({ ca: '/etc/ca.pem' });
    expect(parseBusUrl('bus', 'rabbit://h/?ssl=1&ssl_ca_file=').tls).toEqual({});
  });
  test.each([
    ['none:///', 'message-bus-kind'],
    [`amqp://nova:${SECRET}@h/`, 'message-bus-kind'],
    [SECRET, 'message-bus-url'],
    [`rabbit://nova:${SECRET}@h:port/`, 'message-bus-url'],
    [`rabbit://nova:${SECRET}@h:99999/`, 'message-bus-url'],
    [`rabbit://nova:${SECRET}%ff@h/`, 'message-bus-url'],
  ])('%s is told apart, and not shown', (url, code) => {
    expect(failure(() => parseBusUrl('bus', url)).code).toBe(code);
  });
});

describe('a template of cell_mappings', () => {
  const fill = (template: string, url?: string) => fillBusTemplate('bus', template, url);
  test('is filled from nova.conf, without unquoting anything', () => {
    expect(
      fill(
        '{scheme}://{username}:{password}@{hostname}:{port}/{path}?{query}',
        'rabbit://nova:p%40s@h:5672/v?ssl=1',
      ),
    ).toBe('rabbit://nova:p%40s@h:5672/v?ssl=1');
  });
  test('several hosts have numbers', () => {
    expect(fill('rabbit://{username1}:{password1}@{hostname2}:{port2}/', 'rabbit://a:b@h1:1,c:d@h2:2/')).toBe(
      'rabbit://a:b@h2:2/',
    );
  });
  test('an IPv6 address gets its brackets once', () => {
    const own = 'rabbit://a:b@[fd00::1]:5672/';
    for (const template of ['rabbit://a:b@[{hostname}]:{port}/', 'rabbit://a:b@{hostname}:{port}/'])
      expect(fill(template, own)).toBe(own);
    expect(fill('rabbit://a:b@[{hostname2}]:{port2}/', `${own.slice(0, -1)},a:b@[fd00::2]:5673/`)).toBe(
      'rabbit://a:b@[fd00::2]:5673/',
    );
  });
  test('a URL without braces needs no nova.conf', () => {
    expect(fill('rabbit://a:b@h/')).toBe('rabbit://a:b@h/');
  });
  test('braces in a password are no template, and in no message', () => {
    const url = `rabbit://nova:a{${SECRET.replaceAll('-', '_')}}b@h/`;
    expect(fill(url)).toBe(url);
    expect(fill(`{scheme}${url.slice('rabbit'.length)}`, 'rabbit://a:b@h/')).toBe(url);
  });
  test('without a nova.conf, or with one that lacks it, nobody can look', () => {
    expect(failure(() => fill('rabbit://{username}@h/')).code).toBe('message-bus-template');
    expect(
      failure(() => fill('rabbit://{username3}@h/', `rabbit://a:${SECRET}@h1,a:b@h2/`)).message,
    ).toContain('{username3}');
  });
});
