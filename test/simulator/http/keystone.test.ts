import { describe, expect, it } from 'vitest';
import { setMeta } from '../../../src/simulator/world.ts';
import { adminProject, insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';
const MIDDLEWARE = {
  error: {
    code: 401,
    title: 'Unauthorized',
    message: 'The request you have made requires authentication.',
  },
};

describe('a login', () => {
  it('as admin finds every service and lists what belongs to all', async () => {
    const { api } = await simulatedCloud();
    for (const service of ['compute', 'network', 'image', 'placement', 'volume'] as const)
      expect(await api.has(service), service).toBe(true);
    expect(await api.list('network', '/v2.0/ports', 'ports')).toHaveLength(2);
  });

  it('answers as Keystone does, with the recorded ids', async () => {
    const { ask, world } = await simulatedCloud();
    const { status, headers, body } = await ask('POST', '/identity/v3/auth/tokens', {
      body: {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: 'admin', domain: { id: 'default' }, password: 'demo' } },
          },
          scope: { project: { id: adminProject(world) } },
        },
      },
    });
    expect(status).toBe(201);
    expect(headers['x-openstack-request-id']).toMatch(/^req-[0-9a-f-]{36}$/);
    expect(body).toMatchObject({
      token: {
        methods: ['password'],
        user: { domain: { id: 'default', name: 'Default' }, name: 'admin', password_expires_at: null },
        expires_at: '2026-11-01T11:00:00.000000Z',
        issued_at: '2026-11-01T10:00:00.000000Z',
        project: { domain: { id: 'default', name: 'Default' }, id: adminProject(world), name: 'admin' },
        is_domain: false,
        roles: [{ name: 'admin' }, { name: 'member' }, { name: 'reader' }],
      },
    });
    expect(JSON.stringify(body)).toContain(`http://demo/volume/v3/${adminProject(world)}`);
  });

  it('as reader has not the role admin, so nothing is listed', async () => {
    const { session } = await simulatedCloud();
    await expect(session({ username: 'reader' }).list('network', '/v2.0/ports', 'ports')).rejects.toThrow(
      'has not the role admin',
    );
  });

  it.each([
    ['a wrong password', { password: 'other' }],
    ['an unknown user', { username: 'nobody' }],
    ['an unknown project', { project_name: 'nowhere' }],
    ['a project without a role on it', { username: 'reader', project_name: 'service' }],
    ['an unknown domain', { user_domain_name: 'Elsewhere' }],
  ])('with %s is refused', async (_, auth) => {
    const { session } = await simulatedCloud();
    await expect(session(auth).has('network')).rejects.toThrow(
      'Keystone refuses the login: the user, the password, or the project',
    );
  });

  it('that is refused gets a body that tells nothing', async () => {
    const { ask } = await simulatedCloud();
    const { status, headers, body } = await ask('POST', '/identity/v3/auth/tokens', {
      body: {
        auth: {
          identity: { methods: ['password'], password: { user: { id: 'x', password: 'y' } } },
          scope: { system: { all: true } },
        },
      },
    });
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe('Keystone uri="http://demo/identity/v3"');
    expect(body).toEqual(MIDDLEWARE);
  });

  it('to the whole system has no endpoint that needs a project', async () => {
    const { session } = await simulatedCloud();
    const system = session({ system_scope: 'all', project_name: undefined });
    expect(await system.has('network')).toBe(true);
    expect(await system.has('volume')).toBe(false);
  });

  it('takes roles and what they imply from assignments where there are any', async () => {
    const { world, session } = await simulatedCloud();
    const role = (name: string) => String(rowsOf(world, 'keystone', 'role', { name })[0]?.['id']);
    const [user] = rowsOf(world, 'keystone', 'local_user', { name: 'glance' });
    insert(world, 'keystone', 'assignment', {
      type: 'UserProject',
      actor_id: String(user?.['user_id']),
      target_id: adminProject(world),
      role_id: role('member'),
      inherited: 0,
    });
    insert(world, 'keystone', 'implied_role', {
      prior_role_id: role('member'),
      implied_role_id: role('admin'),
    });
    expect(await session({ username: 'glance' }).list('network', '/v2.0/ports', 'ports')).toHaveLength(2);
    await expect(session().has('network')).rejects.toThrow('refuses');
  });

  it.each([
    ['by id', { application_credential_id: 'cred1' }],
    ['by name and user', { application_credential_name: 'for-expunge', username: 'admin' }],
  ])('with an application credential %s', async (_, which) => {
    const { world, session } = await simulatedCloud();
    const [user] = rowsOf(world, 'keystone', 'local_user', { name: 'admin' });
    const id = insert(world, 'keystone', 'application_credential', {
      id: 'cred1',
      name: 'for-expunge',
      secret_hash: 'a hash',
      user_id: String(user?.['user_id']),
      project_id: adminProject(world),
    });
    const auth = { username: undefined, password: undefined, project_name: undefined, ...which };
    const good = { ...auth, application_credential_secret: 'demo' };
    await expect(session(good).has('network')).rejects.toThrow('refuses');
    const [role] = rowsOf(world, 'keystone', 'role', { name: 'admin' });
    insert(world, 'keystone', 'application_credential_role', {
      application_credential_id: id,
      role_id: String(role?.['id']),
    });
    expect(await session(good).list('network', '/v2.0/ports', 'ports')).toHaveLength(2);
    await expect(session({ ...auth, application_credential_secret: 'other' }).has('network')).rejects.toThrow(
      'refuses',
    );
  });

  it.each([
    ['token', { identity: { methods: ['token'], token: { id: 'x' } } }, 'method token'],
    [
      'no scope',
      {
        identity: {
          methods: ['password'],
          password: { user: { name: 'admin', domain: { id: 'default' }, password: 'demo' } },
        },
      },
      'a login without a scope',
    ],
  ])('of a kind that was not taught is named: %s', async (_, auth, named) => {
    const { ask } = await simulatedCloud();
    const { status, body } = await ask('POST', '/identity/v3/auth/tokens', { body: { auth } });
    expect(status).toBe(501);
    expect(JSON.stringify(body)).toContain(named);
    expect(JSON.stringify(body)).not.toContain('demo');
  });
});

