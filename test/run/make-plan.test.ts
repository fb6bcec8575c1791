import { describe, expect, test } from 'vitest';
import { fence } from '../../src/kinds/fence/index.ts';
import type { Kind } from '../../src/kinds/kind.ts';
import { EVERY_HOST, type InstanceRow, type Subject } from '../../src/kinds/subject/subject.ts';
import { digestPlan } from '../../src/plan/digest.ts';
import { LookError, UsageError } from '../../src/plan/errors.ts';
import { plan as schema } from '../../src/plan/schema.ts';
import {
  awaitedHosts,
  describeDrift,
  hasNoTrace,
  isClean,
  makePlan,
  planUnseen,
  waitsOnly,
} from '../../src/run/make-plan.ts';
import { draft, plan, SERVER, step } from '../support/plans.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';
import { kindThatPlans, surveyOf } from '../support/surveys.ts';

const ORIGIN = { tool: '0.1.0', site: 'lab', madeAt: '2026-11-22T10:00:00.000Z' };

const files = kindThatPlans('files', {
  remains: [{ place: 'host compute1', what: 'folder' }],
  kept: [{ place: 'host compute1', what: 'another folder', why: 'it is not its own' }],
  steps: [draft('files/compute1', 'files')],
});
const domain = kindThatPlans('domain', { steps: [draft('domain/compute1', 'stop')] });
const refusing = kindThatPlans('rows', {
  refusals: [
    { code: 'locked', sentence: 'It is locked.', flag: 'even-locked' },
    { code: 'working', sentence: 'It is being worked on.', flag: 'even-working' },
    { code: 'other-server', sentence: 'It is another server’s.', flag: null },
  ],
});

describe('from a survey to a plan', () => {
  const made = makePlan(
    surveyOf([files, domain], { unknown: [{ kind: 'ports', place: 'Neutron', why: 'no answer' }] }),
    decisions(),
    ORIGIN,
  );

  test('what every kind found and means to do, with its name on it, in the order of work', () => {
    expect(made.remains).toEqual([{ kind: 'files', place: 'host compute1', what: 'folder' }]);
    expect(made.kept[0]).toMatchObject({ kind: 'files', what: 'another folder' });
    expect(made.steps.map(({ id, kind, needs }) => ({ id, kind, needs }))).toEqual([
      { id: 'domain/compute1', kind: 'domain', needs: [] },
      { id: 'files/compute1', kind: 'files', needs: ['domain/compute1'] },
    ]);
    expect(made.unknown).toEqual([{ kind: 'ports', place: 'Neutron', why: 'no answer' }]);
    expect(made.server).toMatchObject({
      uuid: SERVER,
      name: 'web-1',
      project: 'p1',
      cell: 'cell1',
      hosts: ['compute1'],
    });
  });

  test('and what leads to its places, for every later look', () => {
    expect(made.traces).toMatchObject({ hosts: ['compute1'], domainName: 'instance-0000002a' });
    const tracesOf = (hosts: Subject['hosts']) =>
      makePlan(surveyOf([], { subject: { hosts } }), decisions(), ORIGIN).traces;
    const passedBy = subject().hosts.map((host) => ({ ...host, because: [EVERY_HOST] }));
    expect(tracesOf(passedBy)).toMatchObject({ hosts: [] });
    const off = passedBy.map((host) => ({ ...host, fenced: { answers: null } }));
    expect(tracesOf(off)).toMatchObject({ hosts: ['compute1'] });
  });

  test('it is read back from a file as the same plan with the same digest', () => {
    const back = schema.parse(JSON.parse(JSON.stringify(made, null, 2)));
    expect(back).toEqual(made);
    const { digest, ...bound } = back;
    expect(digestPlan(bound)).toBe(digest);
  });

  test('the same facts a minute later are the same plan', () => {
    const later = makePlan(
      surveyOf([files, domain], { unknown: [{ kind: 'ports', place: 'Neutron', why: 'no answer' }] }),
      decisions(),
      { ...ORIGIN, madeAt: '2026-11-22T10:01:00.000Z' },
    );
    expect(later.digest).toBe(made.digest);
  });

  test('other decisions are another plan', () => {
    const other = makePlan(surveyOf([files, domain]), decisions({ ports: 'keep' }), ORIGIN);
    const same = makePlan(surveyOf([files, domain]), decisions(), ORIGIN);
    expect(other.digest).not.toBe(same.digest);
  });
});

test('what is to be done by hand says whose it is; there is no list of nothing', () => {
  const byHand = { place: 'host compute1', what: 'a tap', how: 'take it away' };
  const ports = kindThatPlans('ports', { manual: [byHand] });
  expect(makePlan(surveyOf([files, ports]), decisions(), ORIGIN).manual).toEqual([
    { kind: 'ports', ...byHand },
  ]);
  expect(makePlan(surveyOf([files]), decisions(), ORIGIN)).not.toHaveProperty('manual');
});

