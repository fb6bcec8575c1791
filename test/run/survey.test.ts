/** One look at one server, on simulated clouds: what the site's files decide, what is asked twice, and what counts as not looked. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Traces } from '../../src/kinds/subject/traces.ts';
import { LookError } from '../../src/plan/errors.ts';
import { type Survey, type SurveyOptions, type SurveySite, survey } from '../../src/run/survey.ts';
import type { HostState } from '../../src/simulator/build.ts';
import type { Planted } from '../../src/simulator/plant.ts';
import { openWires } from '../../src/simulator/wires.ts';
import { sqlTime, type World } from '../../src/simulator/world.ts';
import { loadSite, type SiteConfig } from '../../src/site/config/load.ts';
import { connectSite } from '../../src/site/connect.ts';
import { ApiSession } from '../../src/site/http/session.ts';
import type { Reader } from '../../src/site/reader.ts';
import { NOW, type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';

const NO_TRACES: Traces = {
  name: null,
  projectId: null,
  domainName: null,
  hosts: [],
  portIds: [],
  vifs: [],
  volumes: [],
};

async function cloudWith(
  twist: (world: World, server: Planted) => void = () => {},
  hosts: Readonly<Record<string, HostState>> = { 'cmp-1': 'dead', 'cmp-2': 'alive' },
): Promise<SimulatedCloud> {
  return simulateCloud({
    hosts,
    servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1', twists: [twist] }],
  });
}

interface Changes {
  readonly file?: Partial<SiteConfig['file']>;
  readonly novaConf?: Partial<NonNullable<SiteConfig['novaConf']>> | null;
  /** puts something before the site's doors */
  readonly look?: (reader: Reader) => Reader;
}

async function siteOf(cloud: SimulatedCloud, { file, novaConf, look }: Changes = {}): Promise<SurveySite> {
  const loaded = await loadSite(cloud.site, {});
  if (loaded.novaConf === null) throw new Error('a simulated cloud has a nova.conf');
  const config: SiteConfig = {
    ...loaded,
    file: { ...loaded.file, ...file },
    novaConf: novaConf === null ? null : { ...loaded.novaConf, ...novaConf },
  };
  const wires = openWires(cloud.world.folder);
  const api = new ApiSession(config.auth, wires.http, config.serviceUser);
  const site = connectSite(config, api, { spans: [], clock: () => 0 }, wires);
  onTestFinished(async () => {
    await site.close();
    wires.close();
  });
  return look === undefined ? site : { ...site, reader: through(site.reader, look) };
}

function through(reader: Reader, look: (reader: Reader) => Reader): Reader {
  return { ...look(reader), fresh: () => through(reader.fresh(), look) };
}

async function surveyOf(
  cloud: SimulatedCloud,
  changes: Changes = {},
  options: Partial<SurveyOptions> = {},
): Promise<Survey> {
  const site = await siteOf(cloud, changes);
  return survey(site, cloud.servers[0]?.uuid ?? '', { allHosts: false, ...options });
}

const API = 'mysql://nova:nova@127.0.0.1/nova_api';
const WITHOUT_NOVA_CONF: Changes = { file: { databases: { nova_api: API } }, novaConf: null };

/** Whether the nova-compute of the server's host counts as up, whose last sign of life is so many seconds old. */
async function isUp(seconds: number, changes: Changes): Promise<boolean | null | undefined> {
  const cloud = await cloudWith((world) => {
    const seen = sqlTime(new Date(NOW.getTime() - seconds * 1000));
    world.db('nova').prepare("UPDATE services SET last_seen_up = ? WHERE host = 'cmp-1'").run(seen);
  });
  const { subject } = await surveyOf(cloud, changes);
  return subject.hosts.find(({ name }) => name === 'cmp-1')?.service?.up;
}

