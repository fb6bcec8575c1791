/** Worlds that are made once and copied: hundreds of tests begin with one of the same few. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a template lies; with what its maker said of it. */
interface Template<T> {
  readonly folder: string;
  readonly made: T;
}

const templates = new Map<string, Promise<Template<unknown>>>();

/**
 * Puts a copy of a world into a folder that is not there yet.
 *
 * @param key the same for all worlds that are the same
 * @param make makes the world in a folder, and closes it
 * @returns what `make` returned, which all copies share
 */
export async function copyOf<T>(
  key: string,
  folder: string,
  make: (folder: string) => Promise<T>,
): Promise<T> {
  let template = templates.get(key) as Promise<Template<T>> | undefined;
  if (template === undefined) {
    const at = join(mkdtempSync(join(tmpdir(), 'expunge-template-')), 'cloud');
    template = make(at).then((made) => ({ folder: at, made }));
    templates.set(key, template);
  }
  const { folder: from, made } = await template;
  cpSync(from, folder, { recursive: true });
  for (const name of readdirSync(folder).filter((each) => !each.endsWith('.sqlite'))) {
    const text = readFileSync(join(folder, name), 'utf8');
    writeFileSync(join(folder, name), text.replaceAll(from, folder), { mode: 0o600 });
  }
  return made;
}
