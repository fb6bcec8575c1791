import { describe, expect, it } from 'vitest';
import { rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';
import { at, errors, owner, provider } from '../../support/simulated-placement.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

type Cloud = Awaited<ReturnType<typeof simulatedCloud>>;

function put(cloud: Cloud, consumer: string, body: object, version = '1.28') {
  return cloud.ask('PUT', `/placement/allocations/${consumer}`, { headers: at(version), body });
}

describe('a PUT', () => {
  it('with nothing empties the consumer, raises the provider once and drops the consumer', async () => {
    const cloud = await simulatedCloud();
    const { world, server } = cloud;
    const { generation } = provider(cloud);
    const body = { allocations: {}, ...owner(cloud), consumer_generation: 1 };
    expect((await put(cloud, server.uuid, body)).status).toBe(204);
    expect(rowsOf(world, 'placement', 'allocations')).toEqual([]);
    expect(rowsOf(world, 'placement', 'consumers')).toEqual([]);
    expect(provider(cloud).generation).toBe(generation + 1);
  });

  it('replaces what is held, and brings back what a DELETE took', async () => {
    const cloud = await simulatedCloud();
    const { world, server, ask, api } = cloud;
    const path = `/allocations/${server.uuid}`;
    const saved = (await api.get('placement', path, { microversion: '1.28' })).body as {
      allocations: Record<string, object>;
    };
    await ask('DELETE', `/placement${path}`);
    const again = await put(cloud, server.uuid, { ...saved, consumer_generation: null });
    expect(again.status).toBe(204);
    expect((await api.get('placement', path, { microversion: '1.28' })).body).toMatchObject({
      consumer_generation: 1,
    });
    expect(rowsOf(world, 'placement', 'allocations').map((row) => row['used'])).toEqual([1, 64, 1]);
    const { uuid } = provider(cloud);
    const less = {
      allocations: { [uuid]: { resources: { VCPU: 2 } } },
      project_id: 'e'.repeat(32),
      user_id: 'd'.repeat(32),
      consumer_generation: 1,
      consumer_type: 'INSTANCE',
    };
    expect((await put(cloud, server.uuid, less, '1.38')).status).toBe(204);
    expect((await api.get('placement', path, { microversion: '1.38' })).body).toMatchObject({
      allocations: { [uuid]: { resources: { VCPU: 2 } } },
      project_id: 'e'.repeat(32),
      user_id: 'd'.repeat(32),
      consumer_generation: 2,
      consumer_type: 'INSTANCE',
    });
  });

  it('with nothing for a consumer that held nothing leaves its row behind, as Placement does', async () => {
    const cloud = await simulatedCloud();
    const body = { allocations: {}, ...owner(cloud), consumer_generation: null };
    expect((await put(cloud, NOBODY, body)).status).toBe(204);
    expect(rowsOf(cloud.world, 'placement', 'consumers', { uuid: NOBODY })).toHaveLength(1);
  });

  it.each([
    [null, 1, 'consumer generation conflict - expected 1 but got None'],
    [7, 1, 'consumer generation conflict - expected 1 but got 7'],
    [7, null, 'consumer generation conflict - expected null but got 7'],
  ])('that expects generation %s where it is %s is refused', async (expected, real, message) => {
    const cloud = await simulatedCloud();
    const consumer = real === null ? NOBODY : cloud.server.uuid;
    const before = rowsOf(cloud.world, 'placement', 'allocations');
    const answer = await put(cloud, consumer, {
      allocations: {},
      ...owner(cloud),
      consumer_generation: expected,
    });
    expect(answer.status).toBe(409);
    expect(errors(answer.body)).toMatchObject({
      title: 'Conflict',
      code: 'placement.concurrent_update',
      detail: `There was a conflict when trying to complete your request.\n\n ${message}  `,
    });
    expect(rowsOf(cloud.world, 'placement', 'allocations')).toEqual(before);
  });

  it.each([
    [{ VCPU: 99_999 }, 409, 'violate inventory constraints'],
    [{ CUSTOM_GOLD: 1 }, 400, 'No such resource class CUSTOM_GOLD.'],
    [{ PCPU: 1 }, 409, "Inventory for 'PCPU' on resource provider"],
  ])('of %j is refused, and nothing changes', async (resources, status, message) => {
    const cloud = await simulatedCloud();
    const before = rowsOf(cloud.world, 'placement', 'allocations');
    const answer = await put(cloud, cloud.server.uuid, {
      allocations: { [provider(cloud).uuid]: { resources } },
      ...owner(cloud),
      consumer_generation: 1,
    });
    expect(answer.status).toBe(status);
    expect(errors(answer.body)['detail']).toContain(message);
    expect(rowsOf(cloud.world, 'placement', 'allocations')).toEqual(before);
    expect(rowsOf(cloud.world, 'placement', 'consumers')).toMatchObject([{ generation: 1 }]);
  });

  it('of more than is free is refused', async () => {
    const cloud = await simulatedCloud();
    cloud.world
      .db('placement')
      .exec('UPDATE inventories SET allocation_ratio = 1.0, total = 2, max_unit = 2, reserved = 0');
    const want = (amount: number) =>
      put(cloud, NOBODY, {
        allocations: { [provider(cloud).uuid]: { resources: { VCPU: amount } } },
        ...owner(cloud),
        consumer_generation: null,
      });
    const answer = await want(2);
    expect(answer.status).toBe(409);
    expect(errors(answer.body)['detail']).toContain('would exceed the capacity.');
    expect((await want(1)).status).toBe(204);
  });

  it('at a provider that is not there is refused', async () => {
    const cloud = await simulatedCloud();
    const answer = await put(cloud, NOBODY, {
      allocations: { [NOBODY]: { resources: { VCPU: 1 } } },
      ...owner(cloud),
      consumer_generation: null,
    });
    expect(answer.status).toBe(400);
    expect(errors(answer.body)['detail']).toContain(
      `Allocation for resource provider '${NOBODY}' that does not exist.`,
    );
  });

  it.each([
    ['1.12', {}, 'does not have enough properties'],
    ['1.12', { consumer_generation: 1 }, 'consumer_generation'],
    ['1.28', { consumer_type: 'INSTANCE', consumer_generation: 1 }, 'consumer_type'],
    ['1.28', {}, 'consumer_generation'],
    ['1.38', { consumer_generation: 1 }, 'consumer_type'],
    ['1.28', { consumer_generation: 1, nosuch: 1 }, 'nosuch'],
  ])('at %s with %j does not validate', async (version, also, message) => {
    const cloud = await simulatedCloud();
    const answer = await put(
      cloud,
      cloud.server.uuid,
      { allocations: {}, ...owner(cloud), ...also },
      version,
    );
    expect(answer.status).toBe(400);
    expect(errors(answer.body)['detail']).toContain('JSON does not validate:');
    expect(errors(answer.body)['detail']).toContain(message);
  });

  it('for what is no uuid is refused, and one in the form of before 1.12 was not taught', async () => {
    const cloud = await simulatedCloud();
    const body = { allocations: {}, ...owner(cloud), consumer_generation: null };
    const malformed = await put(cloud, 'nosuch', body);
    expect(malformed.status).toBe(400);
    expect(errors(malformed.body)['detail']).toContain('Malformed consumer_uuid: nosuch');
    const old = await put(cloud, cloud.server.uuid, body, '1.11');
    expect(old.status).toBe(501);
    expect(errors(old.body)['detail']).toContain('allocations as a list, before 1.12');
  });
});
