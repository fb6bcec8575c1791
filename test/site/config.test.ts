import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/plan/errors.ts';
import { Hosts } from '../../src/site/command/hosts.ts';
import { loadSite, type SiteConfig } from '../../src/site/config/load.ts';
import { parseNovaConf } from '../../src/site/config/nova-conf.ts';
import { NETWORK } from '../../src/site/wires.ts';
import { tempFolder } from '../support/temp.ts';

const SECRET = 's3cret-do-not-print';
const AUTH_ENV = {
  OS_AUTH_URL: 'http://keystone:5000/v3',
  OS_USERNAME: 'admin',
  OS_PASSWORD: SECRET,
  OS_PROJECT_NAME: 'admin',
};

/** Writes files into a folder and loads `expunge.yaml` from it. */
function load(files: Record<string, string>, env: Record<string, string> = AUTH_ENV): Promise<SiteConfig> {
  const folder = tempFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text.replaceAll('$HERE', folder));
  }
  return loadSite(join(folder, 'expunge.yaml'), env);
}

async function refusal(files: Record<string, string>, env?: Record<string, string>): Promise<UsageError> {
  const error = await load(files, env).then(
    () => new Error('it was taken'),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UsageError);
  return error as UsageError;
}

describe('a site file that is not usable is one clear line', () => {
  test.each([
    ['an unknown key', 'clowd: lab', 'unknown key clowd'],
    ['an unknown key further in', 'hosts: {compute1: {adress: a}}', 'unknown key hosts.compute1.adress'],
    ['a wrong type', 'hosts: {compute1: {port: ssh}}', 'hosts.compute1.port: '],
    ['a port that is none', 'hosts: {compute1: {port: 70000}}', 'hosts.compute1.port: '],
    ['an unknown transport', 'hosts: {default: {transport: telnet}}', 'hosts.default.transport: '],
    ['a path that is not absolute', 'nova_conf: nova.conf', 'nova_conf: must be an absolute path'],
    ['a path with ..', 'nova_conf: /etc/../nova.conf', 'nova_conf: must be an absolute path'],
    ['an address that ssh would read as an option', 'hosts: {a: {address: -oX}}', 'hosts.a.address: is not'],
    ['a user that ssh would read as an option', 'hosts: {a: {user: -l}}', 'hosts.a.user: is not'],
    ['a user with a space', 'hosts: {a: {user: "a b"}}', 'hosts.a.user: is not'],
    ['memcached without a port', 'memcached: [host]', 'memcached.0: must be host:port'],
    ['memcached with a port that is none', 'memcached: ["host:99999"]', 'memcached.0: must be host:port'],
    ['a bus that is none of both', 'message_bus: no', 'message_bus: '],
    ['an unknown key of the bus', 'message_bus: {urls: x}', 'unknown key message_bus.urls'],
    ['a list where keys are wanted', '- a', 'expected object'],
    ['a broken bracket', 'hosts: {', 'is not YAML: line 1'],
    ['a key that comes twice', 'cloud: a\ncloud: b', 'is not YAML: line 2'],
  ])('%s', async (_, text, says) => {
    const error = await refusal({ 'expunge.yaml': text });
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain('expunge.yaml');
    expect(error.message).toContain(says);
    expect(error.message).not.toContain('\n');
  });

  test('a file that is not there', async () => {
    const error = await loadSite('/nowhere/expunge.yaml', AUTH_ENV).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'file-unreadable', exitCode: 2 });
    expect((error as Error).message).toContain('/nowhere/expunge.yaml');
  });

  test('a folder instead of a file', async () => {
    await expect(loadSite('/', AUTH_ENV)).rejects.toMatchObject({ code: 'file-unreadable' });
  });

  test('a nova.conf that is not there is named', async () => {
    const error = await refusal({ 'expunge.yaml': 'nova_conf: /nowhere/nova.conf' });
    expect(error.message).toContain('cannot read the nova_conf /nowhere/nova.conf');
  });
});

test('an empty site file is one that says nothing', async () => {
  const site = await load({ 'expunge.yaml': '# nothing yet\n' });
  expect(site).toMatchObject({ name: 'environment', file: {}, novaConf: null });
});