test.each<[string, Changes, up: number, down: number]>([
  ['that of nova.conf', { novaConf: { serviceDownTime: 300 } }, 300, 301],
  [
    'that of the site file before it',
    { file: { service_down_time: 20 }, novaConf: { serviceDownTime: 300 } },
    20,
    21,
  ],
  ['60 seconds where nova.conf says nothing', { novaConf: { serviceDownTime: undefined } }, 60, 61],
  ['60 seconds without a nova.conf', WITHOUT_NOVA_CONF, 60, 61],
])('when a service is down: %s', async (_, changes, up, down) => {
  expect(await isUp(up, changes)).toBe(true);
  expect(await isUp(down, changes)).toBe(false);
});

test.each(['mc', 'zk'])(
  'no row says when a service was seen where signs of life are kept in %s',
  async (driver) => {
    const changes = { file: { service_down_time: 20 }, novaConf: { servicegroupDriver: driver } };
    for (const seconds of [1, 86_400]) expect(await isUp(seconds, changes)).toBeNull();
    const inRows = { novaConf: { servicegroupDriver: 'db' } };
    expect(await isUp(1, inRows)).toBe(true);
    expect(await isUp(86_400, inRows)).toBe(false);
  },
);

test.each<[string, string | undefined, RegExp]>([
  ["nova.conf's", 'vm-%d', /^vm-\d+$/],
  ["Nova's own", undefined, /^instance-[0-9a-f]{8}$/],
])('the name of the domain: %s', async (_, instanceNameTemplate, name) => {
  const { subject } = await surveyOf(await cloudWith(), { novaConf: { instanceNameTemplate } });
  expect(subject.domainName).toMatch(name);
});

test('a host that Neutron adds is looked at in a second round', async () => {
  const cloud = await cloudWith((world, { uuid }) => {
    const bindings =
      "UPDATE ml2_port_bindings SET host = 'cmp-2' WHERE port_id IN (SELECT id FROM ports WHERE device_id = ?)";
    world.db('neutron').prepare(bindings).run(uuid);
  });
  const asked: string[] = [];
  const { subject, unknown } = await surveyOf(cloud, { look: (reader) => noteHosts(reader, asked) });
  expect(subject.hosts.map(({ name }) => name)).toEqual(['cmp-1', 'cmp-2']);
  expect(asked).toContain('cmp-2');
  expect(unknown).toEqual([]);
});

test('hosts that nothing leads to are left alone', async () => {
  const asked: string[] = [];
  await surveyOf(await cloudWith(), { look: (reader) => noteHosts(reader, asked) });
  expect(new Set(asked)).toEqual(new Set(['cmp-1']));
});

test('what earlier runs wrote down leads to their hosts', async () => {
  const cloud = await cloudWith();
  const { subject: plain } = await surveyOf(cloud, {}, { known: null });
  const known = { ...NO_TRACES, hosts: ['cmp-2'] };
  const { subject } = await surveyOf(cloud, {}, { known, doomed: ['4c1d3f0e-0000-4000-8000-000000000001'] });
  expect(plain.hosts.map(({ name }) => name)).toEqual(['cmp-1']);
  expect('doomed' in plain).toBe(false);
  expect(subject.hosts.map(({ name }) => name)).toEqual(['cmp-1', 'cmp-2']);
  expect(subject.doomed).toEqual(['4c1d3f0e-0000-4000-8000-000000000001']);
});

