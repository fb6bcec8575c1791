import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import { askFenced, silentHosts, withoutHosts } from '../../src/run/fenced.ts';
import { BEHIND_A_PROXY } from '../../src/site/command/transport.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { plan } from '../support/plans.ts';

const ssh = (words: string) =>
  new LookError('host cmp-1', `ssh ended with 255: ${words}`, { code: 'host-unreachable' });

const ask = (answer: string | LookError) =>
  askFenced(fakeReader({ command: { 'cmp-1: true': answer } }), 'cmp-1');

/** Last lines of ssh, openssh 9.2 on Debian 12. */
describe('a host that is said to be off', () => {
  test.each([
    'ssh: connect to host cmp-1 port 22: No route to host',
    'ssh: connect to host cmp-1 port 22: Connection timed out',
    'ssh: Could not resolve hostname cmp-1: Name or service not known',
    'channel 0: open failed: connect failed: No route to host',
  ])('is silent: %s', async (words) => {
    expect(await ask(ssh(words))).toBeNull();
  });
  test('and that the site file does not know cannot be asked', async () => {
    expect(await ask(new LookError('host cmp-1', 'not there', { code: 'host-unknown' }))).toBeNull();
  });
  test.each([
    'ssh: connect to host cmp-1 port 22: Connection refused',
    'expunge@cmp-1: Permission denied (publickey).',
    'Host key verification failed.',
    'Connection to 10.0.0.7 port 22 timed out',
    'kex_exchange_identification: Connection closed by remote host',
    'Connection closed by 10.0.0.7 port 22',
    'Connection closed by UNKNOWN port 65535',
    'Timeout, server cmp-1 not responding.',
    'no message',
  ])('is not: %s', async (words) => {
    expect(await ask(ssh(words))).toBe(`ssh ended with 255: ${words}`);
  });
  test.each([
    [
      'no answer in time',
      new LookError('host cmp-1', 'ssh began, and no command ran in 40 s', { code: 'host-unreachable' }),
    ],
    [
      'what it printed sounds like silence',
      new LookError('host cmp-1', 'ssh: connect to host db port 22: No route to host', { code: 'exit-1' }),
    ],
    ['sudo says no', new LookError('host cmp-1', 'sudo: a password is required', { code: 'sudo-refused' })],
  ])('is not: %s', async (_, error) => {
    expect(await ask(error)).toBe(error.message);
  });
  describe('behind a proxy that always takes the connection', () => {
    const behind = (answer: string | LookError) => {
      const look = fakeReader({ command: { 'cmp-1: true': answer } });
      const path = { instancesPath: '/i', novasInstancesPath: '/i' };
      const host = { name: 'cmp-1', ...path, containers: null, images: null, proxied: true };
      return askFenced({ ...look, host: () => host }, 'cmp-1');
    };
    test.each([
      'Connection closed by 127.0.0.1 port 2223',
      'Connection reset by 127.0.0.1 port 2223',
      'Connection to 127.0.0.1 port 2223 timed out',
      'Connection closed by UNKNOWN port 65535',
      'ssh: connect to host 127.0.0.1 port 2223: Connection refused',
    ])('is silent when nothing of ssh comes through: %s', async (words) => {
      expect(await behind(ssh(words))).toBeNull();
    });
    test.each(['expunge@cmp-1: Permission denied (publickey).', 'Host key verification failed.'])(
      'is not when its ssh speaks: %s',
      async (words) => {
        expect(await behind(ssh(words))).toBe(`ssh ended with 255: ${words}`);
      },
    );
    test('is not when it does as it is told', async () => {
      expect(await behind('')).toBe('it runs commands');
    });
    test.each([
      [`Connection closed by 127.0.0.1 port 2223 (${BEHIND_A_PROXY})`, ['cmp-1']],
      [`expunge@cmp-1: Permission denied (publickey). (${BEHIND_A_PROXY})`, []],
      ['Connection closed by 127.0.0.1 port 2223', []],
    ])('may be off, as far as a plan knows: %s', (words, silent) => {
      const unknown = [{ kind: 'domain', place: 'host cmp-1', why: `ssh ended with 255: ${words}` }];
      expect(silentHosts(plan({ unknown, server: { ...plan().server, hosts: ['cmp-1'] } }))).toEqual(silent);
    });
  });
  test('is not when it does as it is told', async () => {
    expect(await ask('')).toBe('it runs commands');
  });
});

test('a fault in expunge is not taken for silence', async () => {
  const look = fakeReader({});
  const fault = new TypeError('a fault');
  const command = { run: () => Promise.reject(fault) };
  await expect(askFenced({ ...look, command }, 'cmp-1')).rejects.toBe(fault);
});

describe('doors without a host', () => {
  test('nobody is off: they are the same doors', () => {
    const all = fakeReader({});
    expect(withoutHosts(all, [])).toBe(all);
  });
  const look = withoutHosts(fakeReader({ command: { 'cmp-2: id -un': 'root' } }), ['cmp-1']);
  test('it is not asked, by whatever reader; others are', async () => {
    for (const reader of [look, look.fresh()]) {
      await expect(reader.command.run('cmp-1', ['id', '-un'])).rejects.toMatchObject({
        place: 'host cmp-1',
        code: 'host-fenced',
        message: 'powered off, by --fenced',
      });
      expect(await reader.command.run('cmp-2', ['id', '-un'])).toMatchObject({ out: 'root' });
    }
  });
});

test('hosts that may be off: those of the server from which nothing came', () => {
  const why = 'ssh ended with 255: ssh: connect to host x port 22: No route to host';
  const unknown = [
    { kind: 'files', place: 'host compute1', why },
    { kind: 'domain', place: 'host compute1', why },
    { kind: 'files', place: 'host compute2', why: 'libvirt does not answer' },
    { kind: 'ports', place: 'Neutron', why },
  ];
  const server = { ...plan().server, hosts: ['compute1', 'compute2', 'compute3'] };
  expect(silentHosts(plan({ server, unknown }))).toEqual(['compute1']);
});
