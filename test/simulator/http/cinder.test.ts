import { describe, expect, it } from 'vitest';
import type { World } from '../../../src/simulator/world.ts';
import {
  adminProject,
  insert,
  rowsOf,
  type SimulatedCloud,
  simulatedCloud,
} from '../../support/simulated-apis.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';
const VOLUME = '00000000-0000-4000-8000-0000000000a1';
const ATTACHMENT = '00000000-0000-4000-8000-0000000000b1';
const OTHER = '00000000-0000-4000-8000-0000000000b2';
const HELD = `ConflictNovaUsingAttachment: Detach volume from instance`;

function plantVolume(world: World, changes: Record<string, string | number | null> = {}): void {
  const [type] = rowsOf(world, 'cinder', 'volume_types');
  insert(world, 'cinder', 'volumes', {
    id: VOLUME,
    created_at: '2026-11-01 09:00:00',
    updated_at: '2026-11-01 09:30:00',
    deleted: 0,
    display_name: 'data',
    size: 5,
    status: 'in-use',
    attach_status: 'attached',
    host: 'compute1@fake#fake',
    project_id: adminProject(world),
    volume_type_id: String(type?.['id']),
    bootable: 0,
    multiattach: 0,
    use_quota: 1,
    shared_targets: null,
    ...changes,
  });
}

function plantAttachment(
  world: World,
  id: string,
  server: string,
  changes: Record<string, string | null> = {},
): void {
  insert(world, 'cinder', 'volume_attachment', {
    id,
    volume_id: VOLUME,
    created_at: '2026-11-01 09:10:00',
    updated_at: '2026-11-01 09:11:00',
    deleted: 0,
    instance_uuid: server,
    attached_host: 'compute1',
    mountpoint: '/dev/vdb',
    attach_mode: 'rw',
    attach_status: 'attached',
    attach_time: '2026-11-01 09:11:00',
    connection_info: '{"driver_volume_type": "fake", "access_mode": "rw"}',
    ...changes,
  });
}

/** A volume that the server holds, in Cinder and in Nova alike. */
async function cloudWithVolume(): Promise<SimulatedCloud> {
  const cloud = await simulatedCloud();
  plantVolume(cloud.world);
  plantAttachment(cloud.world, ATTACHMENT, cloud.server.uuid);
  insert(cloud.world, 'cinder', 'volume_admin_metadata', {
    volume_id: VOLUME,
    key: 'attached_mode',
    value: 'rw',
    deleted: 0,
  });
  insert(cloud.world, 'nova', 'block_device_mapping', {
    uuid: 'bdm1',
    instance_uuid: cloud.server.uuid,
    volume_id: VOLUME,
    attachment_id: ATTACHMENT,
    device_name: '/dev/vdb',
    deleted: 0,
  });
  return cloud;
}

const at = (version: string) => ({ 'OpenStack-API-Version': `volume ${version}` });

async function base({ world }: SimulatedCloud): Promise<string> {
  return `/volume/v3/${adminProject(world)}`;
}

async function detach(cloud: SimulatedCloud, id = ATTACHMENT, headers: Record<string, string> = {}) {
  return cloud.ask('DELETE', `${await base(cloud)}/attachments/${id}`, {
    headers: { ...at('3.44'), ...headers },
  });
}

async function act(cloud: SimulatedCloud, action: object, headers: Record<string, string> = {}) {
  return cloud.ask('POST', `${await base(cloud)}/volumes/${VOLUME}/action`, { headers, body: action });
}

function volume(world: World) {
  return rowsOf(world, 'cinder', 'volumes', { id: VOLUME })[0] ?? {};
}

function attachment(world: World, id = ATTACHMENT) {
  return rowsOf(world, 'cinder', 'volume_attachment', { id })[0] ?? {};
}

function fault(name: string, code: number, message: string) {
  return { [name]: { code, message } };
}

/** Nova forgets the volume, as it does when the server's row is deleted. */
function forget(world: World): void {
  world.db('nova').exec("UPDATE block_device_mapping SET deleted = id, deleted_at = '2026-11-01 10:00:00'");
}

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

