import { describe, expect, test } from 'vitest';
import { hashKey } from '../../src/kinds/console-tokens/find.ts';
import { consoleTokens } from '../../src/kinds/console-tokens/index.ts';
import { readIndex } from '../../src/kinds/console-tokens/read-index.ts';
import { LookError } from '../../src/plan/errors.ts';
import { orderSteps } from '../../src/plan/order.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const NEIGHBOUR = '11111111-2222-4333-8444-555555555556';
const TOKEN = 'cccccccc-1234-4000-8000-000000000001';
const OTHER = 'dddddddd-1234-4000-8000-000000000002';
const [A, B] = ['mc1:11211', 'mc2:11211'];

const of = subject({ uuid: SERVER });
const list = JSON.stringify([TOKEN, OTHER]);
const token = (server = SERVER) => JSON.stringify({ token: 'x', instance_uuid: server, port: 5900 });

async function planFor(cache: Record<string, string | Buffer | LookError>, servers: string[] = [A, B]) {
  const { facts, unknown } = await consoleTokens.find(fakeReader({ servers, cache }), of);
  return { unknown, ...consoleTokens.plan(facts, of, decisions()) };
}

const keys = (plan: Awaited<ReturnType<typeof planFor>>) =>
  plan.steps.map(({ act }) => (act.door === 'cache' ? `${act.server} ${act.key}` : ''));

test('tokens go before the list that names them, wherever the client put them', async () => {
  const plan = await planFor({
    [`${A} ${SERVER}`]: list,
    [`${B} ${TOKEN}`]: token(),
    [`${A} ${OTHER}`]: token(),
  });
  expect(keys(plan)).toEqual([`${A} ${OTHER}`, `${B} ${TOKEN}`, `${A} ${SERVER}`]);
  expect(plan.steps.at(-1)?.needs).toEqual(plan.steps.slice(0, 2).map(({ id }) => id));
  expect(plan.steps.map(({ settled }) => settled)).toMatchObject([
    { absent: true },
    { absent: true },
    { absent: true },
  ]);
  expect(() => orderSteps(plan.steps.map((step) => ({ ...step, kind: 'console-tokens' })))).not.toThrow();
});

test('each is deleted by its key, and says what it is', async () => {
  const plan = await planFor({
    [`${A} ${SERVER}`]: list,
    [`${B} ${OTHER}`]: token(),
    [`${B} ${hashKey(TOKEN)}`]: token(),
  });
  const places = [`memcached ${B}`, `memcached ${B}`, `memcached ${A}`];
  const whats = [
    'console token dddddddd…',
    'console token cccccccc… (hashed key)',
    'the list of console tokens',
  ];
  const told = plan.steps.map(({ place, title }) => ({ place, what: title.replace(/^delete /, '') }));
  const byWhat = (a: { what: string }, b: { what: string }) => (a.what < b.what ? -1 : 1);
  expect(told.sort(byWhat)).toEqual(whats.map((what, i) => ({ place: places[i], what })).sort(byWhat));
  expect(plan.remains.toSorted(byWhat)).toEqual(told);
  const last = plan.steps.at(-1);
  expect(last).toMatchObject({
    act: { door: 'cache', server: A, key: SERVER },
    settled: { door: 'cache', server: A, key: SERVER, absent: true },
    guards: [],
    why: expect.stringContaining('list'),
  });
  expect(plan.steps[0]?.why).toContain('whoever has the token');
  // A server's tokens come in the same order whichever memcached answers first.
  expect(plan.steps.map(({ act }) => (act.door === 'cache' ? act.key : ''))).toEqual([
    ...[OTHER, hashKey(TOKEN)].sort(),
    SERVER,
  ]);
});

test('keys hashed by oslo.cache are found with the plain ones', async () => {
  const plan = await planFor({
    [`${A} ${hashKey(SERVER)}`]: `["${TOKEN}"]`,
    [`${B} ${hashKey(TOKEN)}`]: token(),
    [`${B} ${TOKEN}`]: token(),
  });
  expect(keys(plan).sort()).toEqual(
    [`${A} ${hashKey(SERVER)}`, `${B} ${hashKey(TOKEN)}`, `${B} ${TOKEN}`].sort(),
  );
  expect(new Set(plan.steps.map(({ id }) => id)).size).toBe(3);
});

test('a token is never shown or saved whole', async () => {
  const plan = await planFor({ [`${A} ${SERVER}`]: list, [`${A} ${TOKEN}`]: token() });
  const shown = JSON.stringify({
    ...plan,
    steps: plan.steps.map(({ act: _, settled: __, ...rest }) => rest),
  });
  expect(shown).not.toContain(TOKEN);
  expect(shown).toContain('cccccccc…');
  expect(plan.steps.every(({ before, undo }) => before.length === 0 && undo === 'never')).toBe(true);
});

