/** The demo: every server is what its story says, every refusal can be met, and the walk goes through. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { runCli } from '../../src/cli/program.ts';
import { widthOf } from '../../src/cli/render/lines.ts';
import { KINDS } from '../../src/kinds/registry.ts';
import type { Plan } from '../../src/plan/types.ts';
import { openJournal } from '../../src/run/journal.ts';
import { createDemo, listDemo } from '../../src/simulator/demo/create.ts';
import { DEMO_SERVERS } from '../../src/simulator/demo/servers.ts';
import { openWorld, setMeta } from '../../src/simulator/world.ts';
import { type FakeProcessOptions, fakeProcess } from '../support/fake-process.ts';
import { plan as onePlan } from '../support/plans.ts';
import { NOW } from '../support/simulated-cloud.ts';
import { tempFolder } from '../support/temp.ts';
import { copyOf } from '../support/world-template.ts';

async function run(state: string, argv: readonly string[], options: FakeProcessOptions = {}) {
  const process = fakeProcess({ ...options, env: { XDG_STATE_HOME: state, ...options.env } });
  const exit = await runCli(['node', 'expunge', ...argv], process);
  return { exit, out: process.out(), err: process.err() };
}

async function makeDemo(): Promise<{ state: string; uuids: readonly string[] }> {
  const state = tempFolder();
  const folder = join(state, 'expunge/demo');
  await copyOf('demo', folder, (template) => createDemo(template, { now: NOW }));
  const world = openWorld(folder);
  const uuids = (listDemo(world) ?? []).map(({ uuid }) => uuid);
  world.close();
  return { state, uuids };
}

/** Codes of the reference page's table, of kinds that plan refuses. */
function allRefusals(): string[] {
  const reference = readFileSync(join(import.meta.dirname, '../../docs/reference.md'), 'utf8');
  const kinds = KINDS.map(({ id }) => id).join('|');
  return [...reference.matchAll(new RegExp(`^\\| \`([a-z-]+)\` \\| (?:${kinds}) \\|`, 'gm'))].map(
    ([, code]) => code ?? '',
  );
}

/** What `plan` says of each: its exit code, by the server's name and state. */
const EXITS: Readonly<Record<string, number>> = {
  'web healthy': 3,
  'cache-3 deleting-forever': 4,
  'billing-db deleting-forever': 3,
  'orders deleting-forever': 3,
};

/** Refusals that only a decision brings about: of one server what is said of it besides. */
const SAID: Readonly<Record<string, readonly string[]>> = {
  'web healthy': ['--fenced', 'cmp-1'],
};

test('every server is as its story tells, and together they meet every refusal there is', async () => {
  const { state, uuids } = await makeDemo();
  const met = new Set<string>();
  for (const [index, server] of DEMO_SERVERS.entries()) {
    const { exit, out, err } = await run(state, [
      '--site',
      'demo',
      '--format',
      'json',
      'plan',
      `uuid:${uuids[index]}`,
      ...(server.options ?? SAID[`${server.name} ${server.state}`] ?? []),
    ]);
    const expected = server.group === 'refused' ? 3 : (EXITS[`${server.name} ${server.state}`] ?? 0);
    expect(exit, `${server.name}: ${err}`).toBe(expected);
    const [plan] = (JSON.parse(out) as { servers: Plan[] }).servers;
    if (server.group === 'usual' && expected === 0)
      expect(plan?.steps.length, server.name).toBeGreaterThan(server.state === 'already-clean' ? -1 : 0);
    for (const { code } of plan?.refusals ?? []) met.add(code);
  }
  // Two come only when it was decided that a volume is kept: with a nova-compute that hangs, and with a bus that nobody can ask.
  const billing = `uuid:${uuids[DEMO_SERVERS.findIndex(({ name }) => name === 'billing-db')]}`;
  for (const bus of ['up', 'down']) {
    const world = openWorld(join(state, 'expunge/demo'));
    setMeta(world, 'bus', bus);
    world.close();
    const decided = ['--site', 'demo', '--format', 'json', 'plan', billing, '--volumes', 'keep'];
    const { out } = await run(state, decided);
    for (const { code } of (JSON.parse(out) as { servers: Plan[] }).servers[0]?.refusals ?? []) met.add(code);
  }
  expect(allRefusals()).toHaveLength(42);
  // Only who asks for surgery is refused it: test/kinds/port-surgery.test.ts.
  const asked = ['port-surgery-blocked'];
  expect([...met, ...asked].sort()).toEqual(allRefusals().sort());
}, 120_000);

