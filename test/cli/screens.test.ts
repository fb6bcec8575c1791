/** Whole screens, as a person reads them on 80 columns, and as a pipe gets them. */
import { describe, expect, test } from 'vitest';
import { renderInspection } from '../../src/cli/commands/inspect.ts';
import { renderPlan } from '../../src/cli/commands/plan.ts';
import { renderVerification } from '../../src/cli/commands/verify.ts';
import { openIo } from '../../src/cli/io.ts';
import { reportError } from '../../src/cli/render/error.ts';
import { renderFindings } from '../../src/cli/render/findings.ts';
import { widthOf } from '../../src/cli/render/lines.ts';
import { renderOutcome } from '../../src/cli/render/outcome.ts';
import { openProgress } from '../../src/cli/render/progress.ts';
import { UsageError } from '../../src/plan/errors.ts';
import type { Plan } from '../../src/plan/types.ts';
import type { StepResult } from '../../src/run/apply.ts';
import { type FakeProcessOptions, fakeProcess } from '../support/fake-process.ts';
import { plan, SERVER } from '../support/plans.ts';
import { blind, clean, refused, stuck, WEB } from './screen-plans.ts';

const UTF8 = { NO_COLOR: '1', LANG: 'en_GB.UTF-8' };
const screenOf = (options: FakeProcessOptions) => openIo(fakeProcess(options));
const terminal = screenOf({ terminal: true, env: UTF8 });
const pipe = screenOf({ env: UTF8 });

const inspect = (one: Plan, screen = terminal) => `\n${renderInspection(one, screen, undefined)}`;

