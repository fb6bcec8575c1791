import { createHash } from 'node:crypto';
import { LookError } from '../../plan/errors.ts';
import type { Reader } from '../../site/reader.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { readIndex } from './read-index.ts';

export interface CacheEntry {
  readonly server: string;
  readonly key: string;
  readonly form: 'plain' | 'sha1';
  /** the token, which opens a console while it lives; null for the list of tokens */
  readonly token: string | null;
}

export interface ConsoleTokenFacts {
  /** tokens and lists that are this server's */
  readonly entries: readonly CacheEntry[];
  /** tokens under a listed token's key that name another server */
  readonly strangers: readonly CacheEntry[];
  /** false: a memcached server could not be asked, so a token may be left there that only the list names */
  readonly complete: boolean;
}

/** sha1 in hex: the form in which oslo.cache writes keys (`oslo_cache/core.py:_sha1_mangle_key`). */
export function hashKey(key: string): string {
  return createHash('sha1').update(key).digest('hex');
}

/** A key in both forms that Nova's releases have used (nova 12 to 17 `consoleauth/manager.py`, `cache_utils.py`). */
function forms(plain: string): readonly { form: 'plain' | 'sha1'; key: string }[] {
  return [
    { form: 'plain', key: plain },
    { form: 'sha1', key: hashKey(plain) },
  ];
}

/**
 * Every server is asked for every form: clients spread keys over servers by a hash of their own, so a token may be on another
 * server than the list that names it.
 */
export async function findConsoleTokens(look: Reader, subject: Subject): Promise<Found<ConsoleTokenFacts>> {
  const { servers } = look.cache;
  const lists = await lookAt(servers, async (server) => {
    const found = await Promise.all(
      forms(subject.uuid).map(async ({ form, key }) => {
        const value = await look.cache.get(server, key);
        if (value === null) return [];
        return [{ entry: { server, key, form, token: null }, tokens: readIndex(server, value) }];
      }),
    );
    return { server, found: found.flat() };
  });
  const tokens = [...new Set(lists.facts.flatMap(({ found }) => found.flatMap((list) => list.tokens)))];
  const held = await lookAt(
    lists.facts.map(({ server }) => server),
    async (server) => findTokens(look, subject, server, tokens),
  );
  const unknown = [...lists.unknown, ...held.unknown];
  return {
    facts: {
      entries: [
        ...held.facts.flatMap(({ own }) => own),
        ...lists.facts.flatMap(({ found }) => found.map(({ entry }) => entry)),
      ],
      strangers: held.facts.flatMap(({ strangers }) => strangers),
      complete: unknown.length === 0,
    },
    unknown,
  };
}

/**
 * The value of a token is JSON, or a pickle of it, that names its server in `instance_uuid` (nova 12
 * `consoleauth/manager.py:authorize_console`).
 *
 * @throws LookError when it names no server at all: whether the token is this server's cannot be told
 */
function namesServer(server: string, value: Buffer, uuid: string): boolean {
  if (value.includes(uuid)) return true;
  if (value.includes('instance_uuid')) return false;
  throw new LookError(
    `memcached ${server}`,
    'what is kept under the key of a console token is no console token',
    { code: 'answer-not-understood' },
  );
}

async function findTokens(look: Reader, subject: Subject, server: string, tokens: readonly string[]) {
  const own: CacheEntry[] = [];
  const strangers: CacheEntry[] = [];
  await Promise.all(
    tokens.flatMap((token) =>
      forms(token).map(async ({ form, key }) => {
        const value = await look.cache.get(server, key);
        if (value === null) return;
        (namesServer(server, value, subject.uuid) ? own : strangers).push({ server, key, form, token });
      }),
    ),
  );
  const byKey = (a: CacheEntry, b: CacheEntry) => (a.key < b.key ? -1 : 1);
  return { own: own.sort(byKey), strangers: strangers.sort(byKey) };
}
