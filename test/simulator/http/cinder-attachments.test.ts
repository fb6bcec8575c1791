import { describe, expect, it } from 'vitest';
import type { World } from '../../../src/simulator/world.ts';
import { insert, rowsOf } from '../../support/simulated-apis.ts';
import {
  ATTACHMENT,
  at,
  attachment,
  cloudWithVolume,
  detach,
  fault,
  forget,
  HELD,
  NOBODY,
  OTHER,
  plantAttachment,
  VOLUME,
  volume,
} from '../../support/simulated-volumes.ts';

describe('an attachment that a server holds', () => {
  it('stays, and Cinder names the server', async () => {
    const cloud = await cloudWithVolume();
    const { status, body, headers } = await detach(cloud);
    expect(status).toBe(409);
    expect(body).toEqual(
      fault('conflictingRequest', 409, `${HELD} ${cloud.server.uuid} using the Compute API`),
    );
    expect(headers).toMatchObject({ 'openstack-api-version': 'volume 3.44', vary: 'OpenStack-API-Version' });
    expect(headers['x-compute-request-id']).toBe(headers['x-openstack-request-id']);
    expect(attachment(cloud.world)).toMatchObject({ deleted: 0, attach_status: 'attached' });
  });

  it('goes for a service, with its rows as the real ones', async () => {
    const cloud = await cloudWithVolume();
    const { world, token } = cloud;
    const { status, body } = await detach(cloud, ATTACHMENT, {
      'X-Service-Token': await token('nova', 'service'),
    });
    expect({ status, body }).toEqual({ status: 200, body: { attachments: [] } });
    expect(attachment(world)).toMatchObject({
      deleted: 1,
      deleted_at: '2026-11-01 10:00:00',
      detach_time: '2026-11-01 10:00:00',
      attach_status: 'detached',
      instance_uuid: cloud.server.uuid,
      updated_at: '2026-11-01 09:11:00',
    });
    expect(volume(world)).toMatchObject({
      status: 'available',
      attach_status: 'detached',
      updated_at: '2026-11-01 09:30:00',
    });
    expect(rowsOf(world, 'cinder', 'volume_admin_metadata')).toMatchObject([{ deleted: 1 }]);
  });

  it('goes not for a service token without the role, or one that is none', async () => {
    const cloud = await cloudWithVolume();
    for (const token of [await cloud.token('admin', 'admin'), 'nonsense'])
      expect((await detach(cloud, ATTACHMENT, { 'X-Service-Token': token })).status).toBe(409);
    // The role of the user's own token does not count.
    const nova = { 'X-Auth-Token': await cloud.token('nova', 'service') };
    const { status } = await cloud.ask('DELETE', `/volume/v3/attachments/${ATTACHMENT}`, {
      headers: { ...at('3.44'), ...nova },
    });
    expect(status).toBe(409);
  });

  it.each([
    ['its block device is deleted', forget],
    ['its row is deleted', (world: World) => world.db('nova').exec('UPDATE instances SET deleted = id')],
    ['its mapping is lost', (world: World) => world.db('nova_api').exec('DELETE FROM instance_mappings')],
    [
      'it holds another attachment',
      (world: World) => world.db('nova').exec("UPDATE block_device_mapping SET attachment_id = 'other'"),
    ],
    [
      'it was never connected',
      (world: World) => world.db('cinder').exec("UPDATE volume_attachment SET connection_info = '{}'"),
    ],
    [
      'it is no server',
      (world: World) => world.db('cinder').exec('UPDATE volume_attachment SET instance_uuid = NULL'),
    ],
  ])('goes when %s', async (_, free) => {
    const cloud = await cloudWithVolume();
    free(cloud.world);
    expect((await detach(cloud)).status).toBe(200);
    expect(attachment(cloud.world)).toMatchObject({ deleted: 1 });
  });

  it('leaves the volume to the other attachments, the most important first', async () => {
    const cloud = await cloudWithVolume();
    const { world } = cloud;
    plantAttachment(world, OTHER, NOBODY, { attach_status: 'reserved' });
    plantAttachment(world, NOBODY, NOBODY, { attach_status: 'error_attaching' });
    forget(world);
    const { body } = await detach(cloud);
    expect((body as { attachments: { id: string }[] }).attachments.map(({ id }) => id).sort()).toEqual([
      NOBODY,
      OTHER,
    ]);
    expect(volume(world)).toMatchObject({ status: 'reserved', attach_status: 'reserved' });
  });

  it('leaves the status of a volume that is being migrated', async () => {
    const cloud = await cloudWithVolume();
    cloud.world.db('cinder').exec("UPDATE volumes SET migration_status = 'migrating'");
    forget(cloud.world);
    await detach(cloud);
    expect(volume(cloud.world)).toMatchObject({ status: 'in-use', attach_status: 'detached' });
  });
});

