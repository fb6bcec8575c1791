import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { runCli } from '../../src/cli/program.ts';
import type { Plan } from '../../src/plan/types.ts';
import { aroundSql } from '../support/around-wires.ts';
import { PASSWORD } from '../support/fake-openstack.ts';
import { type FakeProcessOptions, fakeProcess } from '../support/fake-process.ts';
import { tearFiles } from '../support/full-disk.ts';
import { plan, SERVER, step } from '../support/plans.ts';
import { simulateCloud } from '../support/simulated-cloud.ts';
import { PASSWORD_OF_DATABASE } from '../support/sites.ts';
import { type SmallCloud, type SmallCloudOptions, startSmallCloud } from '../support/small-cloud.ts';
import { tempFolder } from '../support/temp.ts';

const OTHER = '99999999-2222-4333-8444-555555555555';

async function run(argv: readonly string[], options: FakeProcessOptions = {}) {
  const process = fakeProcess(options);
  const exit = await runCli(['node', 'expunge', ...argv], process);
  expect(process.listening()).toBe(0);
  const said = process.out() + process.err();
  for (const secret of [PASSWORD, PASSWORD_OF_DATABASE, 'token-1']) expect(said).not.toContain(secret);
  return { exit, out: process.out(), err: process.err() };
}

/** On the small cloud, whose site file and variables it gets. */
async function on(cloud: SmallCloud, argv: readonly string[], options: FakeProcessOptions = {}) {
  return run([...argv, '--site', cloud.site], { ...options, env: { ...cloud.env, ...options.env } });
}

const start = (options?: SmallCloudOptions) => startSmallCloud(options);
const ONE_LINE = /^expunge: [^\n]+\n( {2}[^\n]+\n)?$/;

describe('help', () => {
  test('names every command and what every exit code means', async () => {
    const { exit, out } = await run(['--help']);
    expect(exit).toBe(0);
    for (const command of ['doctor', 'inspect', 'plan', 'apply', 'purge', 'verify'])
      expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
    for (const code of ['0', '1', '2', '3', '4', '130'])
      expect(out).toMatch(new RegExp(`^  ${code} +\\S`, 'm'));
  });
  test('of a command names its options', async () => {
    const { exit, out } = await run(['purge', '--help']);
    expect(exit).toBe(0);
    for (const option of ['--yes', '--ports', '--even-healthy', '--all-hosts', '--format', '--site'])
      expect(out).toContain(option);
  });
  test('the version', async () => {
    expect(await run(['--version'])).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('a command line that is not usable', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['an unknown command', ['explode'], /unknown command 'explode'/],
    ['an unknown option', ['inspect', '--force', 'x'], /unknown option '--force'/],
    ['an option that only another command has', ['inspect', '--yes', 'x'], /unknown option '--yes'/],
    ['no server', ['purge'], /missing required argument 'server'/],
    ['an unknown option of hostile text', ['inspect', '--\x1b[2J\nx'], /unknown option '--\\u\{1b\}\[2J/],
    ['an empty server', ['inspect', ''], /a server is a uuid or a name/],
    ['an empty server among others', ['inspect', 'web', '  '], /a server is a uuid or a name/],
    ['an unknown format', ['inspect', 'x', '--format', 'xml'], /xml/],
    ['an unknown word for ports', ['plan', 'x', '--ports', 'burn'], /burn/],
    ['a site file that is not named', ['inspect', 'x', '--site'], /argument missing/],
  ])('%s', async (_, argv, says) => {
    const { exit, out, err } = await run(argv);
    expect(exit).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(says);
    expect(err).toMatch(ONE_LINE);
    expect(err).toContain('--help');
  });
  test('points to the help of the command that was asked for', async () => {
    expect((await run(['verify', '--nonsense'])).err).toContain('expunge verify --help');
    expect((await run(['--nonsense'])).err).toContain('  expunge --help');
  });
  test.each([
    ['the option in two words', ['purge', '--format', 'json']],
    ['the option in one', ['purge', '--format=json']],
    ['after what is wrong', ['purge', '--nonsense', '--format', 'json']],
  ])('is a document for a program: %s', async (_, argv) => {
    const { exit, out, err } = await run(argv);
    expect(exit).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ command: 'purge', exitCode: 2, error: { code: 'usage' } });
    expect(err).toMatch(ONE_LINE);
  });
  test('no command at all', async () => {
    expect(await run([])).toMatchObject({ exit: 2, err: expect.stringContaining('Usage: expunge') });
  });
});