test('a server of no cell is in none', () => {
  expect(makePlan(surveyOf([], { subject: { cell: null } }), decisions(), ORIGIN).server.cell).toBeNull();
});

describe('a server of which nothing can be known', () => {
  const before = makePlan(surveyOf([files]), decisions({ fenced: ['compute9'] }), ORIGIN);
  const unseen = (error: LookError | UsageError) => planUnseen(before, error, '2026-11-22T11:00:00.000Z');

  test.each([
    ['the place', new LookError('API database', 'no answer', { code: 'x' }), 'API database'],
    ['everywhere', new UsageError('a right is missing', { code: 'x' }), 'everywhere'],
  ])('it says so of %s, and nothing else', (_, error, place) => {
    const made = unseen(error);
    expect(made).toMatchObject({
      ...ORIGIN,
      madeAt: '2026-11-22T11:00:00.000Z',
      server: before.server,
      decisions: before.decisions,
      unknown: [{ kind: 'everything', place, why: error.message }],
    });
    for (const list of [made.remains, made.kept, made.refusals, made.steps]) expect(list).toEqual([]);
    expect(isClean(made)).toBe(false);
    const { digest, ...bound } = schema.parse(JSON.parse(JSON.stringify(made)));
    expect(digestPlan(bound)).toBe(digest);
  });
});

describe('refusals', () => {
  const codes = (lift: string[]) =>
    makePlan(surveyOf([refusing]), decisions({ lift }), ORIGIN).refusals.map(({ code }) => code);

  test('stand while nobody lifts them', () => {
    expect(codes([])).toEqual(['locked', 'working', 'other-server']);
  });
  test('each is lifted by its own flag, and by no other', () => {
    expect(codes(['even-locked'])).toEqual(['working', 'other-server']);
    expect(codes(['even-healthy'])).toEqual(['locked', 'working', 'other-server']);
  });
  test('identity is lifted by nothing, whatever is on the list', () => {
    expect(codes(['even-locked', 'even-working', 'null', '', 'other-server'])).toEqual(['other-server']);
  });
  test('a real one: a locked server with and without --even-locked', () => {
    const survey = (lift: string[]) =>
      makePlan(
        {
          ...surveyOf([], { subject: { row: instanceRow({ locked: true }) } }),
          found: [{ kind: fence as Kind<unknown>, facts: { quietSeconds: 3600 } }],
        },
        decisions({ lift }),
        ORIGIN,
      ).refusals;
    expect(survey([])).toMatchObject([{ kind: 'fence', code: 'server-locked', flag: 'even-locked' }]);
    expect(survey(['even-locked'])).toEqual([]);
  });
});