describe('who asks for a service token', () => {
  const serviceUser = async (yaml: string, novaConf?: string) =>
    (
      await load({
        'expunge.yaml': `${yaml}${novaConf === undefined ? '' : '\nnova_conf: $HERE/nova.conf'}`,
        ...(novaConf === undefined ? {} : { 'nova.conf': novaConf }),
      })
    ).serviceUser;
  const OWN = 'service_user: {username: nova, password: p, project_name: service}';
  const SECTION = `[service_user]
send_service_user_token = false
auth_type = password
auth_url = http://inner:5000
username = nova
password = a$$b
project_name = service
user_domain_name = Default
`;

  test('nobody', async () => {
    expect(await serviceUser('')).toBeNull();
    expect(await serviceUser('', '[service_user]\nsend_service_user_token = true\n')).toBeNull();
  });

  test('the site file’s, at the Keystone of clouds.yaml, for the role service', async () => {
    const own = await serviceUser(OWN);
    expect(own).toMatchObject({
      role: 'service',
      auth: { auth: { username: 'nova', project_name: 'service' } },
    });
    expect(own?.auth.auth.auth_url).toBe(AUTH_ENV['OS_AUTH_URL']);
    expect((await serviceUser(OWN.replace('}', ', role: svc}')))?.role).toBe('svc');
  });

  test('nova.conf’s, whatever Nova itself sends; the site file’s comes first', async () => {
    const found = await serviceUser('', SECTION);
    expect(found?.auth.auth).toEqual({
      auth_url: AUTH_ENV['OS_AUTH_URL'],
      username: 'nova',
      password: 'a$b',
      project_name: 'service',
      user_domain_name: 'Default',
    });
    expect((await serviceUser(OWN, SECTION))?.from).toContain('site file');
  });

  test.each(['keystone_authtoken', 'Nova_Service'])(
    'the section that auth_section names, %s',
    async (name) => {
      const other = `[service_user]\nauth_section = ${name}\n${SECTION.replace('service_user', name)}`;
      expect((await serviceUser('', other))?.auth.auth.username).toBe('nova');
    },
  );

  test.each(['v3oidcpassword', 'v3applicationcredential'])('not one of auth_type %s', async (type) => {
    expect(await serviceUser('', SECTION.replace('= password', `= ${type}`))).toBeNull();
  });

  test.each([
    ['service_user: {username: nova}', 'service_user.password'],
    ['service_user: {pasword: p, password: p}', 'service_user.pasword'],
    ['service_user: {password: p, auth_url: inner}', 'service_user.auth_url'],
  ])('a faulty one is named, without its password: %s', async (yaml, key) => {
    expect((await refusal({ 'expunge.yaml': yaml })).message).toContain(key);
  });
});

