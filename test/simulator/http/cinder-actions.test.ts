import { describe, expect, it } from 'vitest';
import { adminProject, insert, simulatedCloud } from '../../support/simulated-apis.ts';
import {
  ATTACHMENT,
  act,
  attachment,
  cloudWithVolume,
  fault,
  forget,
  HELD,
  NOBODY,
  OTHER,
  plantAttachment,
  plantVolume,
  volume,
} from '../../support/simulated-volumes.ts';

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
