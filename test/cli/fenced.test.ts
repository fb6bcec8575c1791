/** Hosts that do not answer: what is refused, what waits, and what resume finishes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/types.ts';
import { react } from '../../src/simulator/agents/react.ts';
import { cutHost, killCompute, restoreHost, reviveCompute } from '../../src/simulator/agents/states.ts';
import type { ServerDescription } from '../../src/simulator/build.ts';
import type { State } from '../../src/simulator/recordings.ts';
import { aroundSql } from '../support/around-wires.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';
import { difference, dumpWorld } from '../support/world-dump.ts';

function web(state: State = 'deleting-forever'): ServerDescription {
  return { name: 'web', state, host: 'cmp-1' };
}

function cloudWithCutHost(...servers: readonly ServerDescription[]): Promise<SimulatedCloud> {
  return simulateCloud({
    hosts: { 'cmp-1': 'cut', 'cmp-2': 'alive' },
    servers: servers.length === 0 ? [web()] : servers,
  });
}

const uuidOf = (cloud: SimulatedCloud) => cloud.servers[0]?.uuid ?? '';
const runsOf = (cloud: SimulatedCloud) => readdirSync(cloud.runs).sort();

/** `web` purged while its host was off, and the name of that run. */
async function openRun(state?: State) {
  const cloud = await cloudWithCutHost(web(state));
  const purged = await cloud.expunge(['purge', uuidOf(cloud), '--yes', '--fenced', 'cmp-1']);
  expect(purged, purged.out + purged.err).toMatchObject({ exit: 4, err: '' });
  const [run = ''] = runsOf(cloud);
  return { cloud, run, purged };
}

/** Without how often a port was written to: its agent does so once less while its host is off. The lab's comparison leaves it out too. */
function comparable(cloud: SimulatedCloud): readonly string[] {
  return dumpWorld(cloud.world).map((line) => line.replace(/"revision_number":\d+/, ''));
}

/** The host is on again, and its network agent has done what it does by itself. */
function comeBack(cloud: SimulatedCloud, host: string): void {
  restoreHost(cloud.world, host);
  react(cloud.world);
}

function instanceOf(cloud: SimulatedCloud) {
  return cloud.world.db('nova').prepare("SELECT * FROM instances WHERE display_name = 'web'").get();
}

describe('a host that does not answer', () => {
  test('is not known: nothing is touched, and the way on is named', async () => {
    const cloud = await cloudWithCutHost();
    const before = dumpWorld(cloud.world);
    const ended = await cloud.expunge(['purge', 'web', '--yes']);
    expect(ended.exit).toBe(4);
    expect(ended.err).toContain('when cmp-1 is powered off, say so with --fenced cmp-1');
    expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
    const looked = await cloud.expunge(['inspect', 'web']);
    expect(looked).toMatchObject({ exit: 4, err: '' });
    expect(looked.out).toContain('Or, when cmp-1 is powered off, say so with --fenced cmp-1');
  });

  test('that answers, but whose libvirt does not, is not said to be perhaps off', async () => {
    const cloud = await simulateCloud({ hosts: { 'cmp-1': 'frozen' }, servers: [web()] });
    cloud.world.machines.exec("UPDATE hosts SET libvirt = 'down'");
    const ended = await cloud.expunge(['purge', 'web', '--yes']);
    expect(ended.exit).toBe(4);
    expect(ended.err).not.toContain('--fenced');
  });

  test('and is none of the server: the hosts that are its own are listed', async () => {
    const cloud = await cloudWithCutHost();
    for (const command of ['inspect', 'plan', 'verify'])
      expect(await cloud.expunge([command, 'web', '--fenced', 'cmp-9'])).toMatchObject({
        exit: 2,
        out: '',
        err: `expunge: cmp-9 is no host of server ${uuidOf(cloud)}\n  --fenced takes a host that it may be on: cmp-1\n`,
      });
  });

  test.each([
    ['frozen', ['fenced-but-answers']],
    ['alive', ['fenced-but-answers', 'fenced-but-up']],
  ] as const)('%s, though it is said to be off: refused, and no flag lifts it', async (host, codes) => {
    const cloud = await simulateCloud({ hosts: { 'cmp-1': host }, servers: [web('healthy')] });
    const before = dumpWorld(cloud.world);
    const { refusals } = await cloud.plan('web', '--fenced', 'cmp-1', '--even-healthy');
    expect(refusals.map(({ code, flag }) => [code, flag])).toEqual(codes.map((code) => [code, null]));
    expect(await cloud.expunge(['purge', 'web', '--yes', '--fenced', 'cmp-1'])).toMatchObject({ exit: 3 });
    expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
  });

  test('but whose nova-compute Nova hears: refused', async () => {
    const cloud = await simulateCloud({ hosts: { 'cmp-1': 'alive' }, servers: [web()] });
    cloud.world.machines.exec('UPDATE hosts SET reachable = 0');
    const { refusals } = await cloud.plan('web', '--fenced', 'cmp-1', '--even-working');
    expect(refusals).toMatchObject([{ code: 'fenced-but-up', flag: null }]);
  });

  test('a domain that runs on another host is refused all the same', async () => {
    const cloud = await simulateCloud({
      hosts: { 'cmp-1': 'frozen', 'cmp-2': 'dead' },
      servers: [web()],
    });
    // Nova says that it is on cmp-2, which is off, and it runs on cmp-1.
    cloud.world.db('nova').exec("UPDATE instances SET host = 'cmp-2', node = 'cmp-2'");
    cutHost(cloud.world, 'cmp-2');
    const { refusals } = await cloud.plan('web', '--all-hosts', '--fenced', 'cmp-2');
    expect(refusals.map(({ code }) => code)).toContain('domain-elsewhere');
  });
});

