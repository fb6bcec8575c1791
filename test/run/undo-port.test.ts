import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import type { HttpAct, Step } from '../../src/plan/types.ts';
import { makeUndoPlan } from '../../src/run/undo/make-undo-plan.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { recordOf, SERVER, step } from '../support/plans.ts';

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
const act: HttpAct = {
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
};
const unbind: Step = step(`ports/${ID}/unbind`, {
  kind: 'ports',
  phase: 'ports',
  place: 'Neutron',
  title: `unbind port ${ID}`,
  act,
  undo: 'before-image',
});

interface Acted {
  readonly known?: 'done' | 'perhaps';
  readonly of?: Step;
  /** what was saved of it */
  readonly image?: unknown;
}

async function undo(
  now: { status?: number; body?: unknown } | LookError,
  { known = 'done', of = unbind, image = { port: bound } }: Acted = {},
) {
  const run = recordOf(
    [{ step: of, known, images: [{ of: { door: 'http', service: 'network', path: PATH }, image }] }],
    { begunAt: '2026-11-22T10:00:00.000Z', by: { host: 'h', user: 'u', pid: 1 }, end: 'complete' },
  );
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
    const found = { door: 'http', service: 'network', path: PATH, status: [200] };
    expect(steps[0]?.guards.map(({ check }) => check)).toEqual([{ ...found, at: at('') }]);
    expect(steps[0]?.settled).toEqual({ ...found, at: at(SERVER) });
    expect(steps[0]?.undo).toBe('before-image');
    expect(steps[0]?.before).toEqual([{ door: 'http', service: 'network', path: PATH }]);
  });
  test('is left when the server has it already, whatever the journal knows', async () => {
    for (const known of ['done', 'perhaps'] as const)
      expect(await undo({ body: { port: bound } }, { known })).toMatchObject({
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
      'changed by somebody in two things',
      { body: { port: { ...free, device_owner: 'x', 'binding:host_id': 'compute2' } } },
      'it was changed since the run: device_owner, binding:host_id',
    ],
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
  test.each([
    ['nothing', undefined],
    ['a page', '<html></html>'],
    ['something else', { ports: [] }],
  ])('when Neutron answers with %s, it is not known either', async (_, body) => {
    const { steps, unknown } = await undo({ body });
    expect(steps).toEqual([]);
    expect(unknown).toMatchObject([
      { kind: 'ports', place: 'Neutron', why: expect.stringMatching(/^the answer is not understood/) },
    ]);
  });
  test('is given back when some of it is as it was already', async () => {
    const half = { ...free, device_owner: bound.device_owner, 'binding:host_id': bound['binding:host_id'] };
    const { steps, kept } = await undo({ body: { port: half } });
    expect(kept).toEqual([]);
    expect(steps).toMatchObject([
      {
        id: `undo/ports/${ID}/unbind`,
        title: `give port ${ID} back to the server`,
        guards: [{ must: `port ${ID} is free` }],
      },
    ]);
  });
  test('is free in whatever words Neutron says so, and in whatever order', async () => {
    const profile = { a: [1, { x: 1, y: 2 }], b: 2 };
    const of = { ...unbind, act: { ...act, body: { port: { device_id: '', 'binding:profile': profile } } } };
    const port = { ...free, device_id: null, 'binding:profile': { b: 2, a: [1, { y: 2, x: 1 }] } };
    expect((await undo({ body: { port } }, { of })).steps).toHaveLength(1);
    const otherwise = { ...port, 'binding:profile': { b: 2, a: [{ y: 2, x: 1 }, 1] } };
    expect((await undo({ body: { port: otherwise } }, { of })).kept).toMatchObject([
      { why: 'it was changed since the run: binding:profile' },
    ]);
    const { device_id: _, ...without } = port;
    expect((await undo({ body: { port: without } }, { of })).steps).toHaveLength(1);
  });
  test('is lost when what was saved of it is no port', async () => {
    expect(await undo({ body: { port: free } }, { image: null })).toMatchObject({
      steps: [],
      kept: [{ what: `port ${ID} as this server's`, why: 'what it was is not in before.jsonl' }],
    });
  });
  test('and gave back is taken from the server again', async () => {
    const of = {
      ...unbind,
      act: { ...act, body: { port: { device_id: SERVER, device_owner: 'compute:nova' } } },
    };
    const { steps } = await undo({ body: { port: bound } }, { of, image: { port: free } });
    const at = (equals: string) => ({ at: { keys: ['port', 'device_id'], equals } });
    expect(steps).toMatchObject([
      {
        title: `take port ${ID} from the server`,
        act: { body: { port: { device_id: '', device_owner: '' } } },
        guards: [{ must: `port ${ID} still belongs to ${SERVER}`, check: at(SERVER) }],
        settled: at(''),
      },
    ]);
    for (const nobody of ['', null]) {
      const freed = { ...bound, device_id: nobody, device_owner: 'x' };
      expect((await undo({ body: { port: freed } }, { of, image: { port: free } })).kept).toMatchObject([
        { why: 'it was freed since the run' },
      ]);
    }
  });
});

test.each<[string, Partial<HttpAct>]>([
  ['a request that deletes it', { method: 'DELETE' }],
  ['a request for something below it', { path: `${PATH}/bindings` }],
  ['a request to another service', { service: 'compute' }],
  ['a request without a port in it', { body: { ports: [] } }],
])('%s is no change of a port', async (_, changes) => {
  const of = { ...unbind, act: { ...act, ...changes } };
  expect(await undo({ body: { port: free } }, { of })).toMatchObject({
    steps: [],
    kept: [{ what: `unbind port ${ID}`, why: expect.stringContaining('a new port gets another id') }],
  });
});

describe('a port that was only taken off its host', () => {
  const body = { port: { 'binding:host_id': '' } };
  const off: Step = { ...unbind, id: `ports/${ID}/off-host`, act: { ...act, body } };

  test('is put back on it, as long as it is the server’s', async () => {
    const { steps, kept } = await undo({ body: { port: { ...bound, 'binding:host_id': '' } } }, { of: off });
    expect(kept).toEqual([]);
    const at = (key: string, equals: string) => ({ keys: ['port', key], equals });
    expect(steps).toMatchObject([
      {
        title: `put port ${ID} back as it was`,
        act: { method: 'PUT', body: { port: { 'binding:host_id': 'compute1' } } },
        guards: [{ must: `port ${ID} still belongs to ${SERVER}`, check: { at: at('device_id', SERVER) } }],
        settled: { at: at('binding:host_id', 'compute1') },
      },
    ]);
  });
  test('is left to whom it belongs by now', async () => {
    const { steps, kept } = await undo(
      { body: { port: { ...bound, device_id: 'other', 'binding:host_id': '' } } },
      { of: off },
    );
    expect(steps).toEqual([]);
    expect(kept).toMatchObject([{ why: 'it belongs to other now' }]);
  });
});
