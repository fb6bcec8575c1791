/** What a run did and does not come back: which thing, and why. */
import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import type { Act, Step } from '../../src/plan/types.ts';
import type { ActedStep, RunRecord } from '../../src/run/read-run.ts';
import { makeUndoPlan } from '../../src/run/undo/make-undo-plan.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { recordOf, step } from '../support/plans.ts';

const UNSEEN = new LookError('host compute1', 'no answer', { code: 'host-unreachable' });

const BEGUN = { begunAt: '2026-11-22T10:00:00.000Z', end: 'complete' } as const;

/** @param settled what a look at the step says; undefined: nobody looks */
function tell(of: Step, known: ActedStep['known'] = 'done', settled?: boolean | Error) {
  const reader = {
    ...fakeReader({}),
    async holds() {
      if (settled === undefined) throw new Error('the test did not foresee a look');
      if (settled instanceof Error) throw settled;
      return settled;
    },
    fresh: () => reader,
  };
  const run = recordOf([{ step: of, known, images: [] }], BEGUN);
  return makeUndoPlan(run, reader, { tool: '0', madeAt: '2026-11-22T11:00:00.000Z' });
}

const command: Act = { door: 'command', host: 'compute1', argv: ['rm'], exit: [0] };
const attachment: Act = {
  door: 'http',
  service: 'volume',
  method: 'DELETE',
  path: '/attachments/1',
  status: [200],
};
const trunk: Act = {
  door: 'http',
  service: 'network',
  method: 'DELETE',
  path: '/v2.0/trunks/1',
  status: [204],
};
const sql: Act = {
  door: 'sql',
  database: 'neutron',
  writes: [{ verb: 'delete', table: 't', where: [{ column: 'id', is: '=', value: 1 }], rows: 1 }],
};
const before: Step['before'] = [{ door: 'cache', server: 'm:11211', key: 'b' }];

describe('a thing that is lost', () => {
  const cases: readonly (readonly [Partial<Step>, string, RegExp])[] = [
    [{ title: 'delete console token 1' }, 'console token 1', /^nothing is saved of a token/],
    [
      { kind: 'domain', phase: 'stop', title: 'stop domain i-1' },
      'domain i-1, running',
      /^the plug was pulled/,
    ],
    [
      { kind: 'domain', phase: 'undefine', title: 'undefine domain i-1' },
      'domain i-1, its definition',
      /^its XML is saved/,
    ],
    [
      { kind: 'interfaces', phase: 'unplug', title: 'take qvo1 out of br-int' },
      'qvo1 in br-int',
      /^it is of use only to a running domain/,
    ],
    [
      { kind: 'volume-connections', phase: 'disconnect', title: 'remove disk sda' },
      'disk sda',
      /^Nova connects a volume anew/,
    ],
    [{ kind: 'files', phase: 'files', title: 'remove /a' }, '/a', /^files are gone for good/],
    [
      { kind: 'shelve-snapshot', phase: 'images', title: 'delete image 1' },
      'image 1',
      /^its data are gone; its record is saved/,
    ],
    [
      { kind: 'allocations', phase: 'allocations', title: 'release 1 VCPU of the server' },
      '1 VCPU of the server',
      /^what was held is saved/,
    ],
    [
      { kind: 'volumes', phase: 'volumes', title: 'delete volume 1', act: attachment },
      'volume 1',
      /^its data are gone for good/,
    ],
    [
      {
        kind: 'volumes',
        phase: 'volumes-late',
        undo: 'recreate',
        title: 'let go of volume 1: delete attachment 2',
        act: attachment,
      },
      'volume 1, held by the server',
      /^who held it is saved/,
    ],
    [
      { kind: 'ports', phase: 'ports', undo: 'recreate', title: 'delete port 1' },
      'port 1',
      /^a new port gets another id; .* are saved/,
    ],
    [
      { kind: 'ports', phase: 'ports', undo: 'recreate', title: 'delete trunk 1', act: trunk },
      'trunk 1',
      /^a new trunk gets another id; .* are saved/,
    ],
    [
      { kind: 'ports', phase: 'ports', title: 'delete the rows of port 1', act: sql },
      'the rows of port 1',
      /^its rows are not put back; .* are saved/,
    ],
    [
      { kind: 'new', phase: 'images', title: 'close it', act: command, before },
      'close it',
      /^this version cannot bring it back; what it was is saved/,
    ],
    [
      { kind: 'new', phase: 'images', title: 'change it', act: command, before, undo: 'before-image' },
      'change it',
      /^this version cannot bring it back; what it was is saved/,
    ],
    [
      { kind: 'new', phase: 'images', title: 'close it', act: command },
      'close it',
      /^nothing of it is saved$/,
    ],
  ];
  test.each(cases)('$kind $phase: $title', async (changes, what, why) => {
    const { kept, steps, refusals, unknown } = await tell(step('a', changes));
    expect(kept).toEqual([
      {
        kind: changes.kind ?? 'console-tokens',
        place: 'memcached m:11211',
        what,
        why: expect.stringMatching(why),
      },
    ]);
    expect({ steps, refusals, unknown }).toEqual({ steps: [], refusals: [], unknown: [] });
  });
});

describe('a step whose result nobody wrote down', () => {
  const files = step('a', { kind: 'files', phase: 'files', title: 'remove /a', act: command });
  const stop = step('a', { kind: 'domain', phase: 'stop', title: 'stop domain i-1', act: command });
  const cases: readonly (readonly [string, Step, boolean | Error, RegExp | null])[] = [
    ['that took effect is lost', stop, true, /^the plug was pulled/],
    ['that took no effect is not', stop, false, null],
    [
      'that cannot be looked at may be lost',
      stop,
      UNSEEN,
      /^it is not known whether it happened; if it did: the plug/,
    ],
    ['that removed files, all of them', files, true, /^files are gone for good/],
    [
      'that removed files, and not all of them',
      files,
      false,
      /^it broke off, and part of it may be left; files are gone/,
    ],
  ];
  test.each(cases)('%s', async (_, of, settled, why) => {
    const { kept, unknown } = await tell(of, 'perhaps', settled);
    expect(kept.map((one) => one.why)).toEqual(why === null ? [] : [expect.stringMatching(why)]);
    expect(unknown).toEqual([]);
  });
  test('a fault of expunge itself is not taken for something that cannot be seen', async () => {
    const fault = new TypeError('a fault');
    await expect(tell(stop, 'perhaps', fault)).rejects.toBe(fault);
  });
});

test('the plan says since when what it was is past, and looks at everything anew', async () => {
  const looked: string[] = [];
  const stale = {
    ...fakeReader({}),
    fresh() {
      looked.push('anew');
      return fakeReader({});
    },
  };
  const origin = { tool: '9', madeAt: '2026-11-22T11:00:00.000Z' };
  const undo = (run: RunRecord) => makeUndoPlan(run, stale, origin);
  const run = recordOf([], BEGUN);
  expect(await undo(run)).toMatchObject({
    ...origin,
    site: run.plan.site,
    decisions: run.plan.decisions,
    server: { state: 'active, deleting, until the run of 2026-11-22 10:00:00 UTC' },
  });
  expect((await undo({ ...run, begunAt: null })).server.state).toBe('active, deleting');
  expect(looked).toEqual(['anew', 'anew']);
});

test('a wait changed nothing, and is told by nobody', async () => {
  const wait = step('disks/i/watchers', { phase: 'files', act: command, undo: 'before-image' });
  for (const known of ['done', 'perhaps'] as const)
    expect(await tell(wait, known)).toMatchObject({ kept: [], steps: [], unknown: [] });
});