describe('a token', () => {
  it('that ran out is renewed by the client', async () => {
    const { world, api } = await simulatedCloud();
    setMeta(world, 'keystone.token_seconds', '60');
    expect(await api.list('network', '/v2.0/ports', 'ports')).toHaveLength(2);
    world.advance(61);
    expect(await api.list('network', '/v2.0/ports', 'ports')).toHaveLength(2);
  });

  it.each([
    ['network', '/network/v2.0/ports', MIDDLEWARE],
    ['placement', `/placement/allocations/${NOBODY}`, MIDDLEWARE],
    ['compute', '/compute/v2.1/os-services', MIDDLEWARE],
    ['volume', '/volume/v3/attachments', MIDDLEWARE],
    ['image', '/image/v2/images', { code: '401 Unauthorized', title: 'Unauthorized' }],
  ])('that is unknown or ran out is refused by %s', async (_, path, body) => {
    const { world, ask, token } = await simulatedCloud();
    const old = await token('admin', 'admin');
    expect((await ask('GET', path, { headers: { 'X-Auth-Token': old } })).status).not.toBe(401);
    world.advance(3601);
    for (const bad of [old, 'gAAAAAnonsense', `${await token('admin', 'admin')}x`]) {
      const answer = await ask('GET', path, { headers: { 'X-Auth-Token': bad } });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Keystone uri="http://demo/identity"');
      expect(answer.body).toMatchObject(body);
    }
  });
});

it('tells its version, and what else it was not taught', async () => {
  const { ask } = await simulatedCloud();
  expect((await ask('GET', '/identity/v3')).body).toMatchObject({ version: { id: 'v3.14' } });
  const { status, body } = await ask('GET', '/identity/v3/projects');
  expect(status).toBe(501);
  expect(body).toEqual({
    error: {
      code: 501,
      title: 'Not Implemented',
      message: 'The simulator was not taught GET /v3/projects',
    },
  });
});