describe('what waits for a host that is off', () => {
  const unknown = [
    { kind: 'files', place: 'host compute1', why: 'powered off, by --fenced' },
    { kind: 'domain', place: 'host compute1', why: 'powered off, by --fenced' },
    { kind: 'files', place: 'host compute2', why: 'no answer' },
  ];
  const made = makePlan(surveyOf([], { unknown }), decisions({ fenced: ['compute1'] }), ORIGIN);

  test('is deferred, with what leads to it; other places stay unknown', () => {
    expect(made.deferred).toEqual(unknown.slice(0, 2));
    expect(made.unknown).toEqual(unknown.slice(2));
    expect(made.traces).toMatchObject({ hosts: ['compute1'], domainName: 'instance-0000002a' });
    expect(awaitedHosts(made)).toEqual(['compute1']);
    expect(awaitedHosts({})).toEqual([]);
    // A host may be called anything.
    const odd = { kind: 'files', place: 'host my host x', why: 'off' };
    expect(awaitedHosts({ deferred: [odd] })).toEqual(['my host x']);
    expect(schema.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
  });
  test('is all that is missing only when everything else is known and done', () => {
    expect(waitsOnly(made)).toBe(false);
    expect(waitsOnly({ ...made, unknown: [] })).toBe(true);
    expect(isClean({ ...made, unknown: [] })).toBe(false);
    expect(waitsOnly(plan())).toBe(false);
  });
});

describe("the server's state in words", () => {
  const state = (changes: Partial<Subject>) =>
    makePlan(surveyOf([], { subject: changes }), decisions(), ORIGIN).server.state;
  const row = (changes: Partial<InstanceRow>) => ({ row: instanceRow(changes) });

  test.each<[string, Partial<Subject>]>([
    ['active, deleting, last changed 2026-11-02 10:00:00 UTC', row({})],
    ['error, last changed 2026-11-02 10:00:00 UTC', row({ vmState: 'error', taskState: null })],
    ['no state', row({ vmState: null, taskState: null, updatedAt: null })],
    ['deleted 2026-11-03 10:00:00 UTC', row({ deleted: 42, deletedAt: '2026-11-03 10:00:00' })],
    ['deleted', row({ deleted: 42 })],
    ['deleted and archived', row({ deleted: 42, archived: true })],
    ['a build request, not scheduled yet', { row: null, buildRequest: { id: 7 } }],
    ['mapped, without a row', { row: null }],
    ['unknown to Nova', { row: null, mapping: null }],
  ])('%s', (words, changes) => {
    expect(state(changes)).toBe(words);
  });
});

describe('clean is only what is looked at everywhere and found empty', () => {
  test('nothing at all', () => {
    expect(isClean(plan())).toBe(true);
  });
  test('what is kept is not left behind', () => {
    const kept = [{ kind: 'ports', place: 'Neutron', what: 'port p', why: 'it is the user’s' }];
    expect(isClean(plan({ kept }))).toBe(true);
  });
  test.each([
    ['a step', { steps: [step('a')] }],
    ['a place that could not be looked at', { unknown: [{ kind: 'files', place: 'host h', why: 'down' }] }],
    ['a thing that is there but may not be touched', { remains: [{ kind: 'k', place: 'p', what: 'w' }] }],
    ['a refusal', { refusals: [{ code: 'c', kind: 'k', sentence: 's', flag: null }] }],
  ])('not with %s', (_, changes) => {
    expect(isClean(plan(changes))).toBe(false);
  });
});

describe('no trace', () => {
  const server = { ...plan().server, state: 'unknown to Nova' };
  test('nothing anywhere', () => {
    expect(hasNoTrace(plan({ server }))).toBe(true);
  });
  test.each([
    ['Nova knows it', {}],
    ['something is left', { server, remains: [{ kind: 'k', place: 'p', what: 'w' }] }],
    ['something is kept', { server, kept: [{ kind: 'k', place: 'p', what: 'w', why: 'y' }] }],
  ])('not when %s', (_, changes) => {
    expect(hasNoTrace(plan(changes))).toBe(false);
  });
});

describe('what moved between two plans', () => {
  const before = plan({
    remains: [{ kind: 'k', place: 'host h', what: 'folder' }],
    steps: [step('a'), step('b')],
  });
  const drift = (changes: Parameters<typeof plan>[0]) =>
    describeDrift(before, plan({ remains: before.remains, steps: before.steps, ...changes }));

  test('nothing', () => {
    expect(drift({})).toEqual([]);
    expect(drift({ madeAt: '2030-01-01T00:00:00.000Z' })).toEqual([]);
  });
  test.each<[string, Parameters<typeof plan>[0], readonly string[]]>([
    [
      'the state',
      { server: { ...before.server, state: 'deleted' } },
      ['no longer: state active, deleting', 'new: state deleted'],
    ],
    ['a thing gone', { remains: [] }, ['no longer: remains host h: folder']],
    ['a step gone', { steps: [step('a')] }, ['no longer: step b']],
    ['a step more', { steps: [...before.steps, step('c')] }, ['new: step c']],
    ['a step that does otherwise', { steps: [step('a'), step('b', { why: 'x' })] }, ['changed: step b']],
    [
      'a host',
      { server: { ...before.server, hosts: ['compute2'] } },
      ['no longer: host compute1', 'new: host compute2'],
    ],
    ['a refusal', { refusals: [{ code: 'c', kind: 'k', sentence: 's', flag: null }] }, ['new: refusal c']],
    ['a place', { unknown: [{ kind: 'k', place: 'p', why: 'w' }] }, ['new: unknown p']],
    ['what is kept', { kept: [{ kind: 'k', place: 'p', what: 'w', why: 'y' }] }, ['new: kept p: w']],
    [
      'what is to be done by hand',
      { manual: [{ kind: 'k', place: 'p', what: 'w', how: 'h' }] },
      ['new: to do by hand p: w'],
    ],
    ['what waits', { deferred: [{ kind: 'k', place: 'host h', why: 'off' }] }, ['new: deferred host h']],
    ['the tool', { tool: '0.2.0' }, ['no longer: version of expunge 0.1.0', 'new: version of expunge 0.2.0']],
    ['a trace', { traces: { name: 'web-1' } }, ['changed: what leads to its places']],
    ['anything else', { decisions: decisions({ ports: 'keep' }) }, ['the reasons it gives']],
  ])('%s', (_, changes, says) => {
    expect(drift(changes)).toEqual(says);
  });
  test.each<[string, Parameters<typeof plan>[0]]>([
    ['refusal c', { refusals: [{ code: 'c', kind: 'k', sentence: 's', flag: null }] }],
    ['unknown p', { unknown: [{ kind: 'k', place: 'p', why: 'w' }] }],
    ['to do by hand p: w', { manual: [{ kind: 'k', place: 'p', what: 'w', how: 'h' }] }],
    ['deferred host h', { deferred: [{ kind: 'k', place: 'host h', why: 'off' }] }],
    ['kept p: w', { kept: [{ kind: 'k', place: 'p', what: 'w', why: 'y' }] }],
  ])('no longer: %s', (what, changes) => {
    expect(describeDrift(plan(changes), plan())).toEqual([`no longer: ${what}`]);
  });
});