describe('what it lists', () => {
  test('fits 80 columns, with whole uuids, and the hostile name as text', async () => {
    const { state, uuids } = await makeDemo();
    const { exit, out } = await run(state, ['demo', '--list'], { terminal: true });
    expect(exit).toBe(0);
    for (const uuid of uuids) expect(out).toContain(uuid);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what the terminal takes for colour is not text
    const lines = out.replaceAll(/\u001b\[\d+m/g, '').split('\n');
    for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(80);
    expect(lines.join('\n')).not.toContain('\u001b');
    expect(out).not.toContain('\u202e');
  });

  test('is the same after a reset, byte for byte', async () => {
    const { state } = await makeDemo();
    const list = await run(state, ['demo', '--list']);
    expect(await run(state, ['demo', '--list', '--reset'])).toEqual(list);
  });
});

test('a demo that another version has made is made anew', async () => {
  const { state } = await makeDemo();
  const world = openWorld(join(state, 'expunge/demo'));
  setMeta(world, 'demo', JSON.stringify([{ name: 'former', uuid: 'x' }]));
  world.close();
  const { exit, out } = await run(state, ['demo', '--list']);
  expect(exit).toBe(0);
  expect(out).toContain('shop-db');
  expect(out).not.toContain('former');
});

test('one whose machines another version has described otherwise is not taken for damaged, nor used', async () => {
  const { state } = await makeDemo();
  const world = openWorld(join(state, 'expunge/demo'));
  world.machines.exec('DROP INDEX firewall_port; ALTER TABLE firewall DROP COLUMN port');
  world.close();
  expect(await run(state, ['--site', 'demo', 'inspect', 'shop-db'])).toMatchObject({
    exit: 2,
    err: `expunge: the embedded cloud in ${join(state, 'expunge/demo')} was made by another version of expunge\n  make it anew: expunge demo --reset\n`,
  });
  expect(await run(state, ['demo', '--list'])).toMatchObject({ exit: 0, err: '' });
  expect(await run(state, ['--site', 'demo', 'inspect', 'shop-db'])).toMatchObject({ exit: 0, err: '' });
});

describe('the walk', () => {
  test('goes through without a person, and says what to try next', async () => {
    const state = tempFolder();
    const { exit, out, err } = await run(state, ['demo', '--no-input']);
    expect(err).toBe('');
    expect(exit).toBe(0);
    const commands = ['inspect shop-db', 'plan shop-db', 'purge shop-db', 'verify '].map((c) =>
      out.indexOf(`$ expunge --site demo ${c}`),
    );
    expect(commands.every((at) => at > 0)).toBe(true);
    expect(commands).toEqual([...commands].sort((a, b) => a - b));
    expect(out).toContain('Verified: looked everywhere again, nothing is left.');
    const undo = /expunge (--site demo undo \S+)/.exec(out)?.[1] ?? '';
    const undone = await run(state, [...undo.split(' '), '--yes']);
    expect(undone, undone.err).toMatchObject({ exit: 0 });
    expect(undone.out).toContain('Brought back');
    // Now two runs begin with the year.
    expect(await run(state, ['--site', 'demo', 'undo', '20', '--yes'])).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/^expunge: 2 runs begin with 20: /),
    });
  });

  test('a person goes on with Enter and types the name', async () => {
    const state = tempFolder();
    const { exit, out } = await run(state, ['demo'], { terminal: true, typed: '\n\n\nshop-db\n\n' });
    expect(exit).toBe(0);
    expect(out).toContain('Enter goes on, q ends');
    expect(out).toContain('nothing is left.');
  });

  test('q ends it, and nothing was done', async () => {
    const state = tempFolder();
    const { exit, out } = await run(state, ['demo'], { terminal: true, typed: 'q\n' });
    expect(exit).toBe(0);
    expect(out).not.toContain('Verified');
    expect((await run(state, ['--site', 'demo', 'verify', 'shop-db'])).exit).toBe(1);
  });

  test('done once, it says so; --reset starts over', async () => {
    const state = tempFolder();
    await run(state, ['demo', '--no-input']);
    const again = await run(state, ['demo', '--no-input']);
    expect(again.out).toContain('shop-db is gone');
    const over = await run(state, ['demo', '--no-input', '--reset']);
    expect(over.out).toContain('Verified');
  });
});