describe('a site that is not usable is one line and exit 2', () => {
  test.each<[string, string, RegExp]>([
    ['an unknown key', 'clowd: lab', /unknown key clowd/],
    ['not YAML', 'hosts: {', /is not YAML/],
    ['nothing about databases', '', /says nothing about the nova_api database/],
  ])('%s', async (_, siteFile, says) => {
    const cloud = await start({ siteFile });
    const { exit, out, err } = await on(cloud, ['inspect', SERVER]);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toMatch(ONE_LINE);
    expect(err).toMatch(says);
  });
  test('a site file that is not there', async () => {
    const { exit, err } = await run(['inspect', 'x', '--site', '/nowhere/expunge.yaml']);
    expect(exit).toBe(2);
    expect(err).toMatch(ONE_LINE);
  });
  test('a wrong password', async () => {
    const cloud = await start({ password: 'wrong' });
    for (const command of ['inspect', 'plan', 'verify']) {
      const { exit, err } = await on(cloud, [command, SERVER]);
      expect(exit).toBe(2);
      expect(err).toMatch(ONE_LINE);
      expect(err).toContain('Keystone refuses the login: the user, the password, or the project');
    }
    expect((await on(cloud, ['purge', '--yes', SERVER])).exit).toBe(2);
    expect(cloud.written).toEqual([]);
  });
  test('a database without rights', async () => {
    const cloud = await start({
      sql: (sql) =>
        sql.includes('instance_mappings') ? { error: 'SELECT command denied', code: 1142 } : undefined,
    });
    const { exit, err } = await on(cloud, ['inspect', SERVER]);
    expect(exit).toBe(2);
    expect(err).toMatch(ONE_LINE);
  });
});

describe('which server', () => {
  test('one that nothing knows: where was looked, exit 2', async () => {
    const nothing = { [`GET /placement/allocations/${OTHER}`]: { body: { allocations: {} } } };
    const cloud = await start({ routes: nothing });
    for (const command of [['inspect'], ['plan'], ['verify'], ['purge', '--yes']]) {
      const { exit, out, err } = await on(cloud, [...command, OTHER]);
      expect({ exit, out }).toEqual({ exit: 2, out: '' });
      expect(err).toMatch(ONE_LINE);
      expect(err).toContain(`no server ${OTHER}`);
      expect(err).toContain('looked at');
    }
    expect(cloud.written).toEqual([]);
  });
  test('one that nothing knows, and a place that cannot be asked: that is left open', async () => {
    const cloud = await start({ routes: { [`GET /placement/allocations/${OTHER}`]: { status: 500 } } });
    const { exit, out } = await on(cloud, ['verify', OTHER]);
    expect(exit).toBe(4);
    expect(out).toContain('Could not look');
  });
  test('a name that nobody bears', async () => {
    const { exit, err } = await on(await start(), ['inspect', 'nobody']);
    expect(exit).toBe(2);
    expect(err).toMatch(/no live server is called "nobody": looked at build requests and cell1/);
    expect(err).toMatch(ONE_LINE);
    expect(err).toContain('whole uuid');
  });
  test('hostile names are shown, not obeyed', async () => {
    const cloud = await start({ name: '\x1b]0;owned\x07\u202eweb\n' });
    for (const argv of [
      ['inspect', SERVER],
      ['plan', '--commands', SERVER],
      ['inspect', '\x1b[2J'],
    ]) {
      const { out, err } = await on(cloud, argv);
      const hostile = [...(out + err)].filter((c) => c !== '\n' && /[\p{Cc}\u202e]/u.test(c));
      expect(hostile).toEqual([]);
    }
  });
});

