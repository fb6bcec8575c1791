/** Bad input and places that cannot be reached: one clear line, the right exit code, and nothing touched. */

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call } from '../../lab/api.ts';
import { diffSnapshots, type Snapshot, settle, takeSnapshot } from '../../lab/delta.ts';
import { createNeighbours } from '../../lab/neighbours.ts';
import { openLab } from '../../lab/paths.ts';
import { createServer, deleteServer, type LabServer } from '../../lab/servers.ts';
import { type Ended, expunge, siteFile } from './expunge.ts';

const lab = openLab();
const folder = mkdtempSync(join(tmpdir(), 'expunge-sites-'));
const stamp = Date.now().toString(36);
const NOBODY = '01234567-89ab-4cde-8f01-23456789abcd';
let neighbour: LabServer;
let twins: readonly LabServer[];
let misnamed: LabServer;
let before: Snapshot;

/** A site file that differs from the lab's in one thing. */
function siteWith(
  name: string,
  change: (text: string) => string,
  of: 'expunge' | 'expunge-ssh' | 'expunge-ro' = 'expunge',
): string {
  const text = readFileSync(siteFile(of), 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`${name}: the site file has nothing to change`);
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, changed, { mode: 0o600 });
  return path;
}

function expectOneLine({ err }: Ended): void {
  expect(err).toMatch(/^expunge: [^\n]+\n( {2}[^\n]+\n)?$/);
}

beforeAll(async () => {
  const [first] = await createNeighbours(lab);
  if (first === undefined) throw new Error('the lab has no neighbours');
  neighbour = first;
  const same = `vm-same-${stamp}`;
  twins = [await createServer(lab, { name: same }), await createServer(lab, { name: same })];
  misnamed = await createServer(lab, { name: neighbour.id });
  await settle(lab);
  before = await takeSnapshot(lab);
});

afterAll(async () => {
  for (const server of [...twins, misnamed]) await deleteServer(lab, server);
});

describe('what names no server, or more than one', () => {
  test('a uuid that nothing knows: says where was looked', async () => {
    const ended = await expunge(['purge', NOBODY, '--yes']);
    expect(ended).toMatchObject({ exit: 2 });
    expectOneLine(ended);
    expect(ended.err).toContain('compute1');
  });

  test('a name that two servers have: both are listed', async () => {
    const ended = await expunge(['purge', twins[0]?.name ?? '', '--yes']);
    expect(ended.exit).toBe(2);
    expectOneLine(ended);
    for (const twin of twins) expect(ended.err).toContain(twin.id);
  });

  test("a name that is another server's uuid: refused, until it is said which is meant", async () => {
    const ended = await expunge(['inspect', neighbour.id]);
    expect(ended.exit).toBe(2);
    expectOneLine(ended);
    expect(ended.err).toContain(misnamed.id);
    expect((await expunge(['inspect', `uuid:${neighbour.id}`])).out).toContain(neighbour.name);
  });

  test('half a uuid', async () => {
    const ended = await expunge(['purge', `${NOBODY.slice(0, -1)}`, '--yes']);
    expect(ended.exit).toBe(2);
    expectOneLine(ended);
  });

  test('a name in other letters is another name', async () => {
    const ended = await expunge(['inspect', neighbour.name.toUpperCase()]);
    expect(ended.exit).toBe(2);
  });
});

describe('a site file that does not fit', () => {
  test('an unknown key is named', async () => {
    const ended = await expunge(['inspect', 'vm'], { site: siteWith('key', (t) => `${t}\nmemcache: []\n`) });
    expect(ended.exit).toBe(2);
    expectOneLine(ended);
    expect(ended.err).toContain('memcache');
  });

  test('a wrong password of the cloud, which is not repeated', async () => {
    const clouds = join(folder, 'clouds.yaml');
    writeFileSync(
      clouds,
      readFileSync(join(lab.dir, 'clouds.yaml'), 'utf8').replaceAll(lab.secrets.admin, 'not-the-password'),
      { mode: 0o600 },
    );
    const site = siteWith('password', (t) => t.replace(/clouds_file: .*/, `clouds_file: ${clouds}`));
    const ended = await expunge(['inspect', `uuid:${neighbour.id}`], { site });
    expect(ended.exit).toBe(2);
    expectOneLine(ended);
    expect(ended.out + ended.err).not.toContain('not-the-password');
  });

  test('a wrong password of the database', async () => {
    const site = siteWith('db', (t) => t.replace(/mysql:\/\/expunge:[^@]*@/, 'mysql://expunge:wrong@'));
    const ended = await expunge(['inspect', `uuid:${neighbour.id}`], { site });
    expect(ended.exit).toBe(2);
    expectOneLine(ended);
    expect(ended.err).not.toContain('wrong');
  });
});

