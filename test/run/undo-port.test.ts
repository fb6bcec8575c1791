import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import type { Step } from '../../src/plan/types.ts';
import type { RunRecord } from '../../src/run/read-run.ts';
import { makeUndoPlan } from '../../src/run/undo/make-undo-plan.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { plan, SERVER, step } from '../support/plans.ts';

const ID = '68273d22-cab4-45e0-9669-c9caa0ab37c4';
const PATH = `/v2.0/ports/${ID}`;
const bound = {
  id: ID,
  name: 'pre',
  device_id: SERVER,
  device_owner: 'compute:nova',
  'binding:host_id': 'compute1',
  'binding:profile': { pci_slot: '0000:05:00.1', mine: 1 },
  status: 'ACTIVE',
};
/** As Neutron shows it after Nova's own unbinding body. */
const free = {
  ...bound,
  device_id: '',
  device_owner: '',
  'binding:host_id': '',
  'binding:profile': { mine: 1 },
  status: 'DOWN',
};

/** As the kind `ports` plans it (kinds/ports/plan.ts). */
const unbind: Step = step(`ports/${ID}/unbind`, {
  kind: 'ports',
  phase: 'ports',
  place: 'Neutron',
  title: `unbind port ${ID}`,
  act: {
    door: 'http',
    service: 'network',
    method: 'PUT',
    path: PATH,
    body: {
      port: {
        device_id: '',
        device_owner: '',
        'binding:host_id': null,
        'binding:profile': { mine: 1 },
        dns_name: '',
      },
    },
    status: [200],
  },
  undo: 'before-image',
});

async function undo(
  now: { status?: number; body?: unknown } | LookError,
  known: 'done' | 'perhaps' = 'done',
) {
  const run: RunRecord = {
    folder: '/runs/1',
    plan: plan({ steps: [unbind] }),
    begunAt: '2026-11-22T10:00:00.000Z',
    by: { host: 'h', user: 'u', pid: 1 },
    links: {},
    end: 'complete',
    announced: [],
    abandoned: null,
    acted: [
      {
        step: unbind,
        known,
        images: [{ of: { door: 'http', service: 'network', path: PATH }, image: { port: bound } }],
      },
    ],
  };
  const reader = fakeReader({ http: { [`network ${PATH}`]: now } });
  return makeUndoPlan(run, reader, { tool: '0', madeAt: '2026-11-22T11:00:00.000Z' });
}

describe('a port that the run freed', () => {
  test('is given back: what the request had changed, as it was, and nothing else', async () => {
    const { steps, kept, refusals } = await undo({ body: { port: free } });
    expect({ kept, refusals }).toEqual({ kept: [], refusals: [] });
    expect(steps).toHaveLength(1);
    expect(steps[0]?.act).toEqual({
      door: 'http',
      service: 'network',
      method: 'PUT',
      path: PATH,
      // No dns_name: this Neutron has none.
      body: {
        port: {
          device_id: SERVER,
          device_owner: 'compute:nova',
          'binding:host_id': 'compute1',
          'binding:profile': { pci_slot: '0000:05:00.1', mine: 1 },
        },
      },
      status: [200],
    });
    const at = (equals: string) => ({ keys: ['port', 'device_id'], equals });
    expect(steps[0]?.guards.map(({ check }) => check)).toMatchObject([{ path: PATH, at: at('') }]);
    expect(steps[0]?.settled).toMatchObject({ path: PATH, at: at(SERVER) });
    expect(steps[0]?.before).toEqual([{ door: 'http', service: 'network', path: PATH }]);
  });
  test('is left when the server has it already, whatever the journal knows', async () => {
    for (const known of ['done', 'perhaps'] as const)
      expect(await undo({ body: { port: bound } }, known)).toMatchObject({
        steps: [],
        kept: [],
        refusals: [],
      });
  });
  test.each<[string, { status?: number; body?: unknown }, string]>([
    [
      'taken by another server',
      { body: { port: { ...free, device_id: 'other' } } },
      'it belongs to other now',
    ],
    ['deleted', { status: 404, body: {} }, 'it was deleted since the run'],
    [
      'changed by somebody',
      { body: { port: { ...free, 'binding:profile': { theirs: 2 } } } },
      'it was changed since the run: binding:profile',
    ],
  ])('stays as it is when it was %s', async (_, now, why) => {
    expect(await undo(now)).toMatchObject({ steps: [], kept: [{ kind: 'ports', place: 'Neutron', why }] });
  });
  test('when Neutron cannot be asked, it is not known', async () => {
    const error = new LookError('Neutron', 'no answer', { code: 'api-unreachable' });
    expect(await undo(error)).toMatchObject({ steps: [], unknown: [{ place: 'Neutron', why: 'no answer' }] });
  });
});
