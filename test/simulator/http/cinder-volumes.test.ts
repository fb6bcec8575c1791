import { describe, expect, it } from 'vitest';
import { adminProject, insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';
import {
  ATTACHMENT,
  act,
  at,
  base,
  cloudWithVolume,
  detach,
  fault,
  plantVolume,
  VOLUME,
  volume,
} from '../../support/simulated-volumes.ts';

describe('a volume', () => {
  it('is shown with what its version knows', async () => {
    const cloud = await cloudWithVolume();
    const { api, world, server } = cloud;
    const project = adminProject(world);
    insert(world, 'cinder', 'volume_metadata', { volume_id: VOLUME, key: 'for', value: 'web', deleted: 0 });
    insert(world, 'cinder', 'volume_glance_metadata', {
      volume_id: VOLUME,
      key: 'image_name',
      value: 'tiny',
      deleted: 0,
    });
    const first = { microversion: '3.0' };
    expect((await api.get('volume', `/volumes/${VOLUME}`, first)).body).toEqual({
      volume: {
        id: VOLUME,
        status: 'in-use',
        size: 5,
        availability_zone: null,
        created_at: '2026-11-01T09:00:00.000000',
        updated_at: '2026-11-01T09:30:00.000000',
        name: 'data',
        description: null,
        volume_type: rowsOf(world, 'cinder', 'volume_types')[0]?.['name'],
        snapshot_id: null,
        source_volid: null,
        metadata: { for: 'web', attached_mode: 'rw' },
        links: [
          { rel: 'self', href: `http://demo/volume/v3/${project}/volumes/${VOLUME}` },
          { rel: 'bookmark', href: `http://demo/volume/${project}/volumes/${VOLUME}` },
        ],
        user_id: null,
        bootable: 'false',
        encrypted: false,
        replication_status: null,
        consistencygroup_id: null,
        multiattach: false,
        attachments: [
          {
            id: VOLUME,
            attachment_id: ATTACHMENT,
            volume_id: VOLUME,
            server_id: server.uuid,
            host_name: 'compute1',
            device: '/dev/vdb',
            attached_at: '2026-11-01T09:11:00.000000',
          },
        ],
        migration_status: null,
        volume_image_metadata: { image_name: 'tiny' },
        'os-vol-host-attr:host': 'compute1@fake#fake',
        'os-vol-mig-status-attr:migstat': null,
        'os-vol-mig-status-attr:name_id': null,
        'os-vol-tenant-attr:tenant_id': project,
      },
    });
    const shared = async (microversion: string) => {
      const { body } = await api.get('volume', `/volumes/${VOLUME}`, { microversion });
      return (body as { volume: Record<string, unknown> }).volume['shared_targets'];
    };
    expect([await shared('3.47'), await shared('3.48'), await shared('3.69')]).toEqual([
      undefined,
      true,
      null,
    ]);
    expect((await api.get('volume', `/volumes/${VOLUME}`, { microversion: '3.70' })).body).toMatchObject({
      volume: { group_id: null, provider_id: null, cluster_name: null, consumes_quota: true },
    });
  });

  it('is listed, for all projects only when asked', async () => {
    const { api, world } = await cloudWithVolume();
    const count = async (path: string) => (await api.list('volume', path, 'volumes')).length;
    expect(await count('/volumes')).toBe(1);
    expect(await count('/volumes/detail?status=in-use&name=data')).toBe(1);
    expect(await count('/volumes?status=error')).toBe(0);
    world.db('cinder').prepare('UPDATE volumes SET project_id = ?').run('f'.repeat(32));
    expect(await count('/volumes')).toBe(0);
    expect(await count('/volumes?all_tenants=1')).toBe(1);
  });

  it('is deleted with what belongs to it, and gives its quota back', async () => {
    const cloud = await simulatedCloud();
    const { ask, world } = cloud;
    plantVolume(world, { status: 'available', attach_status: 'detached' });
    insert(world, 'cinder', 'volume_metadata', { volume_id: VOLUME, key: 'a', value: 'b', deleted: 0 });
    for (const [resource, in_use] of [
      ['volumes', 3],
      ['gigabytes', 20],
    ] as const)
      insert(world, 'cinder', 'quota_usages', {
        project_id: adminProject(world),
        resource,
        in_use,
        reserved: 0,
        deleted: 0,
      });
    const path = `${await base(cloud)}/volumes/${VOLUME}`;
    expect((await ask('DELETE', path)).status).toBe(202);
    expect(volume(world)).toMatchObject({
      status: 'deleted',
      deleted: 1,
      deleted_at: '2026-11-01 10:00:00',
      terminated_at: '2026-11-01 10:00:00',
    });
    expect(rowsOf(world, 'cinder', 'volume_metadata')).toMatchObject([{ deleted: 1 }]);
    expect(rowsOf(world, 'cinder', 'quota_usages').map((row) => row['in_use'])).toEqual([2, 15]);
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await ask(method, path);
      expect(status).toBe(404);
      expect(body).toEqual(fault('itemNotFound', 404, `Volume ${VOLUME} could not be found.`));
    }
  });

  it.each([
    ['is attached', { status: 'in-use' }],
    ['says that it is attached', { status: 'available', attach_status: 'attached' }],
    ['is being migrated', { status: 'available', attach_status: 'detached', migration_status: 'migrating' }],
    ['is reserved', { status: 'reserved', attach_status: 'reserved' }],
  ])('that %s is not deleted', async (_, changes) => {
    const cloud = await simulatedCloud();
    plantVolume(cloud.world, changes);
    const { status, body } = await cloud.ask('DELETE', `${await base(cloud)}/volumes/${VOLUME}`);
    expect(status).toBe(400);
    expect(Object.values(body as object)[0].message).toContain(
      'Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached,',
    );
    expect(volume(cloud.world)).toMatchObject({ deleted: 0 });
  });

  it('with a snapshot is not deleted', async () => {
    const cloud = await simulatedCloud();
    plantVolume(cloud.world, { status: 'available', attach_status: 'detached' });
    insert(cloud.world, 'cinder', 'snapshots', {
      id: 's1',
      volume_id: VOLUME,
      volume_type_id: 'x',
      deleted: 0,
    });
    expect((await cloud.ask('DELETE', `${await base(cloud)}/volumes/${VOLUME}`)).status).toBe(400);
  });
});