describe('looking', () => {
  test('inspect tells what is there and writes nothing', async () => {
    const cloud = await start();
    const { exit, out, err } = await on(cloud, ['inspect', 'web-1']);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toContain(`web-1  ${SERVER}`);
    expect(out).toContain('\nStill there: 1 thing in 1 place\n  database nova_api\n    build request\n');
    expect(cloud.written).toEqual([]);
    expect(existsSync(cloud.runs)).toBe(false);
  });
  test('plan tells the statement, word for word', async () => {
    const cloud = await start();
    const { exit, out } = await on(cloud, ['plan', '--commands', SERVER]);
    expect(exit).toBe(0);
    expect(out).toContain(`DELETE FROM \`build_requests\` WHERE \`instance_uuid\` = '${SERVER}'; -- 1 row\n`);
    expect(cloud.written).toEqual([]);
  });
  test('verify: something is left', async () => {
    const cloud = await start();
    expect((await on(cloud, ['verify', SERVER])).exit).toBe(1);
    expect(cloud.written).toEqual([]);
  });
  test('a place that cannot be looked at is exit 4, in every command, and is never called clean', async () => {
    const cloud = await start({ routes: { 'GET /image/v2/images': { status: 503, body: '<html>' } } });
    for (const command of [['inspect'], ['plan'], ['verify'], ['purge', '--yes']]) {
      const { exit, out, err } = await on(cloud, [...command, SERVER]);
      expect(exit).toBe(4);
      expect(out + err).toContain('Could not look\n  Glance: GET /v2/images answered 503');
      expect(out).not.toContain('Nothing is left');
    }
    expect(cloud.written).toEqual([]);
  });
  test('a refusal: plan says 3 and the flag, the flag lifts it', async () => {
    const young = (sql: string) =>
      sql.includes('utc_timestamp() as `now` from `build_requests`')
        ? [{ created_at: '2026-11-22 09:59:00', updated_at: null, now: '2026-11-22 10:00:00' }]
        : sql.includes('from `services`')
          ? [
              {
                host: 'controller',
                binary: 'nova-conductor',
                last_seen_up: '2026-11-22 09:59:59',
                forced_down: 0,
                now: '2026-11-22 10:00:00',
              },
            ]
          : undefined;
    const cloud = await start({ sql: young });
    const planned = await on(cloud, ['plan', SERVER]);
    expect(planned.exit).toBe(3);
    expect(planned.out).toContain('being-built: --even-working lifts this');
    const purged = await on(cloud, ['purge', '--yes', SERVER]);
    expect(purged.exit).toBe(3);
    expect(purged.err).toContain('refused; nothing was touched');
    expect(cloud.written).toEqual([]);
    const asData = await on(cloud, ['purge', '--yes', '--format', 'json', SERVER]);
    expect(asData.exit).toBe(3);
    expect(JSON.parse(asData.out)).toMatchObject({
      exitCode: 3,
      error: { code: 'refused' },
      servers: [{ server: { uuid: SERVER }, refusals: [{ code: 'being-built', flag: 'even-working' }] }],
    });
    const file = join(tempFolder(), 'plan.json');
    const saved = await on(cloud, ['plan', SERVER, '-o', file]);
    expect(saved.out).not.toContain('expunge apply');
    expect((await on(cloud, ['purge', '--yes', '--even-working', SERVER])).exit).toBe(0);
    expect(cloud.requested).toBe(false);
  });
});

