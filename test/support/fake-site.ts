/**
 * A site in memory for tests of what is done, not of how: one set of things that are there.
 *
 * Checks, acts and before-images go through the cache door of one server, whose keys name the things: an act removes its
 * key, a check asks whether a key is gone. What else happens a test says per key.
 */
import type { LookError } from '../../src/plan/errors.ts';
import type { Act, BeforeImage, Check } from '../../src/plan/types.ts';
import type { Site } from '../../src/site/connect.ts';
import type { Reader } from '../../src/site/reader.ts';
import { fakeReader } from './fake-reader.ts';

export interface FakeSiteOptions {
  readonly there: readonly string[];
  /** by key: what the act does instead of removing the key */
  readonly act?: Readonly<Record<string, () => void | Promise<void>>>;
  /** by key: what the check throws; a function may throw only sometimes */
  readonly check?: Readonly<Record<string, LookError | (() => void)>>;
  /** by key: what the rehearsal of the act throws */
  readonly rehearse?: Readonly<Record<string, Error>>;
  /** by key: what reading the before-image throws */
  readonly image?: Readonly<Record<string, LookError>>;
}

export type FakeSite = Site & {
  readonly there: Set<string>;
  /** every look and every write, in order: `check a`, `image a`, `act a` */
  readonly log: string[];
};

function keyOf(what: Act | Check | BeforeImage): string {
  // A transaction is called by the value in its first condition.
  if (what.door === 'sql' && 'writes' in what)
    return JSON.stringify(what.writes[0]).match(/"value":"(\w+)"/)?.[1] ?? '';
  if (what.door === 'http' && 'method' in what) return what.path.split('/').at(-1) ?? '';
  if (what.door !== 'cache') throw new Error(`the fake site knows only the cache door, not ${what.door}`);
  return what.key;
}

export function fakeSite(options: FakeSiteOptions): FakeSite {
  const there = new Set(options.there);
  const log: string[] = [];
  const reader: Reader = {
    ...fakeReader({}),
    async holds(check) {
      const key = keyOf(check);
      log.push(`check ${key}`);
      const fault = options.check?.[key];
      if (typeof fault === 'function') fault();
      else if (fault !== undefined) throw fault;
      return !there.has(key) === (check as { absent: boolean }).absent;
    },
    async image(what) {
      const key = keyOf(what);
      log.push(`image ${key}`);
      const fault = options.image?.[key];
      if (fault !== undefined) throw fault;
      return there.has(key) ? `value of ${key}` : null;
    },
    fresh: () => reader,
  };
  return {
    there,
    log,
    name: 'lab',
    reader,
    config: {
      name: 'lab',
      file: {},
      auth: {} as Site['config']['auth'],
      novaConf: null,
      serviceUser: null,
      exposed: [],
    },
    timings: { spans: [], clock: () => 0 },
    cells: async () => [],
    async close() {},
    openWriter: () => ({
      hold: () => Promise.reject(new Error('the fake site has no lock')),
      async rehearse(act) {
        const fault = options.rehearse?.[keyOf(act)];
        if (fault !== undefined) throw fault;
      },
      async perform(act) {
        const key = keyOf(act);
        log.push(`act ${key}`);
        const other = options.act?.[key];
        if (other === undefined) there.delete(key);
        else await other();
      },
    }),
  };
}