it('tells its version to everybody', async () => {
  const { ask } = await simulatedCloud();
  const headers = { 'X-Auth-Token': '' };
  const { status, body } = await ask('GET', '/volume/v3/', { headers });
  expect(status).toBe(200);
  expect(body).toMatchObject({ versions: [{ id: 'v3.0', version: '3.70', min_version: '3.0' }] });
  expect((await ask('GET', '/volume/', { headers })).status).toBe(300);
});

it.each([
  ['volume 3.99', 406, 'Version 3.99 is not supported by the API. Minimum is 3.0 and maximum is 3.70.'],
  ['volume foo', 400, 'API Version String foo is of invalid format. Must be of format MajorNum.MinorNum.'],
  ['compute 2.1', 400, 'The server could not comply with the request'],
])('refuses the version %s', async (version, status, message) => {
  const { ask } = await simulatedCloud();
  const answer = await ask('GET', '/volume/v3/attachments', {
    headers: { 'OpenStack-API-Version': version },
  });
  expect(answer.status).toBe(status);
  expect(Object.values(answer.body as object)[0].message).toContain(message);
});

it('refuses a project in the path that is not that of the token', async () => {
  const { ask } = await simulatedCloud();
  const { status, body } = await ask('GET', `/volume/v3/${'f'.repeat(32)}/volumes`);
  expect(status).toBe(400);
  expect(body).toEqual(fault('badRequest', 400, 'Malformed request url'));
});

it.each([
  ['GET', '/backups', undefined, ''],
  ['GET', '/snapshots?limit=1', undefined, 'the query limit'],
  ['GET', '/volumes?limit=1', undefined, 'the query limit'],
  ['GET', '/attachments?limit=1', undefined, 'the query limit'],
  ['DELETE', `/volumes/${VOLUME}?cascade=true`, undefined, 'cascade'],
  ['PUT', `/volumes/${VOLUME}`, { volume: {} }, ''],
  ['POST', `/volumes/${VOLUME}/action`, { 'os-extend': {} }, 'the action os-extend'],
  ['POST', `/volumes/${VOLUME}/action`, { 'os-detach': null }, 'os-detach without an object'],
  ['POST', `/volumes/${VOLUME}/action`, { 'os-detach': { x: 1 } }, 'os-detach with x'],
])('was not taught %s %s with %j', async (method, path, body, also) => {
  const cloud = await cloudWithVolume();
  const answer = await cloud.ask(method, `${await base(cloud)}${path}`, {
    headers: at('3.44'),
    ...(body === undefined ? {} : { body }),
  });
  expect(answer.status).toBe(501);
  const { message } = Object.values(answer.body as object)[0];
  expect(message).toContain(`The simulator was not taught ${method}`);
  expect(message).toContain(also);
});

it('was not taught what a user without the role admin may change', async () => {
  const cloud = await cloudWithVolume();
  const headers = { 'X-Auth-Token': await cloud.token('reader', 'admin') };
  expect((await detach(cloud, ATTACHMENT, headers)).status).toBe(501);
  expect((await act(cloud, { 'os-detach': {} }, headers)).status).toBe(501);
  expect((await cloud.ask('DELETE', `${await base(cloud)}/volumes/${VOLUME}`, { headers })).status).toBe(501);
});

it('knows no volume that is not there', async () => {
  const cloud = await simulatedCloud();
  const { status } = await act(cloud, { 'os-detach': {} });
  expect(status).toBe(404);
});
