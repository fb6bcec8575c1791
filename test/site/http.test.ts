import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HttpAct } from '../../src/plan/types.ts';
import type { CloudAuth } from '../../src/site/config/clouds.ts';
import { openHttpClient } from '../../src/site/http/request.ts';
import { ApiSession } from '../../src/site/http/session.ts';
import { makeCertificate } from '../support/certificate.ts';
import {
  endpoint,
  type FakeOpenstack,
  type FakeOpenstackOptions,
  PASSWORD,
  startOpenstack,
} from '../support/fake-openstack.ts';
import { LOST_PAGE } from '../support/faults/http-faults.ts';

function connect(cloud: CloudAuth): ApiSession {
  const session = new ApiSession(cloud);
  onTestFinished(() => session.close());
  return session;
}

async function open(options: FakeOpenstackOptions = {}): Promise<{ api: ApiSession; stack: FakeOpenstack }> {
  const stack = await startOpenstack(options);
  return { stack, api: connect(stack.cloud) };
}

/** What failed, and that nobody can read a secret in it. */
async function failure(
  work: Promise<unknown>,
): Promise<Error & { code: string; exitCode: number; unknown?: boolean }> {
  const error = await work.then(
    () => new Error('it worked'),
    (e: unknown) => e,
  );
  const { message, stack, hint } = error as Error & { hint?: string };
  expect(`${message} ${stack} ${hint}`).not.toMatch(new RegExp(`${PASSWORD}|token-\\d`));
  return error as never;
}

const PORTS = '/v2.0/ports';
const del: HttpAct = {
  door: 'http',
  service: 'network',
  method: 'DELETE',
  path: '/v2.0/ports/p1',
  status: [204, 404],
};