describe('hosts', () => {
  const hostsOf = async (yaml: string, novaConf?: string) => {
    const config = await load({
      'expunge.yaml': `${yaml}${novaConf === undefined ? '' : '\nnova_conf: $HERE/nova.conf'}`,
      ...(novaConf === undefined ? {} : { 'nova.conf': novaConf }),
    });
    return new Hosts(config, NETWORK.command);
  };

  test('what default says holds for every host, and a host says otherwise key by key', async () => {
    const hosts = await hostsOf(
      'hosts: {default: {user: stack, port: 2222, sudo: true, identity_file: /k}, compute1: {port: 22, address: 10.0.0.1}}',
    );
    expect(hosts.access('compute1')).toMatchObject({
      address: '10.0.0.1',
      port: 22,
      user: 'stack',
      sudo: true,
      identityFile: '/k',
      transport: 'ssh',
    });
    expect(hosts.access('compute2')).toMatchObject({ address: 'compute2', port: 2222 });
  });

  test('default may not have an address: it would be that of every host', async () => {
    await expect(hostsOf('hosts: {default: {address: jump}}')).rejects.toMatchObject({
      code: 'site-file-invalid',
      message: expect.stringContaining('hosts.default.address'),
    });
  });

  test('nor may it be this very machine: every other host would be looked for here', async () => {
    await expect(hostsOf('hosts: {default: {transport: local}}')).rejects.toMatchObject({
      code: 'site-file-invalid',
      message: expect.stringContaining('hosts.default.transport: this machine cannot be every host'),
    });
  });

  test.each(['stack', 'ann.lee', 'ann@corp.example', 'CORP+ann', '0ops', '_svc-1'])(
    'a user of a directory, %s',
    async (user) => {
      expect((await hostsOf(`hosts: {default: {user: "${user}"}}`)).access('compute1')).toMatchObject({
        user,
      });
    },
  );

  test('without default only named hosts are reached', async () => {
    const hosts = await hostsOf('hosts: {compute1: {transport: local}}');
    expect(hosts.access('compute1')).toMatchObject({ transport: 'local', sudo: false });
    expect(hosts.access('compute2')).toBeNull();
    expect(hosts.access('constructor')).toBeNull();
  });

  test.each(['-oProxyCommand=x', 'a b', 'a;b', '', '$(x)', '../x'])(
    'a name from a database that is no host name is not reached: %j',
    async (name) => {
      expect((await hostsOf('hosts: {default: {}}')).access(name)).toBeNull();
    },
  );

  test("the instances folder: the host's, then nova.conf's, then Nova's own default", async () => {
    const both = await hostsOf(
      'hosts: {default: {}, a: {instances_path: /a}}',
      '[DEFAULT]\ninstances_path=/n',
    );
    expect(both.access('a')?.instancesPath).toBe('/a');
    expect(both.access('b')?.instancesPath).toBe('/n');
    const none = await hostsOf('hosts: {default: {}}');
    expect(none.access('b')?.instancesPath).toBe('/var/lib/nova/instances');
  });

  test('a host that the site file does not know cannot be looked at', async () => {
    const hosts = await hostsOf('hosts: {}');
    await expect(hosts.run('compute1', ['true'], 100)).rejects.toMatchObject({
      code: 'host-unknown',
      place: 'host compute1',
      exitCode: 4,
    });
  });
});