describe('a place that cannot be reached leaves knowledge incomplete: exit 4, nothing touched', () => {
  test.each([
    ['memcached', (t: string) => t.replace('127.0.0.1:11211', '127.0.0.1:1'), 'memcached 127.0.0.1:1'],
    ['host', (t: string) => t.replace('port: 2222', 'port: 1'), 'host compute1'],
    [
      'host that the site file does not name',
      (t: string) => t.replace('compute1:', 'compute9:'),
      'host compute1',
    ],
  ])('%s', async (name, change, place) => {
    const of = name === 'host' ? 'expunge-ssh' : 'expunge';
    const site = siteWith(name.replaceAll(' ', '-'), change, of);
    const shown = await expunge(['inspect', `uuid:${neighbour.id}`], { site });
    expect(shown.exit).toBe(4);
    expect(shown.out).toContain('Could not look');
    expect(shown.out).toContain(place);
    const purged = await expunge(['purge', `uuid:${neighbour.id}`, '--yes', '--even-healthy'], { site });
    expect(purged.exit).toBe(4);
  });
});

describe('a user who may only SELECT', () => {
  test('can inspect, plan and verify', async () => {
    const site = siteFile('expunge-ro');
    expect(await expunge(['inspect', `uuid:${neighbour.id}`], { site })).toMatchObject({ exit: 0, err: '' });
    expect(await expunge(['plan', `uuid:${neighbour.id}`, '--even-healthy'], { site })).toMatchObject({
      exit: 0,
    });
    expect(await expunge(['verify', `uuid:${neighbour.id}`], { site })).toMatchObject({ exit: 1 });
    expect((await expunge(['doctor'], { site })).out).toContain('plan works, apply does not');
  });

  test('is told before the first step that purge would lack a right', async () => {
    const ended = await expunge(['purge', `uuid:${neighbour.id}`, '--yes', '--even-healthy'], {
      site: siteFile('expunge-ro'),
    });
    expect(ended.exit).toBe(2);
    expect(ended.err).toContain('denied');
  });
});

test('a healthy server is refused with the flag that lifts it', async () => {
  const ended = await expunge(['purge', `uuid:${neighbour.id}`, '--yes']);
  expect(ended.exit).toBe(3);
  expect(ended.err).toContain('--even-healthy');
});

test('a plan file is refused when the world has moved, and when a byte of it was changed', async () => {
  const file = join(folder, 'plan.json');
  expect(await expunge(['plan', `uuid:${neighbour.id}`, '--even-healthy', '-o', file])).toMatchObject({
    exit: 0,
  });
  const tag = `/servers/${neighbour.id}/tags/moved`;
  await call(lab, 'compute', 'PUT', tag);
  const stale = await expunge(['apply', file, '--yes']);
  await call(lab, 'compute', 'DELETE', tag);
  expect(stale.exit).toBe(3);
  expect(stale.err).toContain('the world has moved since this plan was made');

  const text = readFileSync(file, 'utf8');
  writeFileSync(join(folder, 'changed.json'), text.replace(neighbour.id, twins[0]?.id ?? ''));
  const changed = await expunge(['apply', join(folder, 'changed.json'), '--yes']);
  expect(changed.exit).toBe(2);
  expectOneLine(changed);
});

test('over ssh with sudo the same is found as locally', async () => {
  const facts = async (site: string) => {
    const { out } = await expunge(['inspect', `uuid:${neighbour.id}`, '--format', 'json'], { site });
    const [server] = (JSON.parse(out) as { servers: { remains: unknown; kept: unknown; unknown: unknown }[] })
      .servers;
    return { remains: server?.remains, kept: server?.kept, unknown: server?.unknown };
  };
  expect(await facts(siteFile('expunge-ssh'))).toEqual(await facts(siteFile()));
});

test('after all of this nothing in the cloud has changed', async () => {
  expect(diffSnapshots(before, await takeSnapshot(lab))).toEqual([]);
});