test('an entry under a token’s key that names another server stays', async () => {
  const plan = await planFor({ [`${A} ${SERVER}`]: `["${TOKEN}"]`, [`${B} ${TOKEN}`]: token(NEIGHBOUR) });
  expect(keys(plan)).toEqual([`${A} ${SERVER}`]);
  expect(plan.kept).toMatchObject([{ place: `memcached ${B}`, why: 'it does not name this server' }]);
});

test('a list without tokens goes too: an old one never expires', async () => {
  expect(keys(await planFor({ [`${A} ${SERVER}`]: '[]' }))).toEqual([`${A} ${SERVER}`]);
});

test('a site without memcached has nothing here', async () => {
  expect(await planFor({}, [])).toEqual({ unknown: [], steps: [], remains: [], refusals: [], kept: [] });
});

test('no list, nothing', async () => {
  expect((await planFor({ [`${A} ${NEIGHBOUR}`]: list })).steps).toEqual([]);
});

describe('a memcached that does not answer is unknown, not empty', () => {
  const down = new LookError(`memcached ${B}`, 'connection refused', { code: 'cache-unreachable' });
  const why = [{ place: `memcached ${B}`, why: 'connection refused' }];

  test('for the list: tokens elsewhere go, the list stays because it names the rest', async () => {
    const plan = await planFor({
      [`${A} ${SERVER}`]: list,
      [`${A} ${TOKEN}`]: token(),
      [`${B} ${SERVER}`]: down,
    });
    expect(plan.unknown).toEqual(why);
    expect(keys(plan)).toEqual([`${A} ${TOKEN}`]);
    expect(plan.kept).toMatchObject([{ place: `memcached ${A}`, what: 'the list of console tokens' }]);
    expect(plan.remains).toHaveLength(2);
  });

  test('for a token', async () => {
    const plan = await planFor({ [`${A} ${SERVER}`]: list, [`${B} ${hashKey(TOKEN)}`]: down });
    expect(plan.unknown).toEqual(why);
    expect(plan.steps).toEqual([]);
  });

  test('a value under a token’s key that names no server at all', async () => {
    const plan = await planFor({ [`${A} ${SERVER}`]: list, [`${B} ${TOKEN}`]: '}{ <<< garbage' });
    expect(plan.unknown).toMatchObject([{ place: `memcached ${B}` }]);
    expect(plan.steps).toEqual([]);
    expect(plan.kept).toMatchObject([{ place: `memcached ${A}`, what: 'the list of console tokens' }]);
  });

  test('a value that is no list is some other program’s', async () => {
    const plan = await planFor({ [`${A} ${SERVER}`]: `session of ${TOKEN}` });
    expect(plan.unknown).toMatchObject([{ place: `memcached ${A}` }]);
    expect(plan.steps).toEqual([]);
  });
});

describe('the list as each release writes it', () => {
  // pickle.dumps(CachedValue(json.dumps([…]), {'ct': 1.0, 'v': 1}), protocol), dogpile.cache 1.1
  const pickled: [string, string][] = [
    ['JSON alone (Liberty)', list],
    [
      'pickle 0',
      `ccopy_reg\n_reconstructor\np0\n(cdogpile.cache.api\nCachedValue\np1\nc__builtin__\ntuple\np2\n(V${list}\np3\n(dp4\nVct\np5\nF1.0\nsVv\np6\nI1\nstp7\ntp8\nRp9\n.`,
    ],
    [
      'pickle 2',
      `\x80\x02cdogpile.cache.api\nCachedValue\nq\x00XP\x00\x00\x00${list}q\x01}q\x02(X\x02\x00\x00\x00ctq\x03G?\xf0\x00\x00\x00\x00\x00\x00X\x01\x00\x00\x00vq\x04K\x01u\x86q\x05\x81q\x06.`,
    ],
    [
      'pickle 4, bytes',
      `\x80\x04\x95l\x00\x00\x00\x00\x00\x00\x00\x8c\x11dogpile.cache.api\x94\x8c\x0bCachedValue\x94\x93\x94C(${list}\x94}\x94(\x8c\x02ct\x94G?\xf0\x00\x00\x00\x00\x00\x00\x8c\x01v\x94K\x01u\x86\x94\x81\x94.`,
    ],
  ];
  test.each(pickled)('%s', (_, value) => {
    expect(readIndex(A, Buffer.from(value, 'latin1'))).toEqual([TOKEN, OTHER]);
  });
  test('blanks, wherever JSON takes them', () => {
    const spaced = ` [ "${TOKEN}" ,\n"${OTHER}" ] `;
    expect(readIndex(A, Buffer.from(spaced))).toEqual([TOKEN, OTHER]);
    expect(readIndex(A, Buffer.from('[ ]'))).toEqual([]);
  });
  test('as much as memcached holds of blanks is no list, and soon told', () => {
    const blanks = Buffer.from(`[${' '.repeat(2 ** 20)}`);
    expect(() => readIndex(A, blanks)).toThrow(LookError);
  });
});
