/** What holds for every kind of remains, counted over the registry. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LIFTS } from '../../src/cli/options.ts';
import { KINDS } from '../../src/kinds/registry.ts';

const KINDS_FOLDER = join(import.meta.dirname, '../../src/kinds');
const REFERENCE = readFileSync(join(import.meta.dirname, '../../docs/reference.md'), 'utf8');

/** Folders that hold what all kinds share, not a kind. */
const SHARED = ['subject'];

function sourcesOf(kind: string): string {
  const folder = join(KINDS_FOLDER, kind);
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
}

const tests = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.test.ts') && file !== 'registry.test.ts')
  .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
  .join('\n');

/** Refusal codes that a kind's source names, each with its flag or null. */
function refusalsOf(kind: string): { code: string; flag: string | null }[] {
  const source = sourcesOf(kind);
  return [
    ...source.matchAll(
      /code: '([a-z-]+)',(?:(?!code: ')[\s\S])*?flag: (?:'([a-z-]+)'|null)|flag: (?:'([a-z-]+)'|null),\s+code: '([a-z-]+)'/g,
    ),
  ].map(([, code, flag, flagFirst, codeLast]) => ({
    code: code ?? codeLast ?? '',
    flag: flag ?? flagFirst ?? null,
  }));
}

test('every folder of a kind is registered, and registered once', () => {
  const folders = readdirSync(KINDS_FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !SHARED.includes(entry.name))
    .map((entry) => entry.name);
  expect(KINDS.map((kind) => kind.id).sort()).toEqual(folders.sort());
});

describe.each(KINDS.map((kind) => [kind.id, kind] as const))('%s', (id, kind) => {
  test('has a declaration, find, plan, tests and a page for operators with its sources', () => {
    for (const file of ['index.ts', 'find.ts', 'plan.ts', 'README.md'])
      expect(existsSync(join(KINDS_FOLDER, id, file)), `${id}/${file}`).toBe(true);
    expect(readFileSync(join(KINDS_FOLDER, id, 'README.md'), 'utf8')).toMatch(/\*\*Sources\.\*\*|Sources/);
    expect(tests).toContain(`kinds/${id}/`);
    expect(kind.title).not.toBe('');
    expect(kind.looksAt).not.toBe('');
    expect(kind.doors.length).toBeGreaterThan(0);
  });

  test('has a test for every refusal, and the reference page names it with its flag', () => {
    for (const { code, flag } of refusalsOf(id)) {
      expect(tests, `no test names ${code}`).toContain(code);
      expect(REFERENCE, `docs/reference.md does not name ${code}`).toContain(`\`${code}\``);
      if (flag !== null) expect(Object.keys(LIFTS), `${code} names a flag that is no option`).toContain(flag);
    }
  });
});

test('every flag that lifts is named by some refusal, and the refusals are all there', () => {
  const all = KINDS.flatMap((kind) => refusalsOf(kind.id));
  expect(new Set(all.map((r) => r.flag).filter((flag) => flag !== null))).toEqual(
    new Set(Object.keys(LIFTS)),
  );
  expect(new Set(all.map((r) => r.code)).size).toBe(37);
});
