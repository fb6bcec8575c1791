import { describe, expect, it } from 'vitest';
import { killBackend } from '../../../src/simulator/cinder/services.ts';
import { insert } from '../../support/simulated-apis.ts';
import {
  ATTACHMENT,
  act,
  attachment,
  base,
  cloudWithVolume,
  detach,
  VOLUME,
  volume,
} from '../../support/simulated-volumes.ts';

const DEAD = 'compute1@fake';

describe('snapshots', () => {
  it('are listed by volume, of all projects for an administrator who asks', async () => {
    const cloud = await cloudWithVolume();
    const id = '00000000-0000-4000-8000-0000000000c1';
    insert(cloud.world, 'cinder', 'snapshots', {
      id,
      created_at: '2026-11-01 09:20:00',
      volume_id: VOLUME,
      project_id: 'another',
      status: 'available',
      volume_size: 5,
      display_name: 'before',
      volume_type_id: 't',
      deleted: 0,
    });
    const list = async (query: string) =>
      (await cloud.ask('GET', `${await base(cloud)}/snapshots?${query}`)).body;
    expect(await list(`all_tenants=1&volume_id=${VOLUME}`)).toEqual({
      snapshots: [
        {
          id,
          created_at: '2026-11-01T09:20:00.000000',
          updated_at: null,
          name: 'before',
          description: null,
          volume_id: VOLUME,
          status: 'available',
          size: 5,
          metadata: {},
        },
      ],
    });
    expect(await list(`volume_id=${VOLUME}`)).toEqual({ snapshots: [] });
    expect(await list('all_tenants=1&volume_id=another')).toEqual({ snapshots: [] });
  });
});

describe('services', () => {
  it('are up, until one is ended', async () => {
    const cloud = await cloudWithVolume();
    const states = async () => {
      const { body } = await cloud.ask('GET', `${await base(cloud)}/os-services?binary=cinder-volume`);
      return (body as { services: { host: string; state: string }[] }).services.map(
        ({ host, state }) => `${host} ${state}`,
      );
    };
    const [first = ''] = await states();
    expect(first).toMatch(/^\S+ up$/);
    killBackend(cloud.world, first.split(' ')[0] ?? '');
    expect((await states())[0]).toBe(first.replace(' up', ' down'));
  });

  it('are not shown to others', async () => {
    const cloud = await cloudWithVolume();
    const headers = { 'X-Auth-Token': await cloud.token('reader', 'admin') };
    const { status } = await cloud.ask('GET', `${await base(cloud)}/os-services`, { headers });
    expect(status).toBe(403);
  });
});

describe('a cinder-volume that is ended', () => {
  it('is waited for in vain, and nothing changes', async () => {
    const cloud = await cloudWithVolume();
    killBackend(cloud.world, DEAD);
    const service = { 'X-Service-Token': await cloud.token('nova', 'service') };
    expect((await detach(cloud, ATTACHMENT, service)).status).toBe(500);
    expect((await act(cloud, { 'os-force_detach': { connector: null } }, service)).status).toBe(500);
    expect(attachment(cloud.world)).toMatchObject({ deleted: 0 });
  });

  it('is not needed for what is only reserved, nor for a reset', async () => {
    const cloud = await cloudWithVolume();
    killBackend(cloud.world, DEAD);
    cloud.world
      .db('cinder')
      .exec("UPDATE volume_attachment SET attach_status = 'reserved', connection_info = NULL");
    expect((await detach(cloud)).status).toBe(200);
    expect((await act(cloud, { 'os-reset_status': { status: 'error' } })).status).toBe(202);
  });

  it('leaves a volume that is to be deleted as it is', async () => {
    const cloud = await cloudWithVolume();
    killBackend(cloud.world, DEAD);
    cloud.world
      .db('cinder')
      .exec(
        "UPDATE volume_attachment SET deleted = 1; UPDATE volumes SET status = 'available', attach_status = 'detached'",
      );
    const { status } = await cloud.ask('DELETE', `${await base(cloud)}/volumes/${VOLUME}`);
    expect(status).toBe(202);
    expect(volume(cloud.world)).toMatchObject({ status: 'deleting', deleted: 0 });
  });
});