describe('a host that is off by the word of the operator', () => {
  test('the rest is purged, the run stays open, and says what waits and how to go on', async () => {
    const { cloud, run, purged } = await openRun();
    expect(purged.out).toContain('When its host is back\n  host cmp-1: powered off, by --fenced\n');
    expect(purged.out.trimEnd().split('\n').slice(-2)).toEqual([
      'Open: nothing is left but what may be on cmp-1. When it is back, finish this run.',
      `Next: expunge resume ${run} --site ${cloud.site}`,
    ]);
    const journal = readFileSync(join(cloud.runs, run, 'journal.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(JSON.parse(journal.at(-1) ?? '')).toMatchObject({
      event: 'end',
      outcome: 'open',
      waits: ['host cmp-1'],
    });
  });

  test('it comes back while the run is under way: refused, and the run is gone on with', async () => {
    const cloud = await cloudWithCutHost();
    let back = false;
    const { exit, out } = await cloud.expunge(['purge', 'web', '--yes', '--fenced', 'cmp-1'], {
      rewire: aroundSql((connection) => ({
        async run(...asked) {
          const done = await connection.run(...asked);
          if (asked[0] === 'COMMIT' && !back) comeBack(cloud, 'cmp-1');
          back ||= asked[0] === 'COMMIT';
          return done;
        },
      })),
    });
    expect(exit).toBe(1);
    expect(out).toContain('fenced-but-answers: nothing lifts this');
    const [run = ''] = runsOf(cloud);
    const last = out.trimEnd().split('\n').slice(-2);
    expect(last).toEqual([
      'Not clean: refused, see above.',
      `Next: expunge resume ${run} --site ${cloud.site}`,
    ]);
    expect(await cloud.expunge(['resume', run, '--yes'])).toMatchObject({ exit: 0, err: '' });
  });

  test('its row is as after a local delete of Nova: a nova-compute that comes back removes the files', async () => {
    const { cloud } = await openRun();
    expect(instanceOf(cloud)).toMatchObject({
      vm_state: 'deleted',
      task_state: null,
      cleaned: 0,
      power_state: 1,
    });
    const attempts = cloud.world
      .db('nova')
      .prepare('SELECT count(*) AS n FROM instance_system_metadata WHERE "key" = \'clean_attempts\'');
    expect(attempts.get()).toEqual({ n: 0 });
  });

  test('verify says so too: nothing is wrong, and not everything is known', async () => {
    const { cloud } = await openRun();
    const verified = await cloud.expunge(['verify', uuidOf(cloud), '--fenced', 'cmp-1']);
    expect(verified).toMatchObject({ exit: 4, err: '' });
    expect(verified.out).toContain('Open: nothing is left but what may be on cmp-1');
    const unsaid = await cloud.expunge(['verify', uuidOf(cloud)]);
    expect(unsaid).toMatchObject({ exit: 4 });
    expect(unsaid.out).toContain('Not verified: could not look everywhere');
  });

  test('for programs', async () => {
    const cloud = await cloudWithCutHost();
    const { exit, out } = await cloud.expunge([
      'purge',
      'web',
      '--yes',
      '--fenced',
      'cmp-1',
      '--format',
      'json',
    ]);
    const data = JSON.parse(out) as { exitCode: number; servers: (Plan & { verified: object })[] };
    expect([exit, data.exitCode]).toEqual([4, 4]);
    expect(data.servers[0]).toMatchObject({
      decisions: { fenced: ['cmp-1'] },
      deferred: [
        { kind: 'domain', place: 'host cmp-1' },
        { kind: 'interfaces', place: 'host cmp-1' },
        { kind: 'files', place: 'host cmp-1' },
      ],
      verified: { clean: false, deferred: expect.any(Array) },
    });
  });

  test('a purge again is refused: the run that waits is gone on with, or given up', async () => {
    const { cloud, run } = await openRun();
    const again = await cloud.expunge(['purge', uuidOf(cloud), '--yes', '--fenced', 'cmp-1']);
    expect(again).toMatchObject({ exit: 3, out: '' });
    expect(again.err).toContain(`run ${run} on this server is not over: open: waits for cmp-1`);
    expect(again.err).toContain(`expunge resume ${run} --site ${cloud.site}`);
    expect(again.err).toContain(`expunge abandon ${run} --site ${cloud.site}`);
    expect(runsOf(cloud)).toEqual([run]);
  });

  test('when it was given up, and nothing else is there to be done: it is again a run that waits', async () => {
    const { cloud, run } = await openRun();
    expect(await cloud.expunge(['abandon', run])).toMatchObject({ exit: 0, err: '' });
    const again = await cloud.expunge(['purge', uuidOf(cloud), '--yes', '--fenced', 'cmp-1']);
    expect(again, again.out + again.err).toMatchObject({ exit: 4, err: '' });
    expect(again.out).toContain('nothing to do');
    expect(again.out).toContain('Next: expunge resume');
  });
});

