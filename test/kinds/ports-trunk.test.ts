/** The parent of a trunk: Neutron deletes no such port, and Nova unbinds it as any other. */
import { expect, test } from 'vitest';
import type { Decisions } from '../../src/plan/types.ts';
import { acts, PORT, planFor, port, SERVER, vif } from './ports-samples.ts';

const parent = (subports: readonly string[] = [], changes: Record<string, unknown> = {}) =>
  port({
    trunk_details: { trunk_id: 't', sub_ports: subports.map((id) => ({ port_id: id })) },
    ...changes,
  });
const novas = { vifs: [vif(false)] };
const users = { vifs: [vif(true)] };
const together: Partial<Decisions> = { lift: ['delete-trunk'] };

const asks = (path: string) => ({ door: 'http', service: 'network', path });
const thePort = asks(`/v2.0/ports/${PORT}`);
const theTrunk = asks('/v2.0/trunks/t');

test('is not deleted until that is asked for, and the refusal names what would stay without it', async () => {
  const refused = async (subports: readonly string[]) => {
    const { refusals, steps, kept } = await planFor([parent(subports)], novas);
    expect({ steps, kept }).toEqual({ steps: [], kept: [] });
    return refusals;
  };
  const refusal = {
    code: 'port-in-trunk',
    sentence: `port ${PORT} 10.0.0.5 is the parent of trunk t, and goes only together with the trunk`,
    flag: 'delete-trunk',
  };
  expect(await refused([])).toEqual([refusal]);
  expect(await refused(['p2', 'p3'])).toEqual([
    { ...refusal, sentence: `${refusal.sentence}; its subports stay as ports: p2, p3` },
  ]);
});

test('of a trunk that may not be changed is not deleted, whatever is asked for', async () => {
  const fixed = { 'network /v2.0/trunks/t': { body: { trunk: { admin_state_up: false } } } };
  const plan = await planFor([parent()], novas, together, fixed);
  expect(plan.refusals).toMatchObject([
    { code: 'port-in-trunk', flag: null, sentence: expect.stringContaining('admin_state_up') },
  ]);
  expect(plan.steps).toEqual([]);
});

test('is taken off its host, then the trunk goes, then the port: each waits for the one before', async () => {
  const { steps } = await planFor([parent(['p2'])], novas, together);
  expect(steps).toMatchObject([
    {
      id: `ports/${PORT}/release-host`,
      act: { ...thePort, method: 'PUT', body: { port: { 'binding:host_id': '' } }, status: [200] },
      guards: [{ check: { ...thePort, status: [200], at: { keys: ['port', 'device_id'], equals: SERVER } } }],
      settled: { ...thePort, status: [200], at: { keys: ['port', 'binding:host_id'], equals: '' } },
      before: [thePort],
      undo: 'before-image',
    },
    {
      id: 'ports/trunk/t/delete',
      needs: [`ports/${PORT}/release-host`],
      why: expect.stringContaining('; its subports stay, without a way in: p2.'),
      act: { ...theTrunk, method: 'DELETE', status: [204, 404] },
      guards: [{ check: { ...theTrunk, status: [200], at: { keys: ['trunk', 'port_id'], equals: PORT } } }],
      settled: { ...theTrunk, status: [404] },
      before: [theTrunk],
      undo: 'recreate',
    },
    {
      id: `ports/${PORT}/delete`,
      needs: ['ports/trunk/t/delete'],
      act: { ...thePort, method: 'DELETE', status: [204, 404] },
    },
  ]);
  expect(steps[0]?.needs ?? []).toEqual([]);
});

test.each([
  ['is bound to no host', { 'binding:host_id': '' }],
  ['has no binding', { 'binding:host_id': undefined, 'binding:vif_type': undefined }],
])('that %s need not be taken off one', async (_, changes) => {
  const plan = await planFor([parent([], changes)], novas, together);
  expect(acts(plan)).toMatchObject([
    { ...theTrunk, method: 'DELETE' },
    { ...thePort, method: 'DELETE' },
  ]);
  expect(plan.steps[0]?.why).toContain('; it has no subports.');
});

test('leaves its subports as ports', async () => {
  const { kept } = await planFor([parent(['p2', 'p3'])], novas, together);
  const why = 'the trunk goes, its subports stay as ports';
  expect(kept).toEqual([
    { place: 'Neutron', what: 'port p2, a subport of trunk t', why },
    { place: 'Neutron', what: 'port p3, a subport of trunk t', why },
  ]);
});

test('that is the user’s is unbound, and keeps its trunk with the subports', async () => {
  const plan = await planFor([parent(['p2'])], users);
  expect(plan.refusals).toEqual([]);
  expect(acts(plan)).toMatchObject([{ ...thePort, method: 'PUT', body: { port: { device_id: '' } } }]);
  expect(plan.kept).toMatchObject([
    { what: `port ${PORT} 10.0.0.5` },
    {
      what: 'port p2, a subport of trunk t',
      why: 'the trunk and its subports stay with their parent',
    },
  ]);
});