describe('attachments', () => {
  it('are shown from 3.27 on', async () => {
    const cloud = await cloudWithVolume();
    const { api, ask, server } = cloud;
    const summary = { id: ATTACHMENT, status: 'attached', instance: server.uuid, volume_id: VOLUME };
    const get = async (path: string) => (await api.get('volume', path, { microversion: '3.27' })).body;
    const detail = {
      ...summary,
      attached_at: '2026-11-01T09:11:00.000000',
      detached_at: '',
      attach_mode: 'rw',
      connection_info: { driver_volume_type: 'fake', access_mode: 'rw' },
    };
    expect(await get(`/attachments?instance_id=${server.uuid}`)).toEqual({ attachments: [summary] });
    expect(await get(`/attachments?volume_id=${VOLUME}&status=attached`)).toEqual({ attachments: [summary] });
    expect(await get(`/attachments?attach_status=reserved`)).toEqual({ attachments: [] });
    expect(await get('/attachments/detail?all_tenants=1')).toEqual({ attachments: [detail] });
    expect(await get(`/attachments/${ATTACHMENT}`)).toEqual({ attachment: detail });
    for (const version of ['3.26', '3.0']) {
      const old = await ask('GET', '/volume/v3/attachments', { headers: at(version) });
      expect(old.body).toEqual(fault('itemNotFound', 404, 'The resource could not be found.'));
    }
  });

  it('of other projects are shown to an administrator who asks for all', async () => {
    const cloud = await cloudWithVolume();
    cloud.world.db('cinder').prepare('UPDATE volumes SET project_id = ?').run('f'.repeat(32));
    const count = async (query: string, headers = {}) => {
      const { body } = await cloud.ask('GET', `/volume/v3/attachments${query}`, {
        headers: { ...at('3.44'), ...headers },
      });
      return (body as { attachments: unknown[] }).attachments.length;
    };
    expect(await count('')).toBe(0);
    expect(await count('?all_tenants=1')).toBe(1);
    const reader = { 'X-Auth-Token': await cloud.token('reader', 'admin') };
    expect(await count('?all_tenants=1', reader)).toBe(0);
    const one = await cloud.ask('GET', `/volume/v3/attachments/${ATTACHMENT}`, {
      headers: { ...at('3.44'), ...reader },
    });
    expect(one.status).toBe(404);
  });

  it('take over the connector that older releases kept apart', async () => {
    const { api, world } = await cloudWithVolume();
    const spec = { attachment_id: ATTACHMENT, deleted: 0 };
    insert(world, 'cinder', 'attachment_specs', { ...spec, key: 'host', value: 'compute1' });
    insert(world, 'cinder', 'attachment_specs', { ...spec, key: 'ip', value: '192.0.2.1' });
    await api.get('volume', `/attachments/${ATTACHMENT}`, { microversion: '3.44' });
    expect(attachment(world)).toMatchObject({ connector: '{"host": "compute1", "ip": "192.0.2.1"}' });
    expect(rowsOf(world, 'cinder', 'attachment_specs').map((row) => row['deleted'])).toEqual([1, 1]);
  });

  it('that are not there are not found', async () => {
    const cloud = await cloudWithVolume();
    const { status, body } = await detach(cloud, NOBODY);
    expect(status).toBe(404);
    expect(body).toEqual(
      fault(
        'itemNotFound',
        404,
        `Volume attachment could not be found with filter: attachment_id = ${NOBODY}.`,
      ),
    );
  });
});
