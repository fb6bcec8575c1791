/** What a person sees on a narrow terminal, and a program in a pipe. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openIo } from '../../src/cli/io.ts';
import { renderAct } from '../../src/cli/render/act.ts';
import { clip, fill, wrap } from '../../src/cli/render/lines.ts';
import { renderOutcome } from '../../src/cli/render/outcome.ts';
import { openProgress } from '../../src/cli/render/progress.ts';
import { renderSteps } from '../../src/cli/render/steps.ts';
import { renderHeading, renderObstacles, renderRemains } from '../../src/cli/render/survey.ts';
import { renderTimings } from '../../src/cli/render/timings.ts';
import type { Act } from '../../src/plan/types.ts';
import { fakeProcess } from '../support/fake-process.ts';
import { gone, plan, SERVER, step } from '../support/plans.ts';

const PORT = '7aaa2048-9fc0-4739-ba96-647a5efc1b23';
const PATH = `/var/lib/nova/instances/${SERVER}_resize`;
const terminal = openIo(fakeProcess({ terminal: true, env: { NO_COLOR: '1' } }));
const pipe = openIo(fakeProcess());

const full = plan({
  server: { ...plan().server, project: 'd173281c5be84097bca0fbc49c6b4d74', hosts: ['compute1', 'compute2'] },
  remains: [
    { kind: 'files', place: 'host compute1', what: `folder ${PATH}` },
    {
      kind: 'interfaces',
      place: 'host compute1',
      what: `interface of port ${PORT}: qvo7aaa2048-9f in br-int, bridge qbr7aaa2048-9f, device qvb7aaa2048-9f`,
    },
  ],
  kept: [{ kind: 'ports', place: 'Neutron', what: `port ${PORT}`, why: 'made before the server' }],
  steps: [step('x', { title: `remove ${PATH}`, why: 'It '.repeat(60).trim() })],
});

const longest = (text: string) => Math.max(...text.split('\n').map((line) => line.length));

describe('lines', () => {
  test('whatever is wrapped: every word is there, whole and in order, and a line is too long only with one word', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z-]{1,50}$/), { minLength: 1 }), (words) => {
        const lines = wrap(words.join(' '), 40, '  ', '    ');
        expect(lines.map((line) => line.trim()).join(' ')).toBe(words.join(' '));
        for (const line of lines) if (line.length > 40) expect(line.trim()).not.toContain(' ');
      }),
    );
  });
  test('a command that goes on says so to a shell', () => {
    expect(fill(['rm', '-rf', '--', PATH], 40, { first: '', others: '  ', end: ' \\' })).toEqual([
      'rm -rf -- \\',
      `  ${PATH}`,
    ]);
  });
  test('what would not fit below the others stands further left: a terminal would break it', () => {
    const id = 'x'.repeat(36);
    expect(wrap(`port ${id}`, 40, '  ', ' '.repeat(9))).toEqual(['  port', `    ${id}`]);
    expect(wrap(`port ${id}`, 50, '  ', ' '.repeat(9))).toEqual([`  port ${id}`]);
  });
  test('Chinese takes two columns a character', () => {
    expect(wrap('密密密密 密密密密', 10, '')).toEqual(['密密密密', '密密密密']);
    expect(clip('密密 密密', 8)).toBe('密密 ...');
  });
});

describe('80 columns', () => {
  test('nothing is wider, but for what is copied', () => {
    const text = [
      renderHeading(full, terminal),
      renderRemains(full, terminal),
      renderSteps(full, terminal, renderAct),
    ].join('');
    const wide = text.split('\n').filter((line) => line.length > 80);
    expect(wide).toEqual([]);
    for (const whole of [SERVER, PORT, PATH, 'd173281c5be84097bca0fbc49c6b4d74', 'compute2'])
      expect(text).toContain(whole);
  });
  test('the line of what is under way is one line, so that the next can be written over it', () => {
    const process = fakeProcess({ terminal: true });
    const long = step('a', { title: `delete image "${'密'.repeat(60)}"` });
    const { show } = openProgress(plan({ steps: [long, step('b')] }), openIo(process));
    show({ type: 'step-started', step: long });
    show({ type: 'step-started', step: step('b') });
    const shown = process.out().split('\x1b[2K').at(-1) ?? '';
    const columns = [...shown].reduce((sum, c) => sum + (c === '密' ? 2 : 1), 0);
    expect(columns).toBeLessThan(80);
    expect(shown).toContain('(and 1 more)');
  });
  test('timings', () => {
    const what = 'read sql cell:e3603e33-f659-404b-a953-547350705572';
    const spans = [{ what, startMs: 12, endMs: 12_345 }];
    expect(longest(renderTimings({ spans, clock: () => 99_999 }))).toBeLessThanOrEqual(80);
  });
});

describe('in a pipe', () => {
  test('one thing is one line, however long', () => {
    const lines = renderRemains(full, pipe).trim().split('\n');
    expect(lines).toEqual([
      'Still there: 2 things in 1 place',
      '  host compute1',
      ...full.remains.map(({ what }) => `    ${what}`),
    ]);
  });
});

test('a step that waits for something first says for what, and how long at most', () => {
  const lull = { why: 'Somebody is at it.', while: gone('busy'), seconds: 5 };
  const text = renderSteps(plan({ steps: [step('x', { lull })] }), pipe, renderAct);
  expect(text).toContain('\n       wait    at most 5 s. Somebody is at it.\n');
  expect(renderSteps(plan({ steps: [step('x')] }), pipe, renderAct)).not.toContain('at most');
});

describe('word for word', () => {
  const shown = (act: Act) => renderAct(act, Number.POSITIVE_INFINITY).map((line) => line.trim());
  test('a statement can be copied: names in backticks, backslashes kept, the count behind the semicolon', () => {
    const where = [{ column: 'id', is: '=' as const, value: 1 }];
    const act: Act = {
      door: 'sql',
      database: 'cell',
      writes: [
        { verb: 'update', table: 't', set: { key: "a\\b'c", n: { column: 'id' } }, where, rows: 2 },
        { verb: 'insert', table: 't', values: { key: null } },
      ],
    };
    expect(shown(act)).toEqual([
      'SQL     START TRANSACTION;',
      "UPDATE `t` SET `key` = 'a\\\\b''c', `n` = `id` WHERE `id` = 1; -- 2 rows",
      'INSERT INTO `t` SET `key` = NULL;',
      'COMMIT;',
    ]);
  });
  test('a request says which API it is for, and its microversion', () => {
    const path = `/allocations/${SERVER}`;
    expect(
      shown({
        door: 'http',
        service: 'placement',
        method: 'DELETE',
        path,
        microversion: '1.28',
        status: [204],
      }),
    ).toEqual([`send    DELETE ${path} (placement API, microversion 1.28)`]);
  });
  test('a command is quoted for a shell, and so are those that are tried after it', () => {
    const act: Act = {
      door: 'command',
      host: 'h',
      argv: ['rm', "a'b c"],
      exit: [0],
      otherwise: [['rm', '$x']],
    };
    expect(shown(act)).toEqual([`run     rm 'a'\\''b c'`, "or else rm '$x'"]);
    const fed: Act = { ...act, first: [{ argv: ['sync'], exit: [0] }], argv: ['tee', '/x'], input: '1\n$x' };
    expect(shown(fed)).toEqual([
      'run     sync',
      "then    printf %s '1\\u{a}$x' | tee /x",
      "or else printf %s '1\\u{a}$x' | rm '$x'",
    ]);
  });
  test('of the message bus: whose requests, out of which queue', () => {
    const act: Act = { door: 'queue', database: 'cell:c1', queue: 'compute.h', server: 's' };
    expect(shown(act)).toEqual(['take    what is for s out of queue compute.h of the message bus']);
  });
  test('of a console token only the beginning', () => {
    const key = '0123456789abcdef';
    expect(shown({ door: 'cache', server: 'm:11211', key })).toEqual(['delete  01234567… on m:11211']);
  });
});

describe('what stands in the way', () => {
  const refusals = [{ kind: 'domain', code: 'domain-other-uuid', sentence: 'Not this one.', flag: null }];
  test('nothing left but a refusal is not called clean', () => {
    expect(renderRemains(plan({ refusals }), pipe)).toBe('');
    expect(renderObstacles(plan({ refusals }), pipe)).toContain('domain-other-uuid: nothing lifts this');
  });
});

describe('the end of a run', () => {
  const SHOWN = { kept: true, site: 'demo' };
  const report = (verified = plan()) => ({
    results: [{ step: step('x'), outcome: 'done' as const, detail: null }],
    verified,
    run: '/runs/1',
    listed: true,
    exitCode: 0,
    interrupted: false,
  });
  test('the last words say whether it is gone', () => {
    const verdict = (verified: ReturnType<typeof plan>) =>
      renderOutcome(plan(), report(verified), pipe, SHOWN).split('\n\n').at(-1);
    expect(verdict(plan())).toBe('Verified: looked everywhere again, nothing is left.\n');
    const late = { kind: 'waiting-requests', place: 'host a', what: 'a request', why: 'nobody could look' };
    const unasked = plan({ kept: [{ ...late, unseen: 'the message bus' }] });
    const butBus =
      'Verified: looked again everywhere but at the message bus, see Kept: nothing else is left.\n';
    expect(verdict(unasked)).toBe(butBus);
    // Afterwards nobody asks the bus any more: what could not be seen before is still not known.
    expect(renderOutcome(unasked, report(), pipe, SHOWN).split('\n\n').at(-1)).toBe(butBus);
    expect(verdict(full)).toBe(
      `Not clean: 2 things left, see above.\nNext: expunge purge ${SERVER} --site demo\n`,
    );
    expect(verdict(plan({ unknown: [{ kind: 'ports', place: 'Neutron', why: 'down' }] }))).toBe(
      `Not verified: could not look everywhere. When every place can be reached, look again.\nNext: expunge verify ${SERVER} --site demo\n`,
    );
    const refusals = [{ kind: 'fence', code: 'c', sentence: 'No.', flag: null }];
    expect(verdict(plan({ refusals }))).toBe('Not clean: refused, see above.\n');
  });
  test('what is kept is shown once: here, or where the name was asked for', () => {
    expect(renderOutcome(full, report(), pipe, { ...SHOWN, kept: false })).toContain(
      `Kept\n  Neutron: port ${PORT}`,
    );
    const asked = renderOutcome(full, report(), pipe, SHOWN);
    expect(asked).not.toContain(PORT);
    expect(asked).toContain('1 done; kept, as listed above: 1 thing');
  });
});