describe('the login', () => {
  test('a password, in its domains, for its project', async () => {
    const { api, stack } = await open({ routes: { 'GET /network/v2.0/ports': { body: { ports: [] } } } });
    await api.get('network', PORTS);
    expect(stack.logins.map(({ body }) => body)).toEqual([
      {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: 'admin', domain: { name: 'Default' }, password: PASSWORD } },
          },
          scope: { project: { name: 'admin', domain: { name: 'Default' } } },
        },
      },
    ]);
    expect(stack.asked[0]?.headers['x-auth-token']).toBe('token-1');
  });

  test.each<[string, Record<string, string | undefined>, unknown]>([
    [
      'ids',
      { user_id: 'u1', project_id: 'p1' },
      {
        identity: { methods: ['password'], password: { user: { id: 'u1', password: PASSWORD } } },
        scope: { project: { id: 'p1' } },
      },
    ],
    [
      'the whole system',
      { system_scope: 'all', user_domain_name: undefined, user_domain_id: 'd1' },
      {
        identity: {
          methods: ['password'],
          password: { user: { name: 'admin', domain: { id: 'd1' }, password: PASSWORD } },
        },
        scope: { system: { all: true } },
      },
    ],
    [
      'an application credential',
      { application_credential_id: 'a1', application_credential_secret: PASSWORD },
      {
        identity: {
          methods: ['application_credential'],
          application_credential: { secret: PASSWORD, id: 'a1' },
        },
      },
    ],
    [
      'an application credential by name',
      { application_credential_name: 'expunge', application_credential_secret: PASSWORD },
      {
        identity: {
          methods: ['application_credential'],
          application_credential: {
            secret: PASSWORD,
            name: 'expunge',
            user: { name: 'admin', domain: { name: 'Default' } },
          },
        },
      },
    ],
  ])('with %s', async (_, auth, body) => {
    const { api, stack } = await open({
      auth: auth as FakeOpenstackOptions['auth'] & object,
      routes: { 'GET /network/v2.0/ports': { body: {} } },
    });
    await api.get('network', PORTS);
    expect(stack.logins[0]?.body).toEqual({ auth: body });
  });

  test.each(['', '/', '/v3', '/v3/', '/v2.0', '/v2.0/', '//'])('auth_url ending in %j', async (end) => {
    const stack = await startOpenstack();
    const api = connect({
      ...stack.cloud,
      auth: { ...stack.cloud.auth, auth_url: `${stack.url}/identity${end}` },
    });
    expect(await api.has('network')).toBe(true);
  });

  test('once, however many ask at once', async () => {
    const { api, stack } = await open({ routes: { 'GET /network/v2.0/ports': { body: {} } } });
    api.warm();
    await Promise.all([1, 2, 3].map(() => api.get('network', PORTS)));
    expect(stack.logins).toHaveLength(1);
  });

  test('a wrong password is a matter of configuration', async () => {
    const { api } = await open({ auth: { password: 'wrong' } });
    expect(await failure(api.get('network', PORTS))).toMatchObject({
      name: 'UsageError',
      code: 'login-refused',
      exitCode: 2,
    });
    expect(await failure(api.send(del))).toMatchObject({ exitCode: 2 });
  });

  test('begun early it does not end the process when it fails', async () => {
    const { api } = await open({ auth: { password: 'wrong' } });
    api.warm();
    await new Promise((done) => setTimeout(done, 30));
    expect(await failure(api.has('network'))).toMatchObject({ code: 'login-refused' });
  });

  test.each<[string, Record<string, undefined>]>([
    ['password', { password: undefined }],
    ['user', { username: undefined }],
    ['project', { project_name: undefined }],
  ])('without a %s nothing is sent', async (_, auth) => {
    const { api, stack } = await open({ auth: auth as never });
    expect(await failure(api.has('network'))).toMatchObject({ code: 'cloud-incomplete', exitCode: 2 });
    expect(stack.logins).toEqual([]);
  });

  test('a Keystone that is ill is not a wrong password', async () => {
    const { api } = await open({
      login: () => ({ status: 503, headers: { 'x-openstack-request-id': 'req-1' }, body: '<html>' }),
    });
    expect(await failure(api.get('network', PORTS))).toMatchObject({
      name: 'LookError',
      code: 'login-failed',
      exitCode: 4,
      message: 'answered 503 to the login (request req-1)',
    });
  });

  test.each([301, 302, 404])('%d: the path of auth_url is doubted', async (status) => {
    const { api } = await open({
      login: () => ({ status, headers: { location: 'https://k/' }, body: '<html>' }),
    });
    expect(await failure(api.get('network', PORTS))).toMatchObject({
      code: 'login-failed',
      hint: expect.stringContaining('auth_url'),
    });
  });

  test('an answer that is no token', async () => {
    const { api } = await open({
      login: () => ({
        status: 201,
        headers: { 'x-subject-token': 'token-1' },
        body: { token: { catalog: 7 } },
      }),
    });
    expect(await failure(api.get('network', PORTS))).toMatchObject({ code: 'answer-not-understood' });
  });
});

describe('a token that runs out during the run', () => {
  const routes = {
    'GET /network/v2.0/ports': { body: {} },
    'DELETE /network/v2.0/ports/p1': { status: 204 },
  };

  test('a second login, and the request goes again', async () => {
    const { api, stack } = await open({ routes });
    await api.get('network', PORTS);
    stack.expire();
    expect(await api.get('network', PORTS)).toMatchObject({ status: 200 });
    await api.send(del);
    expect(stack.logins).toHaveLength(2);
  });

  test('one login for all that learn of it side by side', async () => {
    const { api, stack } = await open({ routes });
    await api.get('network', PORTS);
    stack.expire();
    await Promise.all([1, 2, 3, 4].map(() => api.get('network', PORTS)));
    expect(stack.logins).toHaveLength(2);
  });

  test('a service that takes no token at all is not asked for ever', async () => {
    const { api, stack } = await open({
      routes: { 'GET /network/v2.0/ports': { status: 401, body: { error: { message: 'no' } } } },
    });
    expect(await failure(api.get('network', PORTS))).toMatchObject({ name: 'LookError', code: 'api-401' });
    expect(stack.asked).toHaveLength(2);
  });
});