describe('purge', () => {
  test('without a terminal and without --yes it does not begin', async () => {
    const cloud = await start();
    const { exit, out, err } = await on(cloud, ['purge', SERVER]);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toMatch(ONE_LINE);
    expect(err).toContain('--yes');
    expect(cloud.written).toEqual([]);
  });
  test('nor with a terminal when its output is data', async () => {
    const cloud = await start();
    expect((await on(cloud, ['purge', '--format', 'json', SERVER], { terminal: true })).exit).toBe(2);
    expect(cloud.written).toEqual([]);
  });

  test('--yes: done, verified, and the run is on disk', async () => {
    const cloud = await start();
    const { exit, out, err } = await on(cloud, ['purge', '--yes', SERVER]);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(cloud.written).toEqual([`delete from \`build_requests\` where \`instance_uuid\` = '${SERVER}'`]);
    expect(out).toContain('done');
    expect(out).toContain('Verified: looked everywhere again, nothing is left.');
    const [folder = ''] = readdirSync(cloud.runs);
    const before = readFileSync(join(cloud.runs, folder, 'before.jsonl'), 'utf8');
    expect(JSON.parse(before)).toMatchObject({
      step: 'build-request/7',
      image: [{ id: 7, instance_uuid: SERVER }],
    });
    const events = readFileSync(join(cloud.runs, folder, 'journal.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(events.map((line) => JSON.parse(line).event)).toEqual(['begin', 'intent', 'result', 'end']);
    expect(statSync(join(cloud.runs, folder)).mode & 0o777).toBe(0o700);
  });

  test('a person types the name', async () => {
    const cloud = await start();
    const { exit, out } = await on(cloud, ['purge', 'web-1'], { terminal: true, typed: 'web-1\n' });
    expect(exit).toBe(0);
    expect(out).toContain('Not all of this can be taken back.');
    expect(cloud.requested).toBe(false);
  });
  test('a person types something else: nothing was touched', async () => {
    const cloud = await start();
    const { exit, err } = await on(cloud, ['purge', 'web-1'], { terminal: true, typed: 'yes\n' });
    expect(exit).toBe(2);
    expect(err).toContain('not confirmed; nothing was touched');
    expect(cloud.written).toEqual([]);
    expect(existsSync(cloud.runs)).toBe(false);
  });

  test('a row that changed its number: rolled back, failed, exit 1, not called clean', async () => {
    const cloud = await start({
      sql: (sql) => (sql.startsWith('delete from') ? { affected: 2 } : undefined),
    });
    const { exit, out } = await on(cloud, ['purge', '--yes', SERVER]);
    expect(exit).toBe(1);
    expect(out).toContain('FAILED');
    expect(out).toContain('touched 2 rows where 1 were planned; rolled back');
    expect(out).toContain('Not clean');
  });

  test('of several, what is wrong with the second is found before the first is touched', async () => {
    const cloud = await start();
    const { exit } = await on(cloud, ['purge', '--yes', SERVER, 'nobody']);
    expect(exit).toBe(2);
    expect(cloud.written).toEqual([]);
    expect(cloud.requested).toBe(true);
  });

  test('the terminal goes away: the step under way ends and is verified, as with Ctrl-C', async () => {
    const terminal = fakeProcess({ terminal: true });
    const cloud = await start({
      sql: (sql) => {
        if (sql.startsWith('delete from')) terminal.interrupt('SIGHUP');
        return undefined;
      },
    });
    const argv = ['node', 'expunge', 'purge', '--yes', SERVER, '--site', cloud.site];
    expect(await runCli(argv, { ...terminal, env: cloud.env })).toBe(0);
    expect(terminal.err()).toContain('nothing new begins');
    expect(cloud.requested).toBe(false);
    expect(terminal.listening()).toBe(0);
  });

  test('Ctrl-C: the step under way ends and is verified, the next server is not begun', async () => {
    const terminal = fakeProcess({ terminal: true });
    const web = { name: 'web-1', state: 'build-request-only', host: 'cmp-1' } as const;
    const cloud = await simulateCloud({
      hosts: { 'cmp-1': 'alive' },
      servers: [web, { ...web, name: 'web-2' }],
    });
    const interrupt = aroundSql((connection) => ({
      run(...asked) {
        if (asked[0].startsWith('delete from')) terminal.interrupt();
        return connection.run(...asked);
      },
    }));
    const argv = ['node', 'expunge', 'purge', '--yes', 'web-1', 'web-2', '--site', cloud.site];
    const env = { XDG_STATE_HOME: join(cloud.runs, '../..') };
    const exit = await runCli(argv, { ...terminal, env }, interrupt);
    expect(exit, terminal.out() + terminal.err()).toBe(130);
    expect(terminal.err()).toContain('finishing the step under way; nothing new begins');
    expect(terminal.out()).toContain('web-1');
    expect(terminal.out()).toMatch(/^Record of this run: /m);
    expect(terminal.out()).toContain('looking everywhere again');
    expect(terminal.out()).toMatch(/Next: expunge resume \S+ --site/);
    expect(terminal.out()).not.toContain('web-2');
    expect(terminal.listening()).toBe(0);
    expect((await cloud.expunge(['verify', 'web-2'])).exit).toBe(1);
  });

  test('Ctrl-C twice: the process ends at once, and says of which step nobody knows', async () => {
    const terminal = fakeProcess({ terminal: true });
    const before: (number | null)[] = [];
    const cloud = await start({
      sql: (sql) => {
        if (!sql.startsWith('delete from')) return undefined;
        terminal.interrupt();
        before.push(terminal.ended());
        terminal.interrupt('SIGTERM');
        return undefined;
      },
    });
    const argv = ['node', 'expunge', 'purge', '--yes', SERVER, '--site', cloud.site];
    await runCli(argv, { ...terminal, env: cloud.env });
    expect([...before, terminal.ended()]).toEqual([null, 130]);
    const [run] = readdirSync(cloud.runs);
    expect(terminal.err()).toMatch(
      /stopped at once; not known is what became of\n {2}step 1, database nova_api: delete build request 7\n/,
    );
    expect(terminal.err()).toContain(`Next: expunge resume ${run}`);
  });

  test('as data: what was done and what is left', async () => {
    const cloud = await start();
    const { exit, out } = await on(cloud, ['purge', '--yes', '--format', 'json', SERVER]);
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      format: 1,
      command: 'purge',
      exitCode: 0,
      servers: [
        {
          server: { uuid: SERVER, name: 'web-1' },
          results: [{ step: 'build-request/7', outcome: 'done', detail: null }],
          verified: { clean: true, remains: [] },
        },
      ],
    });
  });
});

