/** Site files that others can read are warned about, in one line, with what mends it. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findExposed } from '../../src/site/config/exposed.ts';
import { simulateCloud } from '../support/simulated-cloud.ts';
import { tempFolder } from '../support/temp.ts';

describe('a file of a site', () => {
  const isExposed = async (text: string, mode: number, mask: 0o077 | 0o007 = 0o077) => {
    const path = join(tempFolder(), 'expunge.yaml');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return (await findExposed([{ path, text, mask }])).length > 0;
  };
  const URL = 'databases: { nova_api: "mysql://nova:pw@db/nova_api" }';

  test.each([0o604, 0o640, 0o602, 0o666])('with a password, mode %o', async (mode) => {
    expect(await isExposed(URL, mode)).toBe(true);
  });
  test.each(['password: x', '"password": "x"', 'password = x', 'application_credential_secret: x', URL])(
    'that says %j',
    async (text) => {
      expect(await isExposed(text, 0o644)).toBe(true);
      expect(await isExposed(text, 0o600)).toBe(false);
    },
  );
  test('without one may be read by everybody', async () => {
    expect(await isExposed('cloud: lab\nmemcached: [a:1]\nnova_conf: /etc/nova/nova.conf', 0o644)).toBe(
      false,
    );
  });
  test('that a group is to read, like nova.conf', async () => {
    expect(await isExposed(URL, 0o640, 0o007)).toBe(false);
    expect(await isExposed(URL, 0o644, 0o007)).toBe(true);
  });
});

test('a line for each, with the fix, and the command does its work', async () => {
  const { world, expunge, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'alive' },
    servers: [{ name: 'web', state: 'already-clean', host: 'cmp-1' }],
  });
  const verify = () => expunge(['verify', servers[0]?.uuid ?? '']);
  const quiet = await verify();
  expect(quiet).toMatchObject({ exit: 0, err: '' });
  for (const name of ['expunge.yaml', 'clouds.yaml', 'nova.conf']) chmodSync(join(world.folder, name), 0o644);
  const warned = await verify();
  expect(warned).toMatchObject({ exit: 0, out: quiet.out });
  expect(warned.err.split('\n').toSorted()).toEqual([
    '',
    ...['clouds.yaml', 'expunge.yaml', 'nova.conf'].map((name) => {
      const path = join(world.folder, name);
      return `expunge: others on this machine can read ${path}, and it holds passwords: chmod go= ${path}`;
    }),
  ]);
});