describe('the cloud', () => {
  const CLOUDS = `clouds:
  lab:
    region_name: RegionOne
    interface: internal
    auth: {auth_url: "http://keystone:5000/v3", username: admin, project_name: admin, password: from-clouds}
`;

  test('clouds.yaml beside the site file, with secure.yaml laid over it', async () => {
    const { name, auth } = await load({
      'expunge.yaml': 'cloud: lab',
      'clouds.yaml': CLOUDS,
      'secure.yaml': `clouds: {lab: {auth: {password: ${SECRET}}}, other: {auth: {password: x}}}`,
    });
    expect(name).toBe('lab');
    expect(auth).toMatchObject({ region: 'RegionOne', interface: 'internal', tls: { verify: true } });
    expect(auth.auth).toMatchObject({
      auth_url: 'http://keystone:5000/v3',
      username: 'admin',
      password: SECRET,
    });
  });

  test.each(['', '# nothing yet\n', 'clouds:\n', 'clouds:\n  lab:\n', '{}'])(
    'a secure.yaml with nothing in it changes nothing: %j',
    async (secure) => {
      const files = { 'expunge.yaml': 'cloud: lab', 'clouds.yaml': CLOUDS, 'secure.yaml': secure };
      expect((await load(files)).auth.auth).toMatchObject({ password: 'from-clouds' });
    },
  );

  test('a clouds file elsewhere has its secure.yaml beside it', async () => {
    const { auth } = await load({
      'expunge.yaml': 'cloud: lab\nclouds_file: $HERE/my-clouds.yaml',
      'my-clouds.yaml': CLOUDS,
      'secure.yaml': `clouds: {lab: {auth: {password: ${SECRET}}}}`,
    });
    expect(auth.auth.password).toBe(SECRET);
  });

  test('OS_CLOUD chooses when the site file does not', async () => {
    const site = await load({ 'expunge.yaml': '', 'clouds.yaml': CLOUDS }, { OS_CLOUD: 'lab' });
    expect(site.name).toBe('lab');
    expect(site.auth.auth.password).toBe('from-clouds');
  });

  test('without a cloud the OS_* variables count', async () => {
    const { name, auth } = await load(
      { 'expunge.yaml': '' },
      {
        ...AUTH_ENV,
        OS_REGION_NAME: 'RegionTwo',
        OS_INTERFACE: 'internalURL',
        OS_USER_DOMAIN_NAME: 'Default',
        OS_CACERT: '/etc/ca.pem',
        OS_PROJECT_ID: '',
      },
    );
    expect(name).toBe('environment');
    expect(auth).toMatchObject({
      region: 'RegionTwo',
      interface: 'internal',
      tls: { cacert: '/etc/ca.pem', verify: true },
      auth: { username: 'admin', user_domain_name: 'Default' },
    });
    expect(auth.auth).not.toHaveProperty('project_id');
  });

  test('a file of the time of tenants, with empty variables as some templates write them', async () => {
    const { OS_PROJECT_NAME: OS_TENANT_NAME, ...env } = AUTH_ENV;
    const old = { ...env, OS_TENANT_NAME, OS_TENANT_ID: 't1', OS_ENDPOINT_TYPE: 'internalURL' };
    const empty = {
      OS_VERIFY: 'false',
      OS_CLOUD: '',
      OS_REGION_NAME: '',
      OS_INTERFACE: '',
      OS_CACERT: '',
      OS_CERT: '',
      OS_KEY: '',
    };
    const { name, auth } = await load({ 'expunge.yaml': '' }, { ...old, ...empty });
    expect(name).toBe('environment');
    expect(auth).toEqual({
      auth: {
        auth_url: AUTH_ENV.OS_AUTH_URL,
        username: 'admin',
        password: SECRET,
        project_name: 'admin',
        project_id: 't1',
      },
      region: undefined,
      interface: 'internal',
      tls: { verify: true },
    });
    // What it is called now counts first.
    const both = {
      ...AUTH_ENV,
      OS_TENANT_NAME: 'other',
      OS_ENDPOINT_TYPE: 'adminURL',
      OS_INTERFACE: 'public',
    };
    expect((await load({ 'expunge.yaml': '' }, both)).auth).toMatchObject({
      interface: 'public',
      auth: { project_name: 'admin' },
    });
  });

  test('numbers as YAML reads them are text', async () => {
    const { auth } = await load({
      'expunge.yaml': 'cloud: lab',
      'clouds.yaml':
        'clouds: {lab: {auth: {auth_url: "https://k:5000", username: 7, password: 12345, project_id: 9}}}',
    });
    expect(auth.auth).toMatchObject({ username: '7', password: '12345', project_id: '9' });
  });

  test.each(['1e5', '0123', '12345678901234567890', '1234e567', '0x1F', '1.50', '.5', '.inf'])(
    'a password that YAML takes for a number is the one that is written: %s',
    async (password) => {
      const { auth } = await load({
        'expunge.yaml': 'cloud: lab',
        'clouds.yaml': `clouds: {lab: {auth: {auth_url: "https://k:5000", username: u, password: ${password}}}}`,
      });
      expect(auth.auth.password).toBe(password);
    },
  );

  test('names and passwords of digits, in the site file too', async () => {
    const { name, file } = await load({
      'expunge.yaml': `cloud: 2024
databases: {cell_user: 7, cell_password: 12345}
message_bus: {user: 8, password: 0123}
`,
      'clouds.yaml': CLOUDS.replace('lab:', '2024:'),
    });
    expect(name).toBe('2024');
    expect(file).toMatchObject({
      databases: { cell_user: '7', cell_password: '12345' },
      message_bus: { user: '8', password: '0123' },
    });
  });

  test('an entry may take over another’s keys', async () => {
    const { auth } = await load({
      'expunge.yaml': 'cloud: other',
      'clouds.yaml': `${CLOUDS.replace('  lab:', '  lab: &lab')}  other:\n    <<: *lab\n    region_name: Two\n`,
    });
    expect(auth).toMatchObject({ region: 'Two', interface: 'internal', auth: { password: 'from-clouds' } });
  });

  test('what stands there without a value is not said', async () => {
    const { auth } = await load({
      'expunge.yaml': 'cloud: lab',
      'clouds.yaml': `${CLOUDS}    cacert:\n    cert: ""\n    key: ~\n    verify:\n`,
    });
    expect(auth.tls).toEqual({ verify: true });
  });

  test('older and looser ways to say it', async () => {
    const { auth } = await load({
      'expunge.yaml': 'cloud: lab',
      'clouds.yaml': `clouds:
  lab:
    endpoint_type: internalURL
    username: outside
    auth: {auth-url: "http://k:5000", username: inside, tenant_name: t, tenant_id: old, project_id: new, password: p}
    cacert: ~/ca.pem
`,
    });
    expect(auth).toMatchObject({
      interface: 'internal',
      auth: { auth_url: 'http://k:5000', username: 'outside', project_name: 't', project_id: 'new' },
    });
    expect(auth.tls.cacert).toBe(join(homedir(), 'ca.pem'));
  });

  test.each(['clouds.yml', 'clouds.json'])('%s will do', async (name) => {
    const { auth } = await load({
      'expunge.yaml': 'cloud: lab',
      [name]: '{"clouds": {"lab": {"auth": {"auth_url": "http://k:5000"}}}}',
    });
    expect(auth.auth.auth_url).toBe('http://k:5000');
  });

  test('OS_CLIENT_CONFIG_FILE and _SECURE_FILE name them, where none lies beside the site file', async () => {
    const elsewhere = tempFolder();
    writeFileSync(join(elsewhere, 'c'), CLOUDS);
    writeFileSync(join(elsewhere, 's'), 'clouds: {lab: {auth: {password: from-secure}}}');
    const env = { OS_CLIENT_CONFIG_FILE: join(elsewhere, 'c'), OS_CLIENT_SECURE_FILE: join(elsewhere, 's') };
    const { auth } = await load({ 'expunge.yaml': 'cloud: lab' }, env);
    expect(auth.auth).toMatchObject({ username: 'admin', password: 'from-secure' });
    const own = { 'expunge.yaml': 'cloud: lab', 'clouds.yaml': CLOUDS.replace('admin', 'own') };
    expect((await load(own, env)).auth.auth.username).toBe('own');
  });

  test.each<[string, Record<string, string>, string]>([
    [
      'no clouds.yaml',
      { 'expunge.yaml': 'cloud: lab\nclouds_file: /nowhere/clouds.yaml' },
      'no clouds.yaml found',
    ],
    [
      'another cloud only',
      { 'expunge.yaml': 'cloud: prod', 'clouds.yaml': CLOUDS },
      'has no cloud called prod',
    ],
    [
      'no auth',
      { 'expunge.yaml': 'cloud: lab', 'clouds.yaml': 'clouds: {lab: {}}' },
      'cloud lab: auth_url is missing or not usable',
    ],
    [
      'an auth_url without its scheme',
      {
        'expunge.yaml': 'cloud: lab',
        'clouds.yaml': 'clouds: {lab: {auth: {auth_url: "keystone:5000/v3", password: x}}}',
      },
      'cloud lab: auth_url is missing or not usable',
    ],
    [
      'an interface that is none',
      {
        'expunge.yaml': 'cloud: lab',
        'clouds.yaml': 'clouds: {lab: {interface: outer, auth: {auth_url: "http://k:5000"}}}',
      },
      'interface must be public, internal or admin',
    ],
    [
      'a clouds file that is none',
      { 'expunge.yaml': 'cloud: lab', 'clouds.yaml': '- lab' },
      'not a clouds file',
    ],
  ])('%s', async (_, files, says) => {
    expect((await refusal(files, {})).message).toContain(says);
  });

  test('no cloud, no variables', async () => {
    expect((await refusal({ 'expunge.yaml': '' }, {})).message).toBe(
      'the OS_* variables: auth_url is missing or not usable',
    );
  });
});