describe('a plan in a file', () => {
  async function save(cloud: SmallCloud): Promise<{ file: string; saved: Plan }> {
    const file = join(tempFolder(), 'plan.json');
    const { exit, out } = await on(cloud, ['plan', SERVER, '-o', file]);
    expect(exit).toBe(0);
    expect(out).toContain(`expunge apply ${file}`);
    return { file, saved: JSON.parse(readFileSync(file, 'utf8')) };
  }

  test('is for its owner only, and is not written over', async () => {
    const cloud = await start();
    const { file } = await save(cloud);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = await on(cloud, ['plan', SERVER, '-o', file]);
    expect(again).toMatchObject({ exit: 2, err: expect.stringContaining('is there already') });
  });

  test('is not left there in half when the disk is full', async () => {
    const cloud = await start();
    const file = join(tempFolder(), 'plan.json');
    const makeRoom = tearFiles(/plan\.json$/);
    const full = await on(cloud, ['plan', SERVER, '-o', file]);
    expect(full).toMatchObject({ exit: 2, err: expect.stringContaining(`cannot write ${file}: `) });
    makeRoom();
    expect(await on(cloud, ['plan', SERVER, '-o', file])).toMatchObject({ exit: 0 });
  });

  test('is applied exactly', async () => {
    const cloud = await start();
    const { file } = await save(cloud);
    expect((await on(cloud, ['apply', file, '--yes'])).exit).toBe(0);
    expect(cloud.requested).toBe(false);
  });

  test('is refused when the world has moved', async () => {
    const cloud = await start();
    const { file } = await save(cloud);
    cloud.requested = false;
    const { exit, err } = await on(cloud, ['apply', file, '--yes']);
    expect(exit).toBe(3);
    expect(err).toMatch(/the world has moved since this plan was made: no longer: state a build request/);
    expect(cloud.written).toEqual([]);
  });

  test.each<[string, (saved: Plan) => unknown, RegExp]>([
    [
      'a byte was changed',
      (p) => ({ ...p, server: { ...p.server, uuid: OTHER } }),
      /was changed since it was made/,
    ],
    [
      'a step was put in, with its digest left',
      (p) => ({ ...p, steps: [...p.steps, step('x')] }),
      /was changed since it was made/,
    ],
    ['it is of another site', (p) => plan({ ...p, site: 'prod' }), /for the site prod, not for environment/],
    ['it is no plan', () => ({ hello: 1 }), /is not a plan/],
    [
      'it has a refusal',
      (p) => plan({ ...p, refusals: [{ code: 'c', kind: 'fence', sentence: 'No.', flag: null }] }),
      /refused; nothing was touched/,
    ],
    [
      'it has a place that could not be looked at',
      (p) => plan({ ...p, unknown: [{ kind: 'ports', place: 'Neutron', why: 'down' }] }),
      /could not look everywhere/,
    ],
    [
      'its decisions are others, with a digest of their own',
      (p) => plan({ ...p, decisions: { ...p.decisions, ports: 'delete' }, steps: [step('x')] }),
      /the world has moved/,
    ],
  ])('is refused when %s', async (_, change, says) => {
    const cloud = await start();
    const { file, saved } = await save(cloud);
    writeFileSync(file, JSON.stringify(change(saved)));
    const { exit, err } = await on(cloud, ['apply', file, '--yes']);
    expect([2, 3, 4]).toContain(exit);
    expect(err).toMatch(says);
    expect(cloud.written).toEqual([]);
  });

  test.each([
    ['not there', null],
    ['not JSON', '{'],
    ['another file, with a secret in it', 's3cret: x'],
    ['cut in the middle of a console token', '{"steps": [{"key": "s3cret'],
    ['torn just behind one', '{"key": "s3cret"; 1}'],
  ])('is refused when it is %s', async (_, text) => {
    const file = join(tempFolder(), 'plan.json');
    if (text !== null) writeFileSync(file, text);
    const { exit, err } = await on(await start(), ['apply', file, '--yes']);
    expect(exit).toBe(2);
    expect(err).toMatch(ONE_LINE);
    expect(err).toContain('cannot read the plan');
    expect(err).not.toMatch(/ENOENT|s3cret/);
  });

  test('two servers do not go into one file', async () => {
    const { exit } = await on(await start(), ['plan', 'a', 'b', '-o', '/nowhere/x']);
    expect(exit).toBe(2);
  });

  test('apply asks too', async () => {
    const cloud = await start();
    const { file } = await save(cloud);
    expect((await on(cloud, ['apply', file])).exit).toBe(2);
    expect((await on(cloud, ['apply', file], { terminal: true, typed: 'nope\n' })).exit).toBe(2);
    expect(cloud.written).toEqual([]);
    expect((await on(cloud, ['apply', file], { terminal: true, typed: 'web-1\n' })).exit).toBe(0);
  });
});