describe('resume', () => {
  test('while the host is still off: nothing can be done, and nothing is recorded', async () => {
    const { cloud, run } = await openRun();
    const before = dumpWorld(cloud.world);
    const ended = await cloud.expunge(['resume', run, '--yes']);
    expect(ended).toMatchObject({ exit: 4, err: '' });
    expect(ended.out).toContain('cmp-1 still does not answer');
    expect(ended.out).toContain('Open: nothing can be done before cmp-1 is back.');
    expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
    expect(runsOf(cloud)).toEqual([run]);
  });

  const STATES: readonly State[] = [
    'deleting-forever',
    'host-was-down',
    'row-gone-domain-runs',
    'half-cleaned',
    'native-plug',
    'resize-both-dirs',
    'shelving-stuck',
  ];
  test.each(STATES)('%s: in the end the cloud is as after one purge with the host there', async (state) => {
    const whole = await simulateCloud({
      hosts: { 'cmp-1': 'dead', 'cmp-2': 'alive' },
      servers: [web(state)],
    });
    expect(await whole.expunge(['purge', uuidOf(whole), '--yes'])).toMatchObject({ exit: 0 });

    const { cloud, run } = await openRun(state);
    comeBack(cloud, 'cmp-1');
    const resumed = await cloud.expunge(['resume', run, '--yes']);
    expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0, err: '' });
    expect(resumed.out).toContain('cmp-1 answers again');
    expect(resumed.out).toContain('Verified: looked everywhere again, nothing is left.');
    expect(difference(comparable(whole), comparable(cloud))).toEqual([]);
    expect(await cloud.expunge(['verify', uuidOf(cloud)])).toMatchObject({ exit: 0 });
  });

  test('when the nova-compute that came back was quicker: what it left undone is done', async () => {
    const { cloud, run } = await openRun();
    comeBack(cloud, 'cmp-1');
    reviveCompute(cloud.world, 'cmp-1');
    const resumed = await cloud.expunge(['resume', run, '--yes']);
    expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0, err: '' });
    expect(instanceOf(cloud)).toMatchObject({ cleaned: 1, power_state: 0 });
    expect(await cloud.expunge(['verify', uuidOf(cloud)])).toMatchObject({ exit: 0 });
  });

  test('when Nova has archived and purged the rows meanwhile: the record leads to the host', async () => {
    const { cloud, run } = await openRun('half-cleaned');
    forget(cloud);
    comeBack(cloud, 'cmp-1');
    // No record of Open vSwitch bears the server's mark either: only the ids of its ports are left.
    cloud.world.machines.exec("DELETE FROM switch_ports WHERE name LIKE 'qvo%'");
    expect(await cloud.expunge(['verify', uuidOf(cloud)])).toMatchObject({ exit: 1 });
    const resumed = await cloud.expunge(['resume', run, '--yes']);
    expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0, err: '' });
    expect(resumed.out).toMatch(/^web {2}/);
    const left = cloud.world.machines.prepare("SELECT name FROM links WHERE name LIKE 'q%'").all();
    expect(left).toEqual([]);
    const files = cloud.world.machines
      .prepare('SELECT path FROM files WHERE host = ? AND path LIKE ?')
      .all('cmp-1', `%${uuidOf(cloud)}%`);
    expect(files).toEqual([]);
  });

  test('two hosts, back one after the other: each time what can be done is done', async () => {
    const cloud = await cloudWithCutHost();
    killCompute(cloud.world, 'cmp-2');
    cutHost(cloud.world, 'cmp-2');
    const off = ['--all-hosts', '--fenced', 'cmp-1', '--fenced', 'cmp-2'];
    const purged = await cloud.expunge(['purge', 'web', '--yes', ...off]);
    expect(purged).toMatchObject({ exit: 4, err: '' });
    expect(purged.out).toContain('what may be on cmp-1 and cmp-2');
    const [first = ''] = runsOf(cloud);
    comeBack(cloud, 'cmp-1');
    const half = await cloud.expunge(['resume', first, '--yes']);
    expect(half, half.out + half.err).toMatchObject({ exit: 4, err: '' });
    expect(half.out).toContain('nothing is left but what may be on cmp-2');
    expect(instanceOf(cloud)).toMatchObject({ cleaned: 1 });
    const second = runsOf(cloud).find((name) => name !== first) ?? '';
    // The first is no longer the one to go on with.
    expect(await cloud.expunge(['resume', first, '--yes'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining(`expunge resume ${second}`),
    });
    comeBack(cloud, 'cmp-2');
    const whole = await cloud.expunge(['resume', second, '--yes']);
    expect(whole, whole.out + whole.err).toMatchObject({ exit: 0, err: '' });
    const listed = await cloud.expunge(['runs']);
    expect(listed.out).not.toContain('Next:');
    expect(listed.out).toMatch(/open: waits for cmp-1 and cmp-2; finished by /);
  });

  test('asks for the name, and anything else touches nothing', async () => {
    const { cloud, run } = await openRun();
    comeBack(cloud, 'cmp-1');
    const before = dumpWorld(cloud.world);
    expect(await cloud.expunge(['resume', run])).toMatchObject({ exit: 2, out: '' });
    const wrong = await cloud.expunge(['resume', run], { terminal: true, typed: 'wob\n' });
    expect(wrong).toMatchObject({ exit: 2, err: expect.stringContaining('nothing was touched') });
    expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
    const right = await cloud.expunge(['resume', run], { terminal: true, typed: 'web\n' });
    expect(right, right.out + right.err).toMatchObject({ exit: 0, err: '' });
  });

  test('what was refused before is refused when the host is back', async () => {
    const { cloud, run } = await openRun();
    comeBack(cloud, 'cmp-1');
    // Somebody has defined another server's domain in its place meanwhile.
    cloud.world.machines.exec(
      "UPDATE domains SET xml = replace(xml, '<nova:project uuid=\"', '<nova:project uuid=\"0000')",
    );
    const before = dumpWorld(cloud.world);
    const refused = await cloud.expunge(['resume', run, '--yes']);
    expect(refused).toMatchObject({ exit: 3, err: expect.stringContaining('domain-not-novas') });
    expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
  });

  test('undone in turn, the last first: the server is in the databases as it was', async () => {
    const { cloud, run } = await openRun();
    const row = (await cloudWithCutHost()).world
      .db('nova')
      .prepare("SELECT * FROM instances WHERE display_name = 'web'")
      .get();
    comeBack(cloud, 'cmp-1');
    expect(await cloud.expunge(['resume', run, '--yes'])).toMatchObject({ exit: 0 });
    const second = runsOf(cloud).find((name) => name !== run) ?? '';
    // Rows that a later run changed are not put back over its head.
    expect(await cloud.expunge(['undo', run, '--yes'])).toMatchObject({
      exit: 3,
      err: expect.stringContaining('undo-row-changed'),
    });
    for (const name of [second, run]) {
      const undone = await cloud.expunge(['undo', name, '--yes']);
      expect(undone, undone.out + undone.err).toMatchObject({ exit: 0 });
    }
    expect(instanceOf(cloud)).toEqual(row);
    expect(await cloud.expunge(['resume', run, '--yes'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('was taken back by'),
    });
  });
});

/** Nova's archive, and its purge of the archive. */
function forget(cloud: SimulatedCloud): void {
  const nova = cloud.world.db('nova');
  nova.exec('PRAGMA foreign_keys = OFF');
  const tables = nova
    .prepare(
      "SELECT m.name AS t, c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'",
    )
    .all()
    .filter(({ c }) => c === 'instance_uuid' || c === 'uuid');
  for (const { t, c } of tables) nova.prepare(`DELETE FROM "${t}" WHERE "${c}" = ?`).run(uuidOf(cloud));
  cloud.world
    .db('nova_api')
    .prepare('DELETE FROM instance_mappings WHERE instance_uuid = ?')
    .run(uuidOf(cloud));
}
