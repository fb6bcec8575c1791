import { LookError } from '../../plan/errors.ts';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** Blanks are read in one place each: read in two, a value of nothing else would be tried for hours. */
const LIST = new RegExp(`\\[\\s*(?:"${UUID}"\\s*(?:,\\s*"${UUID}"\\s*)*)?\\]`, 'i');

/**
 * The tokens in a list: JSON by itself up to Liberty (12), inside a pickled dogpile `CachedValue` from Mitaka to Rocky (13–18; nova 14
 * `cache_utils.py`). A pickle of any protocol holds the JSON text as it is, so it is found there and the pickle is never loaded.
 *
 * @throws LookError when there is no such list: a key that is a server's uuid may be some other program's
 */
export function readIndex(server: string, value: Buffer): string[] {
  const list = LIST.exec(value.toString('latin1'));
  if (list === null)
    throw new LookError(
      `memcached ${server}`,
      'what is kept under the server’s uuid is not a list of console tokens',
      { code: 'answer-not-understood' },
    );
  return list[0].match(new RegExp(UUID, 'gi')) ?? [];
}