describe('inspect', () => {
  test('a stuck server on a terminal', () => {
    expect(inspect(stuck)).toBe(`
web-7  3cae0016-81f7-4fc9-846b-b71c3b54d865
  active, shelving, last changed 2026-11-22 10:51:08 UTC
  host compute1, cell1, project 9c0be856696d47de8117146031790d82

Still there: 9 things in 5 places
├─ host compute1
│  ├─ domain instance-00000007, running
│  ├─ interface of port 08dbeb46-a8e5-4c9b-afcd-76872c767478: qvo08dbeb46-a8 in
│  │    br-int, bridge qbr08dbeb46-a8, device qvb08dbeb46-a8
│  └─ folder /var/lib/nova/instances/3cae0016-81f7-4fc9-846b-b71c3b54d865
├─ Neutron
│  ├─ port 08dbeb46-a8e5-4c9b-afcd-76872c767478 10.9.0.101
│  └─ port cc5cfee7-0eea-4923-b278-255972ffb5cc "pre-web-7" 10.9.1.66
├─ Glance
│  └─ shelve snapshot: image 94a54a92-9477-4c24-b408-ee6bf18162b6
│       "web-7-shelved", queued
├─ database of cell1
│  ├─ live row in instances: active, shelving
│  └─ 24 rows of the server in 9 other tables
└─ database nova_api
   └─ mapping to its cell, not marked as deleted

Kept
  Neutron: port cc5cfee7-0eea-4923-b278-255972ffb5cc "pre-web-7" 10.9.1.66
    made before the server and given to it: Nova unbinds such a port

Next: expunge plan 3cae0016-81f7-4fc9-846b-b71c3b54d865
  or: expunge purge 3cae0016-81f7-4fc9-846b-b71c3b54d865
`);
  });

  test('the same in a pipe: one thing is one line, parted by spaces only', () => {
    expect(inspect(stuck, pipe)).toBe(`
web-7  3cae0016-81f7-4fc9-846b-b71c3b54d865
  active, shelving, last changed 2026-11-22 10:51:08 UTC
  host compute1, cell1, project 9c0be856696d47de8117146031790d82

Still there: 9 things in 5 places
  host compute1
    domain instance-00000007, running
    interface of port 08dbeb46-a8e5-4c9b-afcd-76872c767478: qvo08dbeb46-a8 in br-int, bridge qbr08dbeb46-a8, device qvb08dbeb46-a8
    folder /var/lib/nova/instances/3cae0016-81f7-4fc9-846b-b71c3b54d865
  Neutron
    port 08dbeb46-a8e5-4c9b-afcd-76872c767478 10.9.0.101
    port cc5cfee7-0eea-4923-b278-255972ffb5cc "pre-web-7" 10.9.1.66
  Glance
    shelve snapshot: image 94a54a92-9477-4c24-b408-ee6bf18162b6 "web-7-shelved", queued
  database of cell1
    live row in instances: active, shelving
    24 rows of the server in 9 other tables
  database nova_api
    mapping to its cell, not marked as deleted

Kept
  Neutron: port cc5cfee7-0eea-4923-b278-255972ffb5cc "pre-web-7" 10.9.1.66
    made before the server and given to it: Nova unbinds such a port

Next: expunge plan 3cae0016-81f7-4fc9-846b-b71c3b54d865
  or: expunge purge 3cae0016-81f7-4fc9-846b-b71c3b54d865
`);
  });

  test('nothing is left', () => {
    expect(inspect(clean)).toBe(`
web-7  3cae0016-81f7-4fc9-846b-b71c3b54d865
  deleted 2026-11-22 10:51:12 UTC
  host compute1, cell1, project 9c0be856696d47de8117146031790d82

Nothing is left.

Kept
  Neutron: port cc5cfee7-0eea-4923-b278-255972ffb5cc "pre-web-7" 10.9.1.66
    made before the server and given to it: Nova unbinds such a port
`);
  });

  test('refused: the one flag of each, and no command that would be refused', () => {
    expect(`\n${inspect(refused).split('\n\n').slice(-2).join('\n\n')}`).toBe(`
Refused
  It is active with no task and nova-compute on compute1 is up: Nova can delete
  it (openstack server delete).
    server-healthy: --even-healthy lifts this
  /var/lib/nova/instances/3cae0016-81f7-4fc9-846b-b71c3b54d865 on compute1 is a
  link to /srv/disks: what it leads to may be another server's
    folder-is-link: nothing lifts this

Nothing can be purged until what refuses it is settled.
`);
    const liftable = plan({ ...refused, refusals: refused.refusals.filter(({ flag }) => flag !== null) });
    expect(inspect(liftable)).toMatch(/settled, or lifted by its flag\.\n$/);
  });

  test('could not look: which place, why, what is not known there', () => {
    expect(`\n${inspect(blind).split('\n\n').slice(-2).join('\n\n')}`).toBe(`
Could not look
  host compute1: ssh: connect to host compute1 port 22: Connection timed out (is
      the host up?)
    not known there: Domain, Interfaces, Files

Nothing can be purged until every place can be looked at.
Or, when compute1 is powered off, say so with --fenced compute1: then the rest
is purged, and what is on it waits for resume.
Next: expunge doctor
`);
  });

  test('what comes next says again what was said: site and decisions', () => {
    const decided = plan({
      ...stuck,
      decisions: { ports: 'keep', allHosts: true, lift: ['even-locked'] },
    });
    expect(renderInspection(decided, terminal, '/etc/my sites/a.yaml')).toContain(
      `\nNext: expunge plan ${WEB} --ports keep --all-hosts --even-locked --site '/etc/my sites/a.yaml'\n`,
    );
    expect(renderInspection(blind, terminal, 'demo')).toMatch(/\nNext: expunge doctor --site demo\n$/);
  });

  test('each decision is said again: what is left out would be decided otherwise', () => {
    const volume = '11111111-0000-4000-8000-000000000001';
    const port = '22222222-0000-4000-8000-000000000002';
    const decided = plan({
      ...stuck,
      decisions: {
        ports: 'delete',
        allHosts: true,
        lift: ['even-late-delete'],
        volumes: { rest: 'keep', named: { [volume]: 'delete' } },
        detach: 'force',
        surgery: true,
        portSurgery: [port],
        fenced: ['cmp-1'],
      },
    });
    expect(renderInspection(decided, terminal, undefined)).toContain(
      `\nNext: expunge plan ${WEB} --ports delete --all-hosts --volumes keep,${volume}=delete --detach force --surgery --port-surgery ${port} --fenced cmp-1 --even-late-delete\n`,
    );
  });
});

