import { describe, expect, it } from 'vitest';
import { insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';

type Services = { readonly services: readonly Readonly<Record<string, unknown>>[] };

describe("Nova's services", () => {
  it('are shown with whether they report', async () => {
    const { api, world } = await simulatedCloud();
    const seen = (when: string) =>
      world.db('nova').prepare('UPDATE services SET last_seen_up = ?, updated_at = ?').run(when, when);
    seen('2026-11-01 09:59:30');
    const { services } = (await api.get('compute', '/os-services')).body as Services;
    const compute = services.find(({ binary }) => binary === 'nova-compute');
    expect(compute).toEqual({
      binary: 'nova-compute',
      host: 'compute1',
      id: rowsOf(world, 'nova', 'services', { binary: 'nova-compute' })[0]?.['id'],
      zone: 'nova',
      status: 'enabled',
      state: 'up',
      updated_at: '2026-11-01T09:59:30.000000',
      disabled_reason: null,
    });
    expect(services.find(({ binary }) => binary === 'nova-conductor')).toMatchObject({ zone: 'internal' });
    world.advance(31);
    const later = (await api.get('compute', '/os-services?binary=nova-compute', { microversion: '2.53' }))
      .body;
    expect((later as Services).services).toMatchObject([
      { state: 'down', forced_down: false, id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    ]);
  });

  it('are down when somebody says so, and in the zone of their aggregate', async () => {
    const { api, world } = await simulatedCloud();
    world
      .db('nova')
      .exec("UPDATE services SET forced_down = 1, disabled = 1, last_seen_up = '2026-11-01 10:00:00'");
    const id = insert(world, 'nova_api', 'aggregates', { uuid: 'a', name: 'rack1' });
    insert(world, 'nova_api', 'aggregate_hosts', { aggregate_id: id, host: 'compute1' });
    insert(world, 'nova_api', 'aggregate_metadata', {
      aggregate_id: id,
      key: 'availability_zone',
      value: 'west',
    });
    const { body } = await api.get('compute', '/os-services?host=compute1&binary=nova-compute');
    expect((body as Services).services).toMatchObject([{ state: 'down', status: 'disabled', zone: 'west' }]);
    expect((body as Services).services[0]).not.toHaveProperty('forced_down');
  });

  it('are for administrators', async () => {
    const { ask, token } = await simulatedCloud();
    const headers = { 'X-Auth-Token': await token('reader', 'admin') };
    const { status, body } = await ask('GET', '/compute/v2.1/os-services', { headers });
    expect(status).toBe(403);
    expect(body).toMatchObject({ forbidden: { code: 403 } });
  });
});

it('tells its version to everybody', async () => {
  const { ask } = await simulatedCloud();
  const { status, headers, body } = await ask('GET', '/compute/v2.1', { headers: { 'X-Auth-Token': '' } });
  expect(status).toBe(200);
  expect(body).toMatchObject({ version: { id: 'v2.1', version: '2.93', min_version: '2.1' } });
  expect(headers).toMatchObject({
    'openstack-api-version': 'compute 2.1',
    'x-openstack-nova-api-version': '2.1',
    vary: 'X-OpenStack-Nova-API-Version',
  });
  expect(headers['x-compute-request-id']).toBe(headers['x-openstack-request-id']);
});

it.each([
  ['2.999', 406, 'Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.93.'],
  ['foo', 400, 'API Version String foo is of invalid format. Must be of format MajorNum.MinorNum.'],
])('refuses the version %s', async (version, status, message) => {
  const { ask } = await simulatedCloud();
  const answer = await ask('GET', '/compute/v2.1/os-services', {
    headers: { 'OpenStack-API-Version': `compute ${version}` },
  });
  expect(answer.status).toBe(status);
  expect(answer.body).toEqual({
    [status === 406 ? 'computeFault' : 'badRequest']: { code: status, message },
  });
});

it.each([
  ['GET', '/servers/x', ''],
  ['POST', '/os-services', ''],
  ['GET', '/os-services?x=1', ': the query x'],
])('was not taught %s %s', async (method, path, also) => {
  const { ask } = await simulatedCloud();
  const { status, body } = await ask(method, `/compute/v2.1${path}`);
  expect(status).toBe(501);
  const message = `The simulator was not taught ${method} /v2.1${path.split('?')[0]}${also}`;
  expect(body).toEqual({ notImplemented: { code: 501, message } });
});
