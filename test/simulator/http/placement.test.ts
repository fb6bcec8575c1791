import { describe, expect, it } from 'vitest';
import { insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';
import { at, errors, owner, provider } from '../../support/simulated-placement.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

describe('what a consumer holds', () => {
  it('is shown with what the version knows', async () => {
    const cloud = await simulatedCloud();
    const { api, server } = cloud;
    const { uuid, generation } = provider(cloud);
    const { project_id, user_id } = owner(cloud);
    const path = `/allocations/${server.uuid}`;
    const allocations = { [uuid]: { resources: { DISK_GB: 1, MEMORY_MB: 64, VCPU: 1 }, generation } };
    const at = async (microversion?: string) =>
      (await api.get('placement', path, microversion === undefined ? {} : { microversion })).body;
    expect(await at()).toEqual({ allocations });
    expect(await at('1.11')).toEqual({ allocations });
    expect(await at('1.12')).toEqual({ allocations, project_id, user_id });
    expect(await at('1.28')).toEqual({ allocations, project_id, user_id, consumer_generation: 1 });
    expect(await at('1.38')).toEqual({
      allocations,
      project_id,
      user_id,
      consumer_generation: 1,
      consumer_type: 'unknown',
    });
  });

  it('is nothing for one that is unknown', async () => {
    const { api } = await simulatedCloud();
    expect((await api.get('placement', `/allocations/${NOBODY}`)).body).toEqual({ allocations: {} });
  });

  it('comes with the headers of its version', async () => {
    const { ask, server } = await simulatedCloud();
    const path = `/placement/allocations/${server.uuid}`;
    const old = await ask('GET', path);
    expect(old.headers).toMatchObject({
      'openstack-api-version': 'placement 1.0',
      vary: 'openstack-api-version',
      'x-openstack-request-id': expect.stringMatching(/^req-/),
    });
    expect(old.headers['last-modified']).toBeUndefined();
    const latest = await ask('GET', path, { headers: at('latest') });
    expect(latest.headers).toMatchObject({
      'openstack-api-version': 'placement 1.39',
      'cache-control': 'no-cache',
      'last-modified': expect.stringMatching(/^Sun, 01 Nov 2026 09:59:\d\d GMT$/),
    });
    const none = await ask('GET', `/placement/allocations/${NOBODY}`, { headers: at('1.15') });
    expect(none.headers['last-modified']).toBe('Sun, 01 Nov 2026 10:00:00 GMT');
  });
});

describe('a DELETE', () => {
  it('takes allocations and consumer, and leaves the generation of the provider', async () => {
    const cloud = await simulatedCloud();
    const { api, world, server } = cloud;
    const before = provider(cloud);
    await api.send({
      door: 'http',
      service: 'placement',
      method: 'DELETE',
      path: `/allocations/${server.uuid}`,
      status: [204],
    });
    expect(rowsOf(world, 'placement', 'allocations')).toEqual([]);
    expect(rowsOf(world, 'placement', 'consumers')).toEqual([]);
    expect(provider(cloud)).toEqual(before);
  });

  it('finds nothing of a consumer that holds nothing', async () => {
    const { ask } = await simulatedCloud();
    const { status, body, headers } = await ask('DELETE', `/placement/allocations/${NOBODY}`);
    expect(status).toBe(404);
    expect(body).toEqual({
      errors: [
        {
          status: 404,
          title: 'Not Found',
          detail: `The resource could not be found.\n\n No allocations for consumer '${NOBODY}'  `,
          request_id: headers['x-openstack-request-id'],
        },
      ],
    });
    const newer = await ask('DELETE', `/placement/allocations/${NOBODY}`, { headers: at('1.23') });
    expect(errors(newer.body)['code']).toBe('placement.undefined_code');
  });
});

describe('a version', () => {
  it('that Placement has not is not acceptable', async () => {
    const { ask } = await simulatedCloud();
    const { status, body, headers } = await ask('GET', `/placement/allocations/${NOBODY}`, {
      headers: at('1.99'),
    });
    expect(status).toBe(406);
    expect(headers['openstack-api-version']).toBeUndefined();
    expect(errors(body)).toEqual({
      status: 406,
      title: 'Not Acceptable',
      detail:
        'The resource could not be generated that was acceptable to your browser (content of type application/json. \n\n Invalid microversion: Unacceptable version header: 1.99',
      request_id: headers['x-openstack-request-id'],
      max_version: '1.39',
      min_version: '1.0',
    });
  });

  it('that is none is malformed, and one of another service does not count', async () => {
    const { ask } = await simulatedCloud();
    const path = `/placement/allocations/${NOBODY}`;
    expect((await ask('GET', path, { headers: at('foo') })).status).toBe(400);
    const other = await ask('GET', path, { headers: { 'OpenStack-API-Version': 'compute 2.1' } });
    expect(other.headers['openstack-api-version']).toBe('placement 1.0');
  });
});

it('is for administrators', async () => {
  const { ask, token, server } = await simulatedCloud();
  const headers = { 'X-Auth-Token': await token('reader', 'admin') };
  const { status, body } = await ask('GET', `/placement/allocations/${server.uuid}`, { headers });
  expect(status).toBe(403);
  expect(errors(body)['detail']).toBe(
    'Access was denied to this resource.\n\n Policy does not allow placement:allocations:list to be performed.  ',
  );
});

it.each([
  ['GET', '/resource_providers'],
  ['POST', '/allocations'],
  ['GET', `/allocations/${NOBODY}?x=1`],
])('was not taught %s %s', async (method, path) => {
  const { ask } = await simulatedCloud();
  const { status, body } = await ask(method, `/placement${path}`);
  expect(status).toBe(501);
  expect(errors(body)['detail']).toContain(`The simulator was not taught ${method} ${path.split('?')[0]}`);
});

it('tells its versions to everybody', async () => {
  const { ask } = await simulatedCloud();
  const { body } = await ask('GET', '/placement/', { headers: { 'X-Auth-Token': '' } });
  expect(body).toMatchObject({ versions: [{ max_version: '1.39', min_version: '1.0' }] });
});

it('shows nothing of an allocation whose consumer is lost', async () => {
  const { world, api, server } = await simulatedCloud();
  world.db('placement').exec('DELETE FROM consumers');
  expect((await api.get('placement', `/allocations/${server.uuid}`)).body).toEqual({ allocations: {} });
  insert(world, 'placement', 'consumers', { uuid: server.uuid, project_id: 1, user_id: 1 });
  expect((await api.get('placement', `/allocations/${server.uuid}`)).body).not.toEqual({ allocations: {} });
});