test('made anew, no run on the one before stands in the way', async () => {
  const { state } = await makeDemo();
  const open = await run(state, ['--site', 'demo', 'purge', 'cache-3', '--fenced', 'cmp-4', '--yes']);
  expect(open.exit).toBe(4);
  for (const renew of [
    () => run(state, ['demo', '--list', '--reset']),
    async () => rmSync(join(state, 'expunge/demo'), { recursive: true }),
  ]) {
    await renew();
    const again = await run(state, ['--site', 'demo', 'purge', 'cache-3', '--fenced', 'cmp-4', '--yes']);
    expect(again, again.err).toMatchObject({ exit: 4, err: '' });
  }
  // A real cloud may be called demo too.
  const real = onePlan({ site: 'demo' });
  const journal = await openJournal(join(state, 'expunge/runs'), real, NOW);
  const begin = { event: 'begin' as const, digest: real.digest, host: 'ctl-9', user: 'u', pid: 1 };
  await journal.write([begin]);
  await journal.close();
  await run(state, ['demo', '--list', '--reset']);
  expect(existsSync(join(journal.folder, 'abandoned.json'))).toBe(false);
  const { out } = await run(state, ['--site', 'demo', 'runs']);
  expect(out.match(/given up by .*: the demo cloud was made anew\n/g)).toHaveLength(3);
});

test('a step that fails: what needs it is not run, the rest is done, and it is told as not clean', async () => {
  const { state } = await makeDemo();
  const { exit, out } = await run(state, ['--site', 'demo', 'purge', 'gallery', '--yes']);
  expect(exit).toBe(1);
  expect(out).toMatch(/3\. FAILED +Glance: delete image/);
  expect(out).toMatch(/2 done, 1 FAILED \(step 3\), 2 not run \(steps 4, 5\)/);
  expect(out).toContain('Not clean');
});

test('a server that never had a host is looked for on none, before and after: no lost host hinders its purge', async () => {
  const { state, uuids } = await makeDemo();
  for (const name of ['huge-1', 'never-built']) {
    const uuid = uuids[DEMO_SERVERS.findIndex((server) => server.name === name)] ?? '';
    expect(await run(state, ['--site', 'demo', 'purge', uuid, '--yes']), name).toMatchObject({ exit: 0 });
    expect(await run(state, ['--site', 'demo', 'verify', uuid]), name).toMatchObject({ exit: 0 });
  }
});