describe('colours are for people', () => {
  const escapes = async (options: FakeProcessOptions) => {
    const { out, err } = await on(await start(), ['inspect', SERVER], options);
    return (out + err).includes('\x1b');
  };
  test('on a terminal', async () => {
    expect(await escapes({ terminal: true })).toBe(true);
  });
  test('not in a pipe, not with NO_COLOR, not on a dumb terminal', async () => {
    expect(await escapes({})).toBe(false);
    expect(await escapes({ terminal: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await escapes({ terminal: true, env: { TERM: 'dumb' } })).toBe(false);
  });
  test('an empty NO_COLOR says nothing, as its standard has it', async () => {
    expect(await escapes({ terminal: true, env: { NO_COLOR: '' } })).toBe(true);
  });
});

describe('output for programs', () => {
  test('json and yaml say the same', async () => {
    const cloud = await start();
    const json = JSON.parse((await on(cloud, ['inspect', SERVER, '--format', 'json'])).out);
    const yaml = parseYaml((await on(cloud, ['inspect', SERVER, '--format', 'yaml'])).out);
    expect(json).toMatchObject({ format: 1, command: 'inspect', exitCode: 0 });
    expect((await on(cloud, ['plan', SERVER, '--format', 'yaml'])).out).not.toMatch(/: [*&]a\d/);
    delete json.servers[0].madeAt;
    delete yaml.servers[0].madeAt;
    expect(yaml).toEqual(json);
  });
  test('an error is a document too, and a line for people', async () => {
    const { exit, out, err } = await on(await start(), ['inspect', 'nobody', '--format', 'json']);
    expect(exit).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      command: 'inspect',
      exitCode: 2,
      error: { code: 'no-such-server' },
    });
    expect(err).toMatch(/^expunge: /);
  });
});

test('doctor says what is missing and ends with 4, without a word of a password', async () => {
  const cloud = await start({
    routes: { 'GET /image/v2/images': { status: 403, body: { message: 'Forbidden' } } },
  });
  const { exit, out } = await on(cloud, ['doctor']);
  expect(exit).toBe(4);
  expect(out).toMatch(/^ok +API network +ports can be listed$/m);
  expect(out).toMatch(/^FAILS +API image +.*Forbidden\n +this user lacks the role/m);
  expect(cloud.written).toEqual([]);
});

describe('a user that Neutron and Glance show its own things only', () => {
  const mine = { token: { roles: [{ id: 'r1', name: 'member' }] } };

  test.each(['inspect', 'verify'])('%s does not know', async (command) => {
    const { exit, out } = await on(await start({ ...mine, requested: false }), [command, SERVER]);
    expect(exit).toBe(4);
    expect(out).toMatch(/has not the role admin/);
    expect(out).not.toMatch(/Nothing is left/);
  });
  test('purge touches nothing', async () => {
    const cloud = await start(mine);
    expect((await on(cloud, ['purge', SERVER, '--yes'])).exit).toBe(4);
    expect(cloud.written).toEqual([]);
  });
  test('doctor says so', async () => {
    const { exit, out } = await on(await start(mine), ['doctor']);
    expect(exit).toBe(4);
    expect(out).toMatch(/^FAILS +API network +.*not the role admin/m);
    expect(out).toMatch(/^FAILS +API image +.*not the role admin/m);
  });
});

test('--timings goes to standard error, so that the output stays what it is', async () => {
  const { exit, out, err } = await on(await start(), ['inspect', SERVER, '--timings']);
  expect(exit).toBe(0);
  expect(err).toMatch(/read sql api/);
  expect(out).not.toContain('read sql api');
});