describe('who draws lines of a tree', () => {
  const draws = (options: FakeProcessOptions) => inspect(stuck, screenOf(options)).includes('├');
  test.each<[string, Record<string, string>, boolean]>([
    ['LANG says UTF-8', { LANG: 'C.UTF-8' }, true],
    ['LC_CTYPE goes before LANG', { LC_CTYPE: 'zh_CN.utf8', LANG: 'C' }, true],
    ['LC_ALL goes before both', { LC_ALL: 'C', LC_CTYPE: 'C.UTF-8', LANG: 'C.UTF-8' }, false],
    ['an empty LC_ALL says nothing', { LC_ALL: '', LANG: 'C.UTF-8' }, true],
    ['nothing is said', {}, false],
    ['GBK', { LANG: 'zh_CN.GBK' }, false],
    ['a dumb terminal', { LANG: 'C.UTF-8', TERM: 'dumb' }, false],
  ])('%s', (_, env, drawn) => {
    expect(draws({ terminal: true, env })).toBe(drawn);
  });
  test('never a pipe', () => {
    expect(draws({ env: { LANG: 'C.UTF-8' } })).toBe(false);
  });
  test('without them the screen is plain ASCII', () => {
    expect(inspect(stuck, screenOf({ terminal: true, env: { LANG: 'C', NO_COLOR: '1' } }))).toMatch(
      /^[\n -~]*$/,
    );
  });
});

describe('plan', () => {
  const shown = (one: Plan, options: object = {}, screen = terminal) =>
    `\n${renderPlan(one, screen, options, null)}`;

  test('steps by chapter, each by its number', () => {
    expect(shown(stuck)).toBe(`
web-7  3cae0016-81f7-4fc9-846b-b71c3b54d865
  active, shelving, last changed 2026-11-22 10:51:08 UTC
  host compute1, cell1, project 9c0be856696d47de8117146031790d82

Still there: 9 things (host compute1, Neutron, Glance, database of cell1,
  database nova_api)

10 steps, each after those it needs
  Domain, host compute1
    1. stop domain instance-00000007
  Interfaces, host compute1
    2. delete bridge qbr08dbeb46-a8
    3. take qvo08dbeb46-a8 out of br-int
  Files, host compute1
    4. remove /var/lib/nova/instances/3cae0016-81f7-4fc9-846b-b71c3b54d865
  Domain, host compute1
    5. undefine domain instance-00000007
  Ports, Neutron
    6. delete port 08dbeb46-a8e5-4c9b-afcd-76872c767478 10.9.0.101
    7. unbind port cc5cfee7-0eea-4923-b278-255972ffb5cc "pre-web-7" 10.9.1.66
  Shelve snapshot, Glance
    8. delete image 94a54a92-9477-4c24-b408-ee6bf18162b6 "web-7-shelved"
  Placement
    9. release 1 DISK_GB, 64 MEMORY_MB, 1 VCPU of the server
  Nova's rows, database of cell1
   10. delete the server's rows as Nova does (11 statements, one transaction)

Kept
  Neutron: port cc5cfee7-0eea-4923-b278-255972ffb5cc "pre-web-7" 10.9.1.66
    made before the server and given to it: Nova unbinds such a port

Next: expunge purge 3cae0016-81f7-4fc9-846b-b71c3b54d865
`);
  });

  test('in a file: how it is done, or that it is not', () => {
    expect(shown(stuck, { output: 'change 1.json', site: 'demo' })).toMatch(
      /\nPlan saved in change 1\.json\.\nNext: expunge apply 'change 1\.json' --site demo\n$/,
    );
    expect(shown(refused, { output: 'a.json' })).toMatch(
      /\nPlan saved in a\.json\. As it is, apply does not begin it\.\n$/,
    );
  });

  test('on 200 columns no line is too long to read', () => {
    const wide = screenOf({ terminal: true, columns: 200, env: UTF8 });
    const text = shown(blind, {}, wide) + inspect(refused, wide);
    const widths = text.split('\n').map(widthOf);
    expect(Math.max(...widths)).toBeLessThanOrEqual(110);
    expect(Math.max(...widths)).toBeGreaterThan(80);
  });
});

describe('verify', () => {
  test('ends with the verdict', () => {
    const last = (one: Plan) => renderVerification(one, terminal, undefined).split('\n\n').at(-1);
    expect(last(stuck)).toBe(`Not clean: 9 things left, see above.\nNext: expunge purge ${WEB}\n`);
    expect(last(refused)).toBe('Not clean: 9 things left, see above; refused.\n');
    expect(last(blind)).toContain('Not verified: could not look everywhere.');
    expect(renderVerification(clean, terminal, undefined)).toContain('\nNothing is left.\n');
  });
});

