/** Hostile text in every place where tenants, services and hosts can put one, on its way through every renderer. */
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { LookError } from '../../src/plan/errors.ts';
import type { Wires } from '../../src/site/wires.ts';
import { HOSTILE, RAW } from '../support/hostile.ts';
import { type Ended, type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';

/** Every column in which somebody's own words stand. */
const WORDS = [
  ['nova', 'UPDATE instances SET display_name = ?, display_description = ?, user_data = ?, key_name = ?'],
  ['nova', 'UPDATE instance_metadata SET value = ?'],
  ['nova', 'UPDATE instance_faults SET message = ?, details = ?'],
  ['neutron', 'UPDATE ports SET name = ?'],
  ['neutron', 'UPDATE networks SET name = ?'],
  ['glance', 'UPDATE images SET name = ?'],
  ['cinder', 'UPDATE volumes SET display_name = ?, display_description = ?'],
] as const;

async function hostileCloud(text: string): Promise<SimulatedCloud> {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'web', state: 'shelving-stuck', host: 'cmp-1', volumes: [{ deleteOnTermination: true }, {}] },
    ],
  });
  // SQLite cannot hold half a character: a database would not either.
  const stored = text.toWellFormed();
  for (const [database, sql] of WORDS)
    cloud.world
      .db(database)
      .prepare(sql)
      .run(
        ...sql
          .split('?')
          .slice(1)
          .map(() => stored),
      );
  return cloud;
}

function say(
  cloud: SimulatedCloud,
  argv: readonly string[],
  columns = 80,
  rewire: (wires: Wires) => Wires = (wires) => wires,
): Promise<Ended> {
  return cloud.expunge(argv, { env: { NO_COLOR: '1', TERM: 'dumb' }, terminal: true, columns, rewire });
}

function withoutTime(report: unknown): unknown {
  return JSON.parse(JSON.stringify(report, (key, value: unknown) => (key === 'madeAt' ? null : value)));
}

/** Everything in a plan that is an argv. */
function argvsIn(value: unknown): readonly (readonly string[])[] {
  if (Array.isArray(value)) return value.flatMap(argvsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === 'argv' ? [each as string[]] : argvsIn(each),
  );
}

describe.each(HOSTILE)(
  '%s, in names, metadata, descriptions, user data, images, ports, volumes',
  (_, text) => {
    test('nothing of it reaches a terminal, a shell or an option, and the server goes', async () => {
      const cloud = await hostileCloud(text);
      const uuid = cloud.servers[0]?.uuid ?? '';
      const decided = ['--volumes', 'as-nova'];
      const said = [
        await say(cloud, ['inspect', uuid]),
        await say(cloud, ['plan', uuid, ...decided, '--commands'], 200),
      ];
      const json = await say(cloud, ['plan', uuid, ...decided, '--format', 'json']);
      const { servers } = JSON.parse(json.out) as { servers: { server: { name: string }; steps: unknown }[] };
      expect(servers[0]?.server.name).toBe(text.toWellFormed());

      const argvs = argvsIn(servers);
      expect(argvs.length).toBeGreaterThan(10);
      expect(argvs.filter((argv) => argv.some((arg) => arg.includes(text)))).toEqual([]);
      const removes = argvs.filter(([program]) => program === 'rm');
      expect(removes).toEqual([['rm', '-rf', '--one-file-system', '--', `/var/lib/nova/instances/${uuid}`]]);

      // The end of it all says each name once more: that it is said in the same way is seen on some.
      if (HOSTILE.findIndex(([, other]) => other === text) % 3 !== 0) {
        for (const each of [...said, json]) expect(each.out + each.err).not.toMatch(RAW);
        return;
      }
      const yaml = await say(cloud, ['plan', uuid, ...decided, '--format', 'yaml']);
      expect(withoutTime(parseYaml(yaml.out))).toEqual(withoutTime(JSON.parse(json.out)));
      const purged = await say(cloud, ['purge', uuid, ...decided, '--yes']);
      expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
      for (const each of [...said, json, yaml, purged, await say(cloud, ['runs'])])
        expect(each.out + each.err).not.toMatch(RAW);
      // Its own words must not be taken for those of expunge.
      for (const { out } of said) expect(out).not.toMatch(/^Verified/m);
    });
  },
);

/** What all calls through one door say. */
const SAYING: readonly (readonly [door: string, rewire: (text: string) => (wires: Wires) => Wires])[] = [
  [
    'an API',
    (text) => (wires) => ({
      ...wires,
      http: (tls) => ({
        ...wires.http(tls),
        send: async (place, request, onSent) =>
          place === 'Keystone'
            ? wires.http(tls).send(place, request, onSent)
            : {
                status: 500,
                headers: { 'x-openstack-request-id': `req-${text}` },
                body: { computeFault: { message: text } },
              },
      }),
    }),
  ],
  [
    'a host',
    (text) => (wires) => ({
      ...wires,
      command: (host) => ({ ...wires.command(host), run: async () => ({ exit: 1, out: text, err: text }) }),
    }),
  ],
  [
    'ssh',
    (text) => (wires) => ({
      ...wires,
      command: (host) => ({
        ...wires.command(host),
        run: () => Promise.reject(new LookError(`host ${host.name}`, text, { code: 'host-unreachable' })),
      }),
    }),
  ],
  [
    'a database',
    (text) => (wires) => ({
      ...wires,
      sql: async (...given) => ({
        ...(await wires.sql(...given)),
        rows: () => Promise.reject(Object.assign(new Error(text), { code: 'ER_UNKNOWN_ERROR' })),
      }),
    }),
  ],
  [
    'memcached',
    (text) => (wires) => ({ ...wires, cache: { ...wires.cache, get: async () => Buffer.from(text) } }),
  ],
];

test.each(SAYING)(
  '%s says all of them: none reaches the terminal, and nothing is called clean',
  async (_, rewire) => {
    const cloud = await hostileCloud('web');
    const uuid = cloud.servers[0]?.uuid ?? '';
    for (const [index, [what, text]] of HOSTILE.entries())
      for (const format of index % 4 === 0 ? ['text', 'json'] : ['text']) {
        const { exit, out, err } = await say(cloud, ['verify', uuid, '--format', format], 80, rewire(text));
        expect(out + err, what).not.toMatch(RAW);
        expect([1, 2, 3, 4], what + out + err).toContain(exit);
        expect(out + err, what).not.toContain('a fault in expunge itself');
      }
  },
);