describe('which endpoint', () => {
  const at = (catalog: readonly unknown[], cloud: Partial<CloudAuth> = {}) =>
    open({
      catalog,
      cloud,
      routes: { 'GET /a/v2.0/ports': { body: 'a' }, 'GET /b/v2.0/ports': { body: 'b' } },
    });
  const network = (...endpoints: unknown[]) => [{ type: 'network', endpoints }];
  const ask = async (catalog: readonly unknown[], cloud?: Partial<CloudAuth>) =>
    (await (await at(catalog, cloud)).api.get('network', PORTS)).body;

  test('the interface that was asked for', async () => {
    const both = network(endpoint('$URL/a'), endpoint('$URL/b', { interface: 'internal' }));
    expect(await ask(both)).toBe('a');
    expect(await ask(both, { interface: 'internal' })).toBe('b');
  });
  test('the region that was asked for', async () => {
    const both = network(
      endpoint('$URL/a'),
      endpoint('$URL/b', { region_id: 'RegionTwo', region: 'RegionTwo' }),
    );
    expect(await ask(both, { region: 'RegionTwo' })).toBe('b');
    const old = network(endpoint('$URL/b', { region_id: null, region: 'RegionTwo' }));
    expect(await ask(old, { region: 'RegionTwo' })).toBe('b');
  });
  test('also when the catalog has the service twice', async () => {
    const twice = [
      ...network(endpoint('$URL/a', { region_id: 'RegionOne' })),
      ...network(endpoint('$URL/b', { region_id: 'RegionTwo' })),
    ];
    expect(await ask(twice, { region: 'RegionTwo' })).toBe('b');
  });
  test.each(['$URL/a', '$URL/a/', '$URL/a/v2.0', '$URL/a/v2.0/'])(
    '%s: the version comes once',
    async (url) => {
      expect(await ask(network(endpoint(url)))).toBe('a');
    },
  );
  test.each(['$URL/a//', '$URL/a/v1', '$URL/a/v1/'])(
    'of Glance, %s: paths have a version of their own',
    async (url) => {
      const { api } = await open({
        catalog: [{ type: 'image', endpoints: [endpoint(url)] }],
        routes: { 'GET /a/v2/images': { body: 'a' } },
      });
      expect((await api.get('image', '/v2/images')).body).toBe('a');
    },
  );
  const TWO = { region_id: 'RegionTwo', region: 'RegionTwo' };
  test('no region is said, and each has a Neutron of its own: none of them is taken', async () => {
    const { api, stack } = await at(network(endpoint('$URL/a'), endpoint('$URL/b', TWO)));
    expect(await failure(api.list('network', PORTS, 'ports'))).toMatchObject({
      name: 'UsageError',
      code: 'region-not-said',
      message: 'the catalog has Neutron in several regions (RegionOne, RegionTwo), and clouds.yaml says none',
      hint: expect.stringContaining('region_name'),
    });
    expect(await failure(api.send(del))).toMatchObject({ code: 'region-not-said' });
    expect(stack.asked).toEqual([]);
  });
  test('also when a region knows it by an older name', async () => {
    const { api } = await open({
      catalog: [
        { type: 'volumev3', endpoints: [endpoint('$URL/a')] },
        { type: 'volumev2', endpoints: [endpoint('$URL/a2'), endpoint('$URL/b', TWO)] },
      ],
    });
    expect(await failure(api.get('volume', '/volumes/1'))).toMatchObject({ code: 'region-not-said' });
  });
  test('no region is said, and it is one and the same for all, or the others have other interfaces', async () => {
    expect(await ask(network(endpoint('$URL/a'), endpoint('$URL/a/', TWO)))).toBe('a');
    expect(await ask(network(endpoint('$URL/a'), endpoint('$URL/b', { ...TWO, interface: 'admin' })))).toBe(
      'a',
    );
  });
  test('Cinder goes by several names', async () => {
    for (const type of ['block-storage', 'volumev3', 'block-store']) {
      const { api } = await open({ catalog: [{ type, endpoints: [endpoint('$URL/volume/v3/p1')] }] });
      expect(await api.has('volume')).toBe(true);
    }
  });
  test.each<[string, readonly unknown[], boolean]>([
    ['no such service', [], false],
    // It is there, and what it knows of the server is not known.
    ['another interface only', network(endpoint('$URL/a', { interface: 'admin' })), true],
    ['another region only', network(endpoint('$URL/a', { region_id: 'RegionTwo' })), false],
  ])('%s', async (_, catalog, has) => {
    const { api } = await at(catalog, { region: 'RegionOne' });
    expect(await api.has('network')).toBe(has);
    expect(await failure(api.get('network', PORTS))).toMatchObject({
      code: 'no-endpoint',
      place: 'Neutron',
      exitCode: 4,
      message: 'the catalog has no public endpoint for it',
    });
  });
  test('a token for the whole system, without the endpoints that have a project in them', async () => {
    const catalog = [{ type: 'volumev3', endpoints: [] }];
    expect(await (await open({ catalog })).api.has('volume')).toBe(false);
    const { api } = await open({ catalog, auth: { system_scope: 'all' } });
    expect(await api.has('volume')).toBe(true);
    expect(await failure(api.get('volume', '/volumes/1'))).toMatchObject({
      code: 'no-endpoint',
      hint: expect.stringContaining('log in to a project'),
    });
  });
  test('an endpoint that is no URL', async () => {
    const { api } = await at(network(endpoint('neutron at $URL')));
    expect(await failure(api.get('network', PORTS))).toMatchObject({ code: 'no-endpoint' });
  });
});