describe('a password is in no error, however wrong the file is', () => {
  const warnings: unknown[] = [];
  process.on('warning', (warning) => warnings.push(warning.message));

  test.each<[string, Record<string, string>]>([
    ['an alias', { 'expunge.yaml': `databases: {cell_password: *${SECRET}}` }],
    ['a tag', { 'expunge.yaml': `databases: {cell_password: !${SECRET} }` }],
    ['an anchor', { 'expunge.yaml': `databases: {cell_password: &${SECRET} }` }],
    ['a line without a key', { 'expunge.yaml': `databases:\n  cell_user: a\n  ${SECRET}\n` }],
    ['an open quote', { 'expunge.yaml': `databases: {cell_password: "${SECRET}` }],
    ['a tab', { 'expunge.yaml': `databases:\n\tcell_password: ${SECRET}` }],
    ['a wrong type', { 'expunge.yaml': `databases: {cell_password: [${SECRET}]}` }],
    ['a text for a map', { 'expunge.yaml': `databases: mysql://u:${SECRET}@h/nova_api` }],
    ['memcached given a URL', { 'expunge.yaml': `memcached: ["u:${SECRET}@host"]` }],
    [
      'clouds: an alias',
      { 'expunge.yaml': 'cloud: a', 'clouds.yaml': `clouds: {a: {auth: {password: *${SECRET}}}}` },
    ],
    [
      'clouds: a tag',
      { 'expunge.yaml': 'cloud: a', 'clouds.yaml': `clouds: {a: {auth: {password: !${SECRET} x}}}` },
    ],
    [
      'clouds: broken',
      { 'expunge.yaml': 'cloud: a', 'clouds.yaml': `clouds: {a: {auth: {password: "${SECRET}` },
    ],
    [
      'clouds: a list',
      {
        'expunge.yaml': 'cloud: a',
        'clouds.yaml': `clouds: {a: {auth: {auth_url: "http://k", password: [${SECRET}]}}}`,
      },
    ],
    [
      'clouds: auth is a text',
      { 'expunge.yaml': 'cloud: a', 'clouds.yaml': `clouds: {a: {auth: "http://admin:${SECRET}@k"}}` },
    ],
    [
      'clouds: the URL is none',
      { 'expunge.yaml': 'cloud: a', 'clouds.yaml': `clouds: {a: {auth: {auth_url: "//admin:${SECRET}@k"}}}` },
    ],
  ])('%s', async (_, files) => {
    const error = await refusal(files);
    await new Promise(setImmediate);
    expect(`${error.message} ${error.hint} ${String(error.cause)} ${warnings.join()}`).not.toContain(SECRET);
  });
});

