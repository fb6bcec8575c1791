import type { DraftStep, Kept } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import { type CacheEntry, type ConsoleTokenFacts, hashKey } from './find.ts';

/** A token opens a console, so only its beginning is ever shown. */
function describe({ token, form }: CacheEntry): string {
  const what = token === null ? 'the list of console tokens' : `console token ${token.slice(0, 8)}…`;
  return form === 'sha1' ? `${what} (hashed key)` : what;
}

const placeOf = ({ server }: CacheEntry) => `memcached ${server}`;

function makeStep(entry: CacheEntry, needs: readonly string[]): DraftStep {
  const { server, key, form, token } = entry;
  return {
    id: `console-tokens/${server}/${token === null ? 'list' : hashKey(token).slice(0, 12)}/${form}`,
    phase: 'tokens',
    place: placeOf(entry),
    title: `delete ${describe(entry)}`,
    why:
      token === null
        ? 'The list names tokens that are gone; written by Liberty or older it never expires.'
        : 'Until it expires, whoever has the token is let through to the console of this server.',
    act: { door: 'cache', server, key },
    guards: [],
    settled: { door: 'cache', server, key, absent: true },
    // No before-image: what is saved of a token is a token.
    before: [],
    needs: [...needs],
    undo: 'never',
  };
}

/**
 * Tokens first, the list last: a token is checked by its own key, and the list is the only thing that names it (nova 12 to 17
 * `consoleauth/manager.py:check_token`, `delete_tokens_for_instance`).
 */
export function planConsoleTokens({ entries, strangers, complete }: ConsoleTokenFacts): KindPlan {
  const tokens = entries.filter(({ token }) => token !== null).map((entry) => makeStep(entry, []));
  const lists = entries.filter(({ token }) => token === null);
  const needs = tokens.map(({ id }) => id);
  const kept: Omit<Kept, 'kind'>[] = strangers.map((entry) => ({
    place: placeOf(entry),
    what: `what is kept under the key of ${describe(entry)}`,
    why: 'it does not name this server',
  }));
  if (!complete)
    kept.push(
      ...lists.map((entry) => ({
        place: placeOf(entry),
        what: describe(entry),
        why: 'a memcached server could not be asked: without the list, a token that is there could not be found any more',
      })),
    );
  return {
    refusals: [],
    kept,
    remains: entries.map((entry) => ({ place: placeOf(entry), what: describe(entry) })),
    steps: complete ? [...tokens, ...lists.map((entry) => makeStep(entry, needs))] : tokens,
  };
}