describe('a collection is whole only for an administrator', () => {
  const routes = { 'GET /network/v2.0/ports': { body: { ports: [{ id: 'p1' }] } } };
  const named = (...names: string[]) => names.map((name) => ({ id: name, name }));

  test.each<[string, object]>([
    ['the role, in any case of letters', { roles: named('Admin') }],
    ['in the admin project', { roles: named('admin'), is_admin_project: true }],
  ])('%s', async (_, token) => {
    const { api } = await open({ routes, token });
    expect(await api.list('network', PORTS, 'ports')).toEqual([{ id: 'p1' }]);
  });
  test.each<[string, object]>([
    ['other roles', { roles: named('member', 'reader', 'administrator') }],
    ['no roles', { roles: undefined }],
    ['a project that is not the admin project', { roles: named('admin'), is_admin_project: false }],
  ])('not known with %s', async (_, token) => {
    const { api, stack } = await open({ routes, token });
    expect(await failure(api.list('network', PORTS, 'ports'))).toMatchObject({
      code: 'not-admin',
      place: 'Neutron',
      exitCode: 4,
    });
    expect(stack.asked).toEqual([]);
  });
});

describe('a collection with a page size of two', () => {
  const items = [1, 2, 3, 4, 5].map((n) => ({ id: `i${n}` }));
  const pageFrom = (path: string) => {
    const marker = new URL(path, 'http://x').searchParams.get('marker');
    const from = marker === null ? 0 : items.findIndex(({ id }) => id === marker) + 1;
    return { page: items.slice(from, from + 2), last: from + 2 >= items.length };
  };

  test("Neutron's ports_links, whichever address they name", async () => {
    const { api, stack } = await open({
      routes: {
        'GET /network/v2.0/ports': ({ path }) => {
          const { page, last } = pageFrom(path);
          const href = `http://10.0.0.9:9696/network/v2.0/ports?device_id=d&marker=${page.at(-1)?.id}`;
          return { body: { ports: page, ...(last ? {} : { ports_links: [{ rel: 'next', href }] }) } };
        },
      },
    });
    expect(await api.list('network', '/v2.0/ports?device_id=d', 'ports')).toEqual(items);
    expect(stack.asked.map(({ path }) => path)).toEqual([
      '/network/v2.0/ports?device_id=d',
      '/network/v2.0/ports?device_id=d&marker=i2',
      '/network/v2.0/ports?device_id=d&marker=i4',
    ]);
  });

  test("Glance's next, which is a path", async () => {
    const { api } = await open({
      routes: {
        'GET /image/v2/images': ({ path }) => {
          const { page, last } = pageFrom(path);
          return {
            body: { images: page, ...(last ? {} : { next: `/v2/images?marker=${page.at(-1)?.id}` }) },
          };
        },
      },
    });
    expect(await api.list('image', '/v2/images?owner=p', 'images')).toEqual(items);
  });

  test.each(['/volume/v3/p1', '/volume/v3'])(
    "Cinder's snapshots_links, with %s in the catalog too",
    async (base) => {
      const { api, stack } = await open({
        catalog: [{ type: 'volumev3', endpoints: [endpoint(`$URL${base}`)] }],
        routes: Object.fromEntries(
          [`${base}/snapshots`, '/volume/v3/p1/snapshots'].map((route) => [
            `GET ${route}`,
            ({ path }: { path: string }) => {
              const { page, last } = pageFrom(path);
              const href = `http://10.0.0.9:8776/v3/p1/snapshots?marker=${page.at(-1)?.id}`;
              return {
                body: { snapshots: page, ...(last ? {} : { snapshots_links: [{ rel: 'next', href }] }) },
              };
            },
          ]),
        ),
      });
      expect(await api.list('volume', '/snapshots?volume_id=v', 'snapshots')).toEqual(items);
      expect(stack.unforeseen).toEqual([]);
    },
  );

  test('a link that names another host does not take the token there', async () => {
    const { api, stack } = await open({
      routes: {
        'GET /image/v2/images': ({ path }) => ({
          body: {
            images: [],
            ...(path.includes('marker') ? {} : { next: '@evil.example/v2/images?marker=1' }),
          },
        }),
      },
    });
    await api.list('image', '/v2/images', 'images').catch(() => {});
    expect(stack.asked.length).toBeGreaterThan(1);
  });

  test.each([
    ['no list in the answer', { body: { port: [] } }],
    ['a list of another shape', { body: { ports: {} } }],
    ['HTML with a status of 200', { body: '<html>login</html>' }],
    ['a link that is none', { body: { ports: [], next: 7 } }],
  ])('%s is not an empty list', async (_, answer) => {
    const { api } = await open({ routes: { 'GET /network/v2.0/ports': answer } });
    expect(await failure(api.list('network', PORTS, 'ports'))).toMatchObject({
      name: 'LookError',
      code: 'answer-not-understood',
      place: 'Neutron',
    });
  });

  test('an error on the second page is an error, not half a list', async () => {
    const { api } = await open({
      routes: {
        'GET /network/v2.0/ports': ({ path }) =>
          path.includes('marker')
            ? { status: 500 }
            : { body: { ports: [{}], ports_links: [{ rel: 'next', href: `${PORTS}?marker=1` }] } },
      },
    });
    expect(await failure(api.list('network', PORTS, 'ports'))).toMatchObject({ code: 'api-500' });
  });
});