describe('nova.conf', () => {
  test('comments, blank lines, sections, and what is not asked for', () => {
    expect(
      parseNovaConf(
        [
          '# connection = mysql://wrong',
          '[DEFAULT]',
          ' ; instances_path = /wrong',
          'instance_name_template=vm-%08x',
          'service_down_time = 120',
          'servicegroup_driver = mc',
          'instances_path : /srv/instances',
          'transport_url = rabbit://nova:x@h1:5672,nova:x@h2:5672/',
          '[oslo_messaging_rabbit]',
          'ssl = True',
          'kombu_ssl_ca_certs = /etc/ca.pem',
          '[database]',
          'connection = mysql+pymysql://nova:a=b:c@db/nova_cell0?charset=utf8',
          '[api_database]',
          'connection="mysql://nova:x@db/nova_api"',
          '[placement_database]',
          'connection = mysql://other',
        ].join('\r\n'),
      ),
    ).toEqual({
      apiConnection: 'mysql://nova:x@db/nova_api',
      connection: 'mysql+pymysql://nova:a=b:c@db/nova_cell0?charset=utf8',
      transportUrl: 'rabbit://nova:x@h1:5672,nova:x@h2:5672/',
      rabbitTls: { on: true, ca: '/etc/ca.pem', cert: undefined, key: undefined },
      instanceNameTemplate: 'vm-%08x',
      serviceDownTime: 120,
      servicegroupDriver: 'mc',
      instancesPath: '/srv/instances',
    });
  });

  test('a line that begins with white space goes on from the one before', () => {
    const { connection, instancesPath } = parseNovaConf(
      '[DEFAULT]\nfilters = a,\n  b,\n\tinstances_path = /not/this\ninstances_path = /this\n[database]\nconnection = x\n',
    );
    expect(instancesPath).toBe('/this');
    expect(connection).toBe('x');
  });

  test('a continuation does not leak over a heading', () => {
    expect(parseNovaConf('[DEFAULT]\ninstances_path = /a\n[other]\n  b\n').instancesPath).toBe('/a');
  });

  test('the last of several counts', () => {
    expect(parseNovaConf('[DEFAULT]\ninstances_path=/a\ninstances_path=/b').instancesPath).toBe('/b');
  });

  test('what is not there, or no number, is not known', () => {
    expect(parseNovaConf('[DEFAULT]\nservice_down_time = soon\nno value here\n')).toEqual({
      apiConnection: undefined,
      connection: undefined,
      transportUrl: undefined,
      rabbitTls: { on: false, ca: undefined, cert: undefined, key: undefined },
      instanceNameTemplate: undefined,
      serviceDownTime: undefined,
      servicegroupDriver: undefined,
      instancesPath: undefined,
    });
  });

  describe('what a value refers to stands in its place', () => {
    test.each([
      ['[DEFAULT]\nstate_path = /srv/nova\ninstances_path = $state_path/instances', '/srv/nova/instances'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as oslo.config writes it
      ['[DEFAULT]\ninstances_path = ${state_path}/vms\nstate_path = $top/nova\ntop = /srv', '/srv/nova/vms'],
      ['[DEFAULT]\ninstances_path = $Paths.top/vms\n[paths]\ntop = /srv', '/srv/vms'],
      ['[DEFAULT]\nstate_path = /opt/stack/data/nova', '/opt/stack/data/nova/instances'],
      ['[DEFAULT]\nstate_path = /opt/stack/data/nova\ninstances_path =', '/opt/stack/data/nova/instances'],
      // Packages set state_path in a file of their own, or have it as their default.
      ['[DEFAULT]\ninstances_path = $state_path/instances', '/var/lib/nova/instances'],
      // Only Nova knows this one; the file system of a host does not, and it is told there.
      ['[DEFAULT]\ninstances_path = $pybasedir/instances', '$pybasedir/instances'],
    ])('%j', (text, path) => {
      expect(parseNovaConf(text).instancesPath).toBe(path);
    });

    test('its own section before DEFAULT; a dollar sign itself is written twice, or after a backslash', () => {
      expect(
        parseNovaConf(
          [
            '[DEFAULT]\nmy_ip = 10.0.0.5\npass = wrong\ntransport_url = rabbit://nova:a$$b\\$c@$my_ip/',
            '[database]\npass = right\nconnection = mysql://nova:$pass@$my_ip/nova?a=$',
          ].join('\n'),
        ),
      ).toMatchObject({
        transportUrl: 'rabbit://nova:a$b$c@10.0.0.5/',
        connection: 'mysql://nova:right@10.0.0.5/nova?a=$',
      });
    });

    test('two that name each other come to an end', () => {
      const text = '[DEFAULT]\ninstances_path = $a\na = $b\nb = $a';
      expect(parseNovaConf(text).instancesPath).toMatch(/^\$[ab]$/);
    });
  });

  test('names of sections in any case of letters', () => {
    expect(parseNovaConf('[API_Database]\nconnection = x\n[Database]\nconnection = y')).toMatchObject({
      apiConnection: 'x',
      connection: 'y',
    });
  });

  test('nova.conf.d beside it counts over it, in the order of its names', async () => {
    const { novaConf } = await load({
      'expunge.yaml': 'nova_conf: $HERE/nova.conf',
      'nova.conf': '[DEFAULT]\ninstances_path = /a\n[database]\nconnection = of-nova.conf',
      'nova.conf.d/10-b.conf': 'instances_path = /b\n[api_database]\nconnection = of-10',
      'nova.conf.d/20-c.conf': 'instances_path = /c',
      'nova.conf.d/30-d.conf.rpmsave': 'instances_path = /d',
    });
    expect(novaConf).toMatchObject({
      instancesPath: '/c',
      connection: 'of-nova.conf',
      apiConnection: 'of-10',
    });
  });

  test('a file of nova.conf.d that cannot be read is named', async () => {
    const error = await refusal({
      'expunge.yaml': 'nova_conf: $HERE/nova.conf',
      'nova.conf': '',
      'nova.conf.d/a.conf/x': '',
    });
    expect(error).toMatchObject({ code: 'file-unreadable' });
    expect(error.message).toContain('nova.conf.d/a.conf');
  });
});