describe('os-detach and os-force_detach', () => {
  it.each(['os-detach', 'os-force_detach', 'os-terminate_connection'])(
    '%s keeps to the same rule',
    async (name) => {
      const cloud = await cloudWithVolume();
      const also = name === 'os-terminate_connection' ? { connector: { host: 'compute1' } } : {};
      expect((await act(cloud, { [name]: also })).status).toBe(409);
      forget(cloud.world);
      expect((await act(cloud, { [name]: also })).status).toBe(202);
      expect(volume(cloud.world)['status']).toBe(name === 'os-terminate_connection' ? 'in-use' : 'available');
    },
  );

  it('never for one of several, unless a service asks', async () => {
    const cloud = await cloudWithVolume();
    const { world, token } = cloud;
    plantAttachment(world, OTHER, NOBODY);
    forget(world);
    const one = { attachment_id: ATTACHMENT, connector: null };
    const refused = await act(cloud, { 'os-force_detach': one });
    expect(refused.body).toEqual(fault('conflictingRequest', 409, `${HELD}  using the Compute API`));
    const service = { 'X-Service-Token': await token('nova', 'service') };
    const nameless = await act(cloud, { 'os-detach': {} }, service);
    expect(nameless.status).toBe(400);
    expect(JSON.stringify(nameless.body)).toContain(
      'More than one attachment, but no attachment_id provided.',
    );
    expect((await act(cloud, { 'os-force_detach': one }, service)).status).toBe(202);
    expect(attachment(world)).toMatchObject({ deleted: 1 });
    expect(attachment(world, OTHER)).toMatchObject({ deleted: 0 });
    expect(volume(world)).toMatchObject({ status: 'in-use', attach_status: 'attached' });
  });

  it('with an attachment that is not there is a conflict, and with one of another volume a mistake', async () => {
    const cloud = await cloudWithVolume();
    expect((await act(cloud, { 'os-detach': { attachment_id: NOBODY } })).status).toBe(409);
    insert(cloud.world, 'cinder', 'volumes', {
      id: NOBODY,
      deleted: 0,
      project_id: adminProject(cloud.world),
      volume_type_id: 'x',
    });
    cloud.world.db('cinder').prepare('UPDATE volume_attachment SET volume_id = ?').run(NOBODY);
    const { status, body } = await act(cloud, { 'os-detach': { attachment_id: ATTACHMENT } });
    expect(status).toBe(400);
    expect(body).toEqual(
      fault('badRequest', 400, 'Invalid input received: Mismatched volume and attachment'),
    );
  });

  it('frees a volume without attachments, but not one in maintenance', async () => {
    const cloud = await simulatedCloud();
    plantVolume(cloud.world, { status: 'detaching', attach_status: 'detaching' });
    expect((await act(cloud, { 'os-detach': {} })).status).toBe(202);
    expect(volume(cloud.world)).toMatchObject({ status: 'available', attach_status: 'detached' });
    cloud.world.db('cinder').exec("UPDATE volumes SET status = 'maintenance'");
    const { status, body } = await act(cloud, { 'os-detach': {} });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('cannot be detached in maintenance mode.');
  });

  it('lets go of a volume that waited to be attached', async () => {
    const cloud = await simulatedCloud();
    plantVolume(cloud.world, { status: 'attaching', attach_status: 'detached' });
    expect((await act(cloud, { 'os-terminate_connection': { connector: null } })).status).toBe(202);
    expect(volume(cloud.world)).toMatchObject({ status: 'available' });
  });
});

describe('os-reset_status', () => {
  it('writes what it is told and asks nobody', async () => {
    const cloud = await cloudWithVolume();
    const reset = { status: 'Error', migration_status: 'none' };
    expect((await act(cloud, { 'os-reset_status': reset })).status).toBe(202);
    expect(volume(cloud.world)).toMatchObject({
      status: 'error',
      attach_status: 'attached',
      migration_status: null,
      updated_at: '2026-11-01 10:00:00',
    });
    expect(attachment(cloud.world)).toMatchObject({ deleted: 0 });
  });

  it('to detached ends every attachment', async () => {
    const cloud = await cloudWithVolume();
    plantAttachment(cloud.world, OTHER, NOBODY);
    expect((await act(cloud, { 'os-reset_status': { attach_status: 'detached' } })).status).toBe(202);
    for (const id of [ATTACHMENT, OTHER]) expect(attachment(cloud.world, id)).toMatchObject({ deleted: 1 });
    expect(volume(cloud.world)).toMatchObject({ status: 'available', attach_status: 'detached' });
  });

  it.each([
    [{}, 400, "Must specify 'status', 'attach_status' or 'migration_status' for update."],
    [{ status: 'nosuch' }, 400, 'Volume status: nosuch is invalid'],
    [{ attach_status: 'reserved' }, 400, "valid statuses are: ['attached', 'detached']."],
    [{ migration_status: 'x' }, 400, 'Volume migration status: x is invalid'],
    [{ status: 'deleting' }, 400, 'Cannot reset-state to deleting'],
    [{ status: 7 }, 501, 'status that is no text'],
    [{ nosuch: 1 }, 501, 'os-reset_status with nosuch'],
  ])('refuses %j', async (reset, status, message) => {
    const cloud = await cloudWithVolume();
    const before = volume(cloud.world);
    const answer = await act(cloud, { 'os-reset_status': reset });
    expect(answer.status).toBe(status);
    expect(Object.values(answer.body as object)[0].message).toContain(message);
    expect(volume(cloud.world)).toEqual(before);
  });

  it('to in-use wants an attachment', async () => {
    const cloud = await simulatedCloud();
    plantVolume(cloud.world, { status: 'error' });
    const { status, body } = await act(cloud, { 'os-reset_status': { status: 'in-use' } });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('does not have any attachments.');
  });
});

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
  ['GET', '/snapshots', undefined, ''],
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