describe('an answer that is an error', () => {
  const says = async (answer: object) => {
    const { api } = await open({ routes: { 'GET /network/v2.0/ports': answer } });
    return (await failure(api.get('network', `${PORTS}?name=secret-name`))).message;
  };
  test.each<[string, object, string]>([
    [
      "Nova's",
      { status: 404, body: { itemNotFound: { message: 'Instance  could\nnot be found.', code: 404 } } },
      'GET /v2.0/ports answered 404: Instance could not be found.',
    ],
    [
      "Neutron's",
      { status: 409, body: { NeutronError: { type: 'PortInUse', message: 'Port is in use.', detail: '' } } },
      'GET /v2.0/ports answered 409: Port is in use.',
    ],
    [
      "Placement's",
      { status: 400, body: { errors: [{ status: 400, detail: 'Invalid uuid.' }] } },
      'GET /v2.0/ports answered 400: Invalid uuid.',
    ],
    [
      "Glance's, with HTML in it",
      { status: 409, body: { message: 'Image is in use: <b>outside</b> of Glance.<br /><br />\n\n ' } },
      'GET /v2.0/ports answered 409: Image is in use: outside of Glance.',
    ],
    ["Keystone's own words", { status: 403, body: { message: 'no' } }, 'GET /v2.0/ports answered 403: no'],
    ["a proxy's page", { status: 503, body: '<html><h1>503</h1></html>' }, 'GET /v2.0/ports answered 503'],
    ['nothing', { status: 500 }, 'GET /v2.0/ports answered 500'],
  ])('%s', async (_, answer, message) => {
    expect(await says(answer)).toBe(message);
  });

  test('with the id of the request, for the service’s log', async () => {
    const headers = { 'x-openstack-request-id': 'req-0a1b' };
    expect(await says({ status: 500, headers })).toBe('GET /v2.0/ports answered 500 (request req-0a1b)');
    expect(await says({ status: 500, headers: { 'x-compute-request-id': 'req-2' } })).toContain('req-2');
  });
  test('a long message is cut', async () => {
    expect((await says({ status: 500, body: { message: 'x'.repeat(10_000) } })).length).toBeLessThan(300);
  });
  test('a status that was expected is an answer', async () => {
    const { api } = await open({ routes: { 'GET /network/v2.0/ports': { status: 404, body: { a: 1 } } } });
    expect(await api.get('network', PORTS, { also: [404] })).toEqual({ status: 404, body: { a: 1 } });
  });
  test.each([
    ['a number', { headers: { 'x-compute-request-id': 'req-2' }, body: LOST_PAGE }],
    ['JSON', { body: { itemNotFound: { message: 'Volume could not be found.' } } }],
  ])('a 404 with %s is the word of the service', async (_, answer) => {
    const { api } = await open({ routes: { 'GET /network/v2.0/ports': { status: 404, ...answer } } });
    expect(await api.get('network', PORTS, { also: [404] })).toMatchObject({ status: 404 });
  });
  test('a page of a proxy that says 404 is not taken for "gone"', async () => {
    const { api } = await open({ routes: { 'GET /network/v2.0/ports': { status: 404, body: LOST_PAGE } } });
    expect(await failure(api.get('network', PORTS, { also: [404] }))).toMatchObject({
      name: 'LookError',
      code: 'api-not-the-service',
      hint: expect.stringContaining('proxy'),
    });
    // Nor for a release that does not have the path: whoever asks for what is newer goes by `api-404`.
    expect(await failure(api.list('network', PORTS, 'ports'))).toMatchObject({ code: 'api-not-the-service' });
  });
  test.each([301, 302, 307, 308])('%d is not followed, and says what may be wrong', async (status) => {
    const moved = { status, headers: { location: 'https://elsewhere/v2.0/ports' } };
    const { api, stack } = await open({ routes: { 'GET /network/v2.0/ports': moved } });
    expect(await failure(api.get('network', PORTS))).toMatchObject({
      code: `api-${status}`,
      hint: expect.stringContaining('http where it is https'),
    });
    expect(stack.asked).toHaveLength(1);
  });
  test('403 says what to do about it', async () => {
    const { api } = await open({ routes: { 'GET /network/v2.0/ports': { status: 403 } } });
    expect(await failure(api.get('network', PORTS))).toMatchObject({
      hint: expect.stringContaining('lacks the role'),
    });
  });
});

