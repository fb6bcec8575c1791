/** Whoever judges the purges that were let fail must see each thing that can be wrong with one: here it is shown purges that lie. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type World } from '../../src/simulator/world.ts';
import { type Bench, type Failed, openBench } from '../support/faults/fault-bench.ts';
import { failAndGoOn, purgeWhole, type Whole } from '../support/faults/oracle.ts';
import { SHELVED_HALF_WAY } from '../support/faults/scenes.ts';

const folder = mkdtempSync(join(tmpdir(), 'expunge-oracle-'));
let bench: Bench;
let whole: Whole;

beforeAll(async () => {
  bench = await openBench(folder, SHELVED_HALF_WAY);
  whole = await purgeWhole(bench);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Lie {
  readonly said?: Partial<Failed>;
  /** what it did to the cloud */
  readonly did?: (world: World) => void;
  readonly at?: number;
}

const HONEST = {
  exit: 4,
  out: '',
  err: 'expunge: could not look everywhere\n',
  met: ['Nova: GET'],
  waited: 0,
};

/** One purge that lies, judged; what goes on with it says that all is well, and does nothing. */
function judge({ said = {}, did = () => {}, at = 1 }: Lie): Promise<readonly string[]> {
  const lying: Bench = {
    ...bench,
    async fail() {
      const world = openWorld(join(folder, 'cloud'));
      did(world);
      world.close();
      return { ...HONEST, reach: () => [], ...said };
    },
    expunge: async () => ({ exit: 0, out: '{"runs": []}', err: '' }),
  };
  return failAndGoOn(lying, { door: 'http', fault: '500', at, lasting: false }, whole);
}

const lies: readonly (readonly [what: string, lie: () => Lie])[] = [
  ['a good end, and all of it is there', () => ({ said: { exit: 0 } })],
  [
    'the words of a good end',
    () => ({ said: { out: 'Verified: looked everywhere again, nothing is left.\n' } }),
  ],
  [
    'the same to a program',
    () => ({ at: 2, said: { out: '{\n  "verified": {\n    "clean": true\n  }\n}\n' } }),
  ],
  [
    'a neighbour that was touched',
    () => ({
      did: ({ machines }) => {
        machines
          .prepare("UPDATE domains SET state = 'shut off' WHERE uuid = ?")
          .run(bench.neighbours[0]?.uuid ?? '');
      },
    }),
  ],
  [
    'more gone than a whole purge takes',
    () => ({ did: (world) => world.db('neutron').exec('DELETE FROM subnets') }),
  ],
  [
    'going on that leaves the rest',
    () => ({
      did: (world) => {
        world.db('placement').prepare('DELETE FROM allocations WHERE consumer_id = ?').run(bench.victim.uuid);
      },
    }),
  ],
  ['an exit code that stands for nothing', () => ({ said: { exit: 5 } })],
  ['a fault of its own', () => ({ said: { err: 'expunge: a fault in expunge itself\n' } })],
  ['where it failed in its own code', () => ({ said: { err: '    at apply (apply.ts:12:3)\n' } })],
  ['what a terminal obeys', () => ({ said: { out: '\u001b[2J' } })],
  ['an hour of waiting', () => ({ said: { waited: 3_600_000 } })],
  ['a password', () => ({ said: { err: `expunge: ${bench.secrets.all()[0]}\n` } })],
  [
    'a password in other letters',
    () => ({ said: { out: Buffer.from(`:${bench.secrets.all()[2]}:`).toString('base64') } }),
  ],
];

test.each(lies)('%s is seen', async (_, lie) => {
  await expect(judge(lie())).rejects.toThrow();
});

test('a purge that says what is so passes', async () => {
  expect(await judge({})).toEqual(HONEST.met);
});