describe('a demo that is not whole', () => {
  const REAL = {
    OS_AUTH_URL: 'http://127.0.0.1:9/v3',
    OS_USERNAME: 'a',
    OS_PASSWORD: 'b',
    OS_PROJECT_NAME: 'c',
  };
  test.each<[string, (folder: string) => void]>([
    ['an empty site file', (folder) => writeFileSync(join(folder, 'expunge.yaml'), '')],
    [
      'a site file of a real cloud',
      (folder) => writeFileSync(join(folder, 'expunge.yaml'), 'memcached: []\n'),
    ],
    ['no database of a service', (folder) => rmSync(join(folder, 'nova.sqlite'))],
    ['no machines', (folder) => rmSync(join(folder, 'machines.sqlite'))],
  ])('%s: says so, and never logs in anywhere', async (_, damage) => {
    const { state } = await makeDemo();
    damage(join(state, 'expunge/demo'));
    const { exit, err } = await run(state, ['--site', 'demo', 'doctor'], { env: REAL });
    expect(exit).toBe(2);
    expect(err).toMatch(/^expunge: the (demo|embedded) cloud [^\n]+\n {2}[^\n]*expunge demo --reset\n$/);
    expect(err).not.toContain('127.0.0.1:9');
    expect((await run(state, ['demo', '--list', '--reset'])).exit).toBe(0);
    expect((await run(state, ['--site', 'demo', 'inspect', 'shop-db'])).exit).toBe(0);
  });

  test('doctor finds every database in order, those of Neutron and Cinder too', async () => {
    const { state } = await makeDemo();
    const { out } = await run(state, ['--site', 'demo', 'doctor']);
    for (const name of ['neutron', 'cinder'])
      expect(out).toMatch(new RegExp(`^ok +database ${name} +readable; may write$`, 'm'));
  });

  test('a state folder that cannot be one: one line, exit 2', async () => {
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    const { exit, err } = await run(file, ['--site', 'demo', 'inspect', 'shop-db']);
    expect(exit).toBe(2);
    expect(err).toMatch(/^expunge: the demo cloud cannot be made in [^\n]+\n {2}[^\n]+\n$/);
  });

  test('made by several at once it is one, and whole', async () => {
    const state = tempFolder();
    const all = await Promise.all([1, 2, 3].map(() => run(state, ['--site', 'demo', 'inspect', 'shop-db'])));
    expect(all.map(({ exit }) => exit)).toEqual([0, 0, 0]);
    expect(readdirSync(join(state, 'expunge'))).toEqual(['demo']);
  });
});

test('YAML says the same as JSON to a reader of YAML 1.1', async () => {
  const { state } = await makeDemo();
  const ask = async (format: string) =>
    (await run(state, ['--site', 'demo', '--format', format, 'plan', 'batch-41'])).out;
  const yaml = await ask('yaml');
  const without = ({ servers, ...rest }: { servers: { madeAt: string }[] }) => ({
    ...rest,
    servers: servers.map(({ madeAt: _, ...server }) => server),
  });
  expect(without(parseYaml(yaml, { version: '1.1' }))).toEqual(without(JSON.parse(await ask('json'))));
  expect(yaml).toMatch(/is: "="/);
});

test('--site demo makes the cloud when there is none; ./demo is a file', async () => {
  const state = tempFolder();
  expect((await run(state, ['inspect', 'shop-db', '--site', 'demo'])).exit).toBe(0);
  expect(existsSync(join(state, 'expunge/demo/expunge.yaml'))).toBe(true);
  expect((await run(state, ['inspect', 'shop-db', '--site', './demo'])).exit).toBe(2);
});

describe('a host of it that is off', () => {
  test('is on again, and resume finishes what waited for it', async () => {
    const { state } = await makeDemo();
    const purged = await run(state, ['--site', 'demo', 'purge', 'cache-3', '--fenced', 'cmp-4', '--yes']);
    expect(purged, purged.err).toMatchObject({ exit: 4, err: '' });
    const resume = /expunge (resume .*)/.exec(purged.out)?.[1]?.split(' ') ?? [];
    expect(await run(state, [...resume, '--yes'])).toMatchObject({ exit: 4, err: '' });
    expect(await run(state, ['demo', '--power-on', 'cmp-4'])).toEqual({
      exit: 0,
      out: 'cmp-4 is on. Next: expunge runs --site demo\n',
      err: '',
    });
    const resumed = await run(state, [...resume, '--yes']);
    expect(resumed, resumed.err).toMatchObject({ exit: 0, err: '' });
    expect(resumed.out).toContain('Verified');
  });
  test('that there is none of', async () => {
    const { state } = await makeDemo();
    expect(await run(state, ['demo', '--power-on', 'cmp-9'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('the world has no host cmp-9'),
    });
  });
});