describe('a run', () => {
  const results: StepResult[] = stuck.steps.map((step, i) => {
    if (i === 3) return { step, outcome: 'failed', detail: 'rm ended with 1: Device or resource busy' };
    if (i === 9) return { step, outcome: 'not-run', detail: 'waits for files/1' };
    return { step, outcome: i === 5 ? 'already' : 'done', detail: null };
  });
  const play = (options: FakeProcessOptions) => {
    const process = fakeProcess(options);
    const progress = openProgress(stuck, openIo(process));
    for (const result of results) {
      if (result.outcome === 'not-run') continue;
      progress.show({ type: 'step-started', step: result.step });
      progress.show({ type: 'step-ended', result });
    }
    progress.say('  looking everywhere again');
    progress.clear();
    return process.out();
  };

  test('in a pipe, and on a dumb terminal: one line for each step, as the plan numbers it', () => {
    const lines = `    1. done          host compute1: stop domain instance-00000007
    2. done          host compute1: delete bridge qbr08dbeb46-a8
    3. done          host compute1: take qvo08dbeb46-a8 out of br-int
    4. FAILED        host compute1: remove /var/lib/nova/instances/3cae0016-81f7-4fc9-846b-b71c3b54d865
         rm ended with 1: Device or resource busy
    5. done          host compute1: undefine domain instance-00000007
    6. already done  Neutron: delete port 08dbeb46-a8e5-4c9b-afcd-76872c767478 10.9.0.101
    7. done          Neutron: unbind port cc5cfee7-0eea-4923-b278-255972ffb5cc "pre-web-7" 10.9.1.66
    8. done          Glance: delete image 94a54a92-9477-4c24-b408-ee6bf18162b6 "web-7-shelved"
    9. done          Placement: release 1 DISK_GB, 64 MEMORY_MB, 1 VCPU of the server
`;
    expect(play({})).toBe(lines);
    expect(play({ terminal: true, columns: 200, env: { TERM: 'dumb' } })).toBe(lines);
  });

  test('on a terminal one line is written over, and only what went otherwise stays', () => {
    const written = play({ terminal: true, env: UTF8 }).split('\r\x1b[2K');
    expect(written).toContain('  0 of 10 done; now 1. host compute1: stop domain instance-00000007');
    // The id does not fit: it is left out, not cut.
    expect(written).toContain('  6 of 10 done; now 8. Glance: delete image ...');
    for (const line of written) if (!line.includes('\n')) expect(widthOf(line)).toBeLessThan(80);
    const stays = written.filter((line) => line.includes('\n')).join('');
    expect(`\n${stays}`).toBe(`
    4. FAILED        host compute1: remove
         /var/lib/nova/instances/3cae0016-81f7-4fc9-846b-b71c3b54d865
         rm ended with 1: Device or resource busy
`);
    expect(written.at(-1)).toBe('');
  });

  test('its end: what did not begin and why, how many, the record, the verdict', () => {
    const run = `/root/.local/state/expunge/runs/20261122T105110Z-${WEB}-14833`;
    const shown = { kept: true, site: undefined };
    const text = renderOutcome(stuck, { results, verified: clean, run, listed: true }, terminal, shown);
    expect(`\n${text}`).toBe(`
   10. not run       database of cell1: delete the server's rows as Nova does
         (11 statements, one transaction)
         waits for step 4

7 done, 1 already done (step 6), 1 FAILED (step 4), 1 not run (step 10); kept,
  as listed above: 1 thing
Record of this run: 20261122T105110Z-3cae0016-81f7-4fc9-846b-b71c3b54d865-14833
  in /root/.local/state/expunge/runs

Verified: looked everywhere again, nothing is left.
`);
    expect(renderOutcome(stuck, { results, verified: clean, run, listed: true }, pipe, shown)).toContain(
      `\nRecord of this run: ${run}\n`,
    );
    const quiet = { results: results.slice(0, 3), verified: clean, run, listed: false };
    // No gap below a gap: nothing of such a run stays on the screen.
    expect(renderOutcome(stuck, quiet, terminal, { ...shown, kept: false })).toMatch(/^3 done\n/);
    expect(renderOutcome(stuck, quiet, terminal, shown)).toMatch(/^\n3 done; kept, as listed above/);
  });
});