describe('a host that is said to be off', () => {
  const CUT = { 'cmp-1': 'cut', 'cmp-2': 'alive' } as const;
  const silent = () => cloudWith(() => {}, CUT);
  const fenced = { fenced: ['cmp-1'] };

  test('and is silent', async () => {
    const { subject, unknown } = await surveyOf(await silent(), {}, fenced);
    expect(subject.hosts).toMatchObject([{ name: 'cmp-1', fenced: { answers: null } }]);
    expect(unknown).toContainEqual({
      kind: 'domain',
      place: 'host cmp-1',
      why: 'powered off, by --fenced',
    });
  });
  test('and answers all the same', async () => {
    const { subject } = await surveyOf(await cloudWith(), {}, fenced);
    expect(subject.hosts).toMatchObject([{ fenced: { answers: 'it runs commands' } }]);
  });
  test('others are not said to be', async () => {
    const known = { ...NO_TRACES, hosts: ['cmp-2'] };
    const { subject } = await surveyOf(await silent(), {}, { ...fenced, known });
    expect(subject.hosts.map((host) => [host.name, 'fenced' in host])).toEqual([
      ['cmp-1', true],
      ['cmp-2', false],
    ]);
  });
  test('and is none of the server is refused, with those that are', async () => {
    const cloud = await silent();
    await expect(surveyOf(cloud, {}, { fenced: ['cmp-2'] })).rejects.toMatchObject({
      code: 'not-its-host',
      message: `cmp-2 is no host of server ${cloud.servers[0]?.uuid}`,
      hint: '--fenced takes a host that it may be on: cmp-1',
    });
  });
  test('where nothing leads to any host', async () => {
    const cloud = await simulateCloud({
      hosts: CUT,
      servers: [{ name: 'web', state: 'build-request-only', host: 'cmp-1' }],
    });
    await expect(surveyOf(cloud, {}, fenced)).rejects.toMatchObject({
      hint: 'nothing leads to any host: leave --fenced out',
    });
  });
  test('and the databases cannot be read: the first failure is told', async () => {
    const gone = new LookError('database of cell1', 'gone', { code: 'x' });
    const look = (reader: Reader): Reader => ({
      ...reader,
      command: { run: () => Promise.reject(new TypeError('a fault')) },
      sql: { ...reader.sql, rows: () => Promise.reject(gone) },
    });
    await expect(surveyOf(await silent(), { look }, fenced)).rejects.toBe(gone);
  });
});

test('a place where nobody could look is named with the kind that needed it', async () => {
  const cloud = await cloudWith();
  const refuse = (reader: Reader): Reader => ({
    ...reader,
    command: {
      run: () =>
        Promise.reject(
          new LookError('host cmp-1', 'no route', { code: 'host-unreachable', hint: 'is it up?' }),
        ),
    },
  });
  const { unknown, found } = await surveyOf(cloud, { look: refuse });
  expect(unknown).toContainEqual(expect.objectContaining({ kind: 'domain', place: 'host cmp-1' }));
  // A kind that looks at several places has facts of the others.
  expect(found.map(({ kind }) => kind.id)).toContain('domain');
});

test('a kind that could look nowhere is unknown, and has no facts', async () => {
  const why = new LookError('Cinder', 'GET /attachments answered 503', {
    code: 'api-503',
    hint: 'try later',
  });
  const withoutCinder = (reader: Reader): Reader => {
    const list: Reader['http']['list'] = async (service, ...rest) => {
      if (service === 'volume') throw why;
      return reader.http.list(service, ...rest);
    };
    return { ...reader, http: { ...reader.http, list } };
  };
  const { unknown, found } = await surveyOf(await cloudWith(), { look: withoutCinder });
  expect(unknown).toEqual([
    { kind: 'volumes', place: 'Cinder', why: 'GET /attachments answered 503 (try later)' },
  ]);
  expect(found.map(({ kind }) => kind.id)).not.toContain('volumes');
});

test("services of a cell that cannot be read are unknown as the hosts'", async () => {
  const cloud = await cloudWith();
  const { unknown } = await surveyOf(cloud, {
    look: (reader) => ({
      ...reader,
      sql: {
        ...reader.sql,
        rows: async (database, build) => {
          const rows = await reader.sql.rows(database, build);
          if (rows.some((row) => 'binary' in row))
            throw new LookError('database of cell1', 'lost', { code: 'x' });
          return rows;
        },
      },
    }),
  });
  expect(unknown).toContainEqual(expect.objectContaining({ kind: 'hosts', place: 'database of cell1' }));
});

test('a fault of the program is not passed off as a place where nobody could look', async () => {
  const cloud = await cloudWith();
  const broken = (reader: Reader): Reader => ({
    ...reader,
    command: { run: () => Promise.reject(new TypeError('a fault')) },
  });
  await expect(surveyOf(cloud, { look: broken })).rejects.toThrow(TypeError);
});

function noteHosts(reader: Reader, asked: string[]): Reader {
  const run: Reader['command']['run'] = (host, argv) => {
    asked.push(host);
    return reader.command.run(host, argv);
  };
  return { ...reader, command: { run } };
}
