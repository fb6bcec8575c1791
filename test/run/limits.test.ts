/** How many servers one purge takes, and how much of a host or a project. */
import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import { assertNumber, assertShares } from '../../src/run/limits.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';

const UUIDS = Array.from({ length: 5 }, (_, i) => `5a000000-0000-4000-8000-00000000000${i}`);
const CELL = { uuid: 'c1', name: 'cell1', database: 'cell:c1', isCell0: false };

const list = (names: readonly string[]) => names.map((name) => JSON.stringify(name)).join(', ');
const found = (uuids: readonly string[]) =>
  `select uuid, host, project_id from instances where uuid in (${list(uuids)}) and deleted = 0`;
const counted = (column: 'host' | 'project_id', names: readonly string[]) =>
  `select ${column}, count(*) as n from instances where ${column} in (${list(names)}) and deleted = 0 group by ${column}`;

/** One cell; all named servers are of one host and one project, or of what is said. */
function site(
  hosts: readonly Row[] | LookError,
  projects: readonly Row[] | LookError,
  host: string | null = 'cmp-1',
) {
  const named: Row[] = UUIDS.map((uuid) => ({ uuid, host, project_id: 'p1' }));
  return {
    cells: async () => [CELL],
    reader: fakeReader({
      sql: {
        [`cell:c1: ${found(UUIDS)}`]: named,
        [`cell:c1: ${counted('host', ['cmp-1'])}`]: hosts,
        [`cell:c1: ${counted('project_id', ['p1'])}`]: projects,
      },
    }),
  };
}

const host = (n: unknown) => [{ host: 'cmp-1', n } as Row];
const project = (n: number): Row[] => [{ project_id: 'p1', n }];
const HALF = { maxServers: 10, maxShare: 50 };

describe('the number of servers', () => {
  test('as many as may be', () => {
    expect(() => assertNumber(10, HALF)).not.toThrow();
  });
  test('one more is refused, with the flag', () => {
    expect(() => assertNumber(11, HALF)).toThrow(
      expect.objectContaining({
        code: 'too-many-servers',
        exitCode: 3,
        message: '11 servers are named, and one purge takes at most 10; nothing was touched',
        hint: expect.stringContaining('--max-servers 11'),
      }),
    );
  });
});

describe('the share of a host or a project', () => {
  test('half is not more than half', async () => {
    await assertShares(site(host(10), project(10)), UUIDS, HALF);
  });
  test.each([
    ['a host', host(9), project(100), /^5 of the 9 live servers of host cmp-1 are named/, '--max-share 56'],
    [
      'a project',
      host(100),
      project(5),
      /^5 of the 5 live servers of project p1 are named/,
      '--max-share 100',
    ],
  ] as const)('more of %s is refused, with the flag', async (_, hosts, projects, says, flag) => {
    const refused = assertShares(site(hosts, projects), UUIDS, HALF);
    await expect(refused).rejects.toMatchObject({
      code: 'too-large-share',
      exitCode: 3,
      message: expect.stringMatching(says),
      hint: expect.stringContaining(flag),
    });
  });
  test('what the flag says is let through', async () => {
    await assertShares(site(host(9), project(5)), UUIDS, { ...HALF, maxShare: 100 });
    await assertShares(site(host(9), project(100)), UUIDS, { ...HALF, maxShare: 56 });
  });
  test('of four nobody counts, and a server named twice is one', async () => {
    await assertShares({ cells: async () => [CELL], reader: fakeReader({}) }, UUIDS.slice(0, 4), HALF);
    const [first = '', ...others] = UUIDS;
    await assertShares(site(host(10), project(10)), [first, first, ...others], HALF);
  });
  test('servers that never came to a host are of none', async () => {
    await assertShares(site(host(0), project(10), null), UUIDS, HALF);
  });
});

/** Two cells that count alike; the named servers by their host and project. */
function twoCells(places: readonly (readonly [host: string | null, project: string])[], live: Row[][]) {
  const uuids = places.map((_, i) => `5a000000-0000-4000-8000-0000000000${10 + i}`);
  const named = places.map(([host, project_id], i) => ({ uuid: uuids[i] ?? '', host, project_id }));
  const hosts = new Set(places.map(([host]) => host).filter((host) => host !== null));
  const projects = new Set(places.map(([, project]) => project));
  const [onHosts = [], inProjects = []] = live;
  const sql = Object.fromEntries(
    ['cell:c1', 'cell:c2'].flatMap((cell, i) => [
      [`${cell}: ${found(uuids)}`, i === 0 ? named : []],
      [`${cell}: ${counted('host', [...hosts])}`, onHosts],
      [`${cell}: ${counted('project_id', [...projects])}`, inProjects],
    ]),
  );
  const cells = async () => [CELL, { ...CELL, uuid: 'c2', name: 'cell2', database: 'cell:c2' }];
  return { uuids, site: { cells, reader: fakeReader({ sql }) } };
}

describe('several hosts, projects and cells', () => {
  const on = (host: string | null, project: string, times: number) =>
    Array.from({ length: times }, () => [host, project] as const);

  test('each is counted by itself, in all cells together; the flag lets the largest through', async () => {
    const { uuids, site } = twoCells(
      [...on('cmp-1', 'p1', 5), ...on('cmp-2', 'p1', 6)],
      [
        [
          { host: 'cmp-1', n: 4 },
          { host: 'cmp-2', n: 3 },
        ],
        [{ project_id: 'p1', n: 100 }],
      ],
    );
    await expect(assertShares(site, uuids, HALF)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^5 of the 8 live servers of host cmp-1, 6 of the 6 live servers of host cmp-2 are named/,
      ),
      hint: 'if all of them are meant: --max-share 100',
    });
    await assertShares(site, uuids, { ...HALF, maxShare: 100 });
  });

  test('four of a host are never too many', async () => {
    const { uuids, site } = twoCells(
      [...on('cmp-1', 'p1', 4), ...on(null, 'p1', 1)],
      [[{ host: 'cmp-1', n: 2 }], [{ project_id: 'p1', n: 100 }]],
    );
    await assertShares(site, uuids, HALF);
  });

  test('servers of which no row lives are no share of anything', async () => {
    const uuids = UUIDS.map((uuid) => uuid.replace('5a', '5b'));
    const reader = fakeReader({ sql: { [`cell:c1: ${found(uuids)}`]: [] } });
    await assertShares({ cells: async () => [CELL], reader }, uuids, HALF);
  });
});

describe('a share that cannot be counted is not a small one', () => {
  test('the cell does not answer', async () => {
    const down = new LookError('database of cell1', 'no answer', { code: 'database-etimedout' });
    await expect(assertShares(site(down, project(100)), UUIDS, HALF)).rejects.toMatchObject({ exitCode: 4 });
    await expect(assertShares(site(host(100), down), UUIDS, HALF)).rejects.toMatchObject({ exitCode: 4 });
  });
  test('what it says is no number', async () => {
    await expect(assertShares(site(host('many'), project(100)), UUIDS, HALF)).rejects.toMatchObject({
      code: 'answer-not-understood',
      message: 'it does not say how many servers are live',
      exitCode: 4,
    });
  });
  test('it does not count the host at all', async () => {
    await expect(assertShares(site([], project(100)), UUIDS, HALF)).rejects.toMatchObject({
      code: 'too-large-share',
    });
  });
});