describe('doctor', () => {
  const findings = [
    { ok: true, place: 'API network', says: 'ports can be listed', hint: null },
    {
      ok: false,
      place: 'API image',
      says: 'GET /v2/images answered 403: Forbidden',
      hint: 'this user lacks the role: docs/reference.md lists what is needed',
    },
    { ok: true, place: 'API placement', says: 'allocations can be read', hint: null },
    { ok: true, place: 'database nova_api', says: 'readable; may write', hint: null },
    { ok: true, place: 'database of 单元一', says: 'readable; may write', hint: null },
    { ok: true, place: 'host compute1', says: 'reached as root', hint: null },
    { ok: true, place: 'host compute1, Open vSwitch', says: 'ovs-vsctl answers', hint: null },
  ];
  test('a table for each kind of door; what fails is last, in words', () => {
    expect(`\n${renderFindings(findings, terminal)}`).toBe(`
ok     API network    ports can be listed
ok     API placement  allocations can be read

ok     database nova_api   readable; may write
ok     database of 单元一  readable; may write

ok     host compute1                reached as root
ok     host compute1, Open vSwitch  ovs-vsctl answers

FAILS  API image  GET /v2/images answered 403: Forbidden
                    this user lacks the role: docs/reference.md lists what is
                    needed

1 of 7 fails: a purge that needs what fails does not begin.
`);
  });
  test('long names of hosts leave the sentences a line of their own', () => {
    const place = 'host compute-0123.availability-zone-2.region-one.example.org';
    const shown = renderFindings([{ ok: false, place, says: 'no route', hint: 'is it up?' }], terminal);
    expect(shown).toBe(
      `FAILS  ${place}\n         no route\n           is it up?\n\n1 of 1 fails: a purge that needs what fails does not begin.\n`,
    );
  });
});

describe('names that others chose', () => {
  const named = (name: string) => plan({ ...stuck, server: { ...stuck.server, name } });
  test('Chinese: lines are broken by what is seen', () => {
    const wide = plan({
      ...stuck,
      remains: [{ kind: 'ports', place: 'Neutron', what: `port ${SERVER} "${'网络 端口 '.repeat(12)}"` }],
    });
    const lines = inspect(wide).split('\n');
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(80);
    expect(lines.filter((line) => line.includes('网络'))).toHaveLength(3);
  });
  test('a long one never pushes the id apart', () => {
    expect(inspect(named('x'.repeat(255)))).toMatch(
      new RegExp(`^\n${'x'.repeat(60)}… \\(255 characters\\)\n {2}${WEB}\n`),
    );
  });
  test('hostile ones are shown, not obeyed', () => {
    const hostile = '\x1b]0;owned\x07\u202ea\n';
    const place = `host ${hostile}`;
    const everywhere = plan({
      ...named(hostile),
      remains: [{ kind: 'x', place, what: hostile }],
      kept: [{ kind: 'x', place, what: hostile, why: hostile }],
      unknown: [{ kind: hostile, place, why: hostile }],
      refusals: [{ kind: 'x', code: hostile, sentence: hostile, flag: hostile }],
    });
    const doctor = renderFindings([{ ok: false, place, says: hostile, hint: hostile }], terminal);
    const text = `${inspect(everywhere)}${renderPlan(everywhere, terminal, {}, null)}${doctor}`;
    expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    expect(text).toContain('\\u{1b}]0;owned\\u{7}\\u{202e}a\\u{a}');
  });
});

describe('an error', () => {
  const report = (stdout: number | null, stderr: number | null) => {
    let said = '';
    const stream = (columns: number | null) =>
      columns === null ? { write: () => {} } : { isTTY: true, columns, write: () => {} };
    const fake = fakeProcess();
    const io = openIo({
      ...fake,
      stdout: stream(stdout),
      stderr: { ...stream(stderr), write: (text) => (said += text) },
    });
    const error = new UsageError(`2 servers are called "web": ${WEB} (cell1, deleting), ${SERVER} (cell2)`, {
      code: 'name-not-unique',
      hint: 'say which by its uuid',
    });
    expect(reportError(io, error)).toBe(2);
    return said;
  };
  test('breaks between words on a terminal, so that an id can be copied', () => {
    expect(`\n${report(null, 80)}`).toBe(`
expunge: 2 servers are called "web": 3cae0016-81f7-4fc9-846b-b71c3b54d865
         (cell1, deleting), 11111111-2222-4333-8444-555555555555 (cell2)
  say which by its uuid
`);
  });
  test('is two lines in a log, whatever standard output is', () => {
    expect(report(80, null).split('\n')).toHaveLength(3);
  });
});

test('what goes to standard error is coloured by what standard error is', () => {
  const fake = fakeProcess({ terminal: true });
  const toLog = openIo({ ...fake, stderr: { write: () => {} } });
  expect(toLog.paint.bad('x')).toBe('\x1b[31mx\x1b[39m');
  expect(toLog.onErr.paint.bad('x')).toBe('x');
});