describe('a line that breaks', () => {
  test('nobody there', async () => {
    const stack = await startOpenstack();
    const api = connect({ ...stack.cloud, auth: { ...stack.cloud.auth, auth_url: 'http://127.0.0.1:1/v3' } });
    expect(await failure(api.get('network', PORTS))).toMatchObject({
      name: 'LookError',
      code: 'api-unreachable',
      place: 'Keystone',
      message: 'POST 127.0.0.1:1/v3/auth/tokens: connection refused',
    });
  });
  test('a certificate that nobody who is known has signed: what to name is said', async () => {
    const { key, cert } = makeCertificate('localhost');
    const server = createTlsServer({ key, cert }, (_, response) => response.end('{}'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const url = new URL(`https://localhost:${(server.address() as AddressInfo).port}/`);
    const client = openHttpClient({ verify: true });
    onTestFinished(() => client.close());
    const error = await failure(client.send('Neutron', { method: 'GET', url, headers: {} }));
    expect(error).toMatchObject({
      code: 'api-unreachable',
      message: `GET ${url.host}/: self-signed certificate`,
      hint: expect.stringContaining('cacert in clouds.yaml'),
    });
  });
  test('https in the URL of a service that speaks http', async () => {
    const stack = await startOpenstack();
    const client = openHttpClient({ verify: true });
    onTestFinished(() => client.close());
    const url = new URL(stack.url.replace('http:', 'https:'));
    expect(await failure(client.send('Neutron', { method: 'GET', url, headers: {} }))).toMatchObject({
      code: 'api-unreachable',
      message: `GET ${url.host}/: TLS: wrong version number`,
      hint: 'its URL says https: does it speak http?',
    });
  });
  test('a service that is not there: what was to be written was surely not', async () => {
    const { api } = await open({
      catalog: [{ type: 'network', endpoints: [endpoint('http://127.0.0.1:1')] }],
    });
    expect(await failure(api.send(del))).toMatchObject({
      name: 'ActError',
      code: 'api-unreachable',
      unknown: false,
    });
  });
  test('cut after a write was sent: nobody knows', async () => {
    const { api } = await open({ routes: { 'DELETE /network/v2.0/ports/p1': () => null } });
    expect(await failure(api.send(del))).toMatchObject({ name: 'ActError', code: 'api-cut', unknown: true });
  });
  test('cut while it was read: could not look', async () => {
    const { api } = await open({ routes: { 'GET /network/v2.0/ports': () => null } });
    expect(await failure(api.get('network', PORTS))).toMatchObject({ name: 'LookError', code: 'api-cut' });
  });
  test('an answer that drips, a byte every now and then, is not waited for without an end', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const client = openHttpClient({ verify: true }, { idleMs: 5_000, wholeMs: 100 });
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const sent = (method: string) => client.send('Nova', { method, url, headers: {} });
    for (const method of ['GET', 'DELETE'])
      expect(await failure(sent(method))).toMatchObject({
        code: 'api-cut',
        message: `${method} ${url.host}/: no whole answer in 0.1 s`,
      });
    client.close();
  });
  test('cut in the middle of an answer', async () => {
    const { api } = await open({
      routes: {
        'GET /network/v2.0/ports': {
          headers: { 'content-length': '1000', connection: 'close' },
          body: { ports: [] },
        },
      },
    });
    expect(await failure(api.get('network', PORTS))).toMatchObject({ name: 'LookError', code: 'api-cut' });
  });
});

describe('a write', () => {
  test('goes out exactly as it is in the plan', async () => {
    const { api, stack } = await open({ routes: { 'PUT /placement/allocations/u': { status: 204 } } });
    await api.send({
      door: 'http',
      service: 'placement',
      method: 'PUT',
      path: '/allocations/u',
      body: { allocations: {}, name: '密' },
      microversion: '1.28',
      status: [204],
    });
    expect(stack.asked).toMatchObject([
      {
        method: 'PUT',
        path: '/placement/allocations/u',
        body: { allocations: {}, name: '密' },
        headers: { 'openstack-api-version': 'placement 1.28', 'content-type': 'application/json' },
      },
    ]);
  });
  test.each([
    ['204', { status: 204 }],
    ['404 with a number', { status: 404, headers: { 'x-openstack-request-id': 'req-1' } }],
    ['404 in JSON', { status: 404, body: { NeutronError: { message: 'no such port' } } }],
  ])('%s is one of the answers that mean done', async (_, answer) => {
    const { api } = await open({ routes: { 'DELETE /network/v2.0/ports/p1': answer } });
    await api.send(del);
  });
  test('404 of a proxy is none', async () => {
    const page = { status: 404, body: LOST_PAGE };
    const { api } = await open({ routes: { 'DELETE /network/v2.0/ports/p1': page } });
    expect(await failure(api.send(del))).toMatchObject({ name: 'ActError', code: 'api-404' });
  });
  test('another answer is a failure, with what the service says', async () => {
    const { api } = await open({
      routes: {
        'DELETE /network/v2.0/ports/p1': { status: 409, body: { NeutronError: { message: 'in use' } } },
      },
    });
    expect(await failure(api.send(del))).toMatchObject({
      name: 'ActError',
      code: 'api-409',
      unknown: false,
      message: 'Neutron: DELETE /v2.0/ports/p1 answered 409: in use',
    });
  });
});

describe('a service token', () => {
  const ACT: HttpAct = { ...del, serviceToken: true };
  const SERVICE = { roles: [{ id: 'r9', name: 'service' }] };
  const routes = { 'DELETE /network/v2.0/ports/p1': { status: 204 } };

  /** A session whose service user logs in at the same Keystone as `nova`. */
  async function openBoth(options: FakeOpenstackOptions = {}, role = 'service', password = PASSWORD) {
    const stack = await startOpenstack({ routes, token: SERVICE, ...options });
    const auth = { ...stack.cloud, auth: { ...stack.cloud.auth, username: 'nova', password } };
    const session = new ApiSession(stack.cloud, undefined, { auth, role, from: '[service_user]' });
    onTestFinished(() => session.close());
    return { stack, api: session };
  }
  const userOf = (login: { body: unknown }) => /"name":"(admin|nova)"/.exec(JSON.stringify(login.body))?.[1];

  test('goes beside the operator’s own, with the acts that ask for it and no others', async () => {
    const { api, stack } = await openBoth();
    await api.send(del);
    expect(stack.logins.map(userOf)).toEqual(['admin']);
    expect(stack.asked[0]?.headers['x-service-token']).toBeUndefined();
    await api.send(ACT);
    expect(stack.logins.map(userOf)).toEqual(['admin', 'nova']);
    expect(stack.asked[1]?.headers).toMatchObject({
      'x-auth-token': 'token-1',
      'x-service-token': 'token-1',
    });
  });

  test('one that ran out is asked for anew, once', async () => {
    const { api, stack } = await openBoth();
    await api.send(ACT);
    stack.expire();
    await api.send(ACT);
    expect(stack.asked.at(-1)?.headers['x-service-token']).toBe('token-2');
    expect(stack.logins).toHaveLength(4);
  });

  test('can be had: its login brings the role', async () => {
    expect(await (await openBoth()).api.serviceToken()).toEqual({ available: true, from: '[service_user]' });
  });

  test.each<[string, () => Promise<{ api: ApiSession }>, RegExp]>([
    ['nobody is named', () => open(), /^neither service_user .* names an account/],
    ['without the role', () => openBoth({}, 'other'), /has not the role other in its project$/],
    ['a wrong password', () => openBoth({}, 'service', 'wrong'), /cannot log in: Keystone refuses/],
    ['no answer', () => openBoth({ login: () => null }), /cannot log in: /],
  ])('cannot be had: %s', async (_, start, why) => {
    const answer = await (await start()).api.serviceToken();
    expect(answer).toEqual({ available: false, why: expect.stringMatching(why) });
    expect(JSON.stringify(answer)).not.toContain(PASSWORD);
  });

  test('an act that needs one is not sent without', async () => {
    const { api, stack } = await open({ routes });
    expect(await failure(api.send(ACT))).toMatchObject({ code: 'no-service-user' });
    expect(stack.asked).toEqual([]);
  });
});
