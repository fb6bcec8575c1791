/** `find` of findutils 4.9 on the kernel's own trees: the tests that expunge uses there, all of which must hold. */
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';
import { fails, says, untaught } from './answer.ts';
import { type Entry, kernelTree, resolve, type Tree } from './kernel-tree.ts';

/** One thing that was found: its path as the words say it, and what it is. */
interface Found {
  readonly path: string;
  readonly depth: number;
  readonly entry: Entry;
}

type Test = (found: Found) => boolean;

interface Search {
  readonly folders: readonly string[];
  readonly least: number;
  readonly most: number;
  readonly tests: readonly Test[];
  readonly format: string;
}

const LETTERS: Readonly<Record<Entry['kind'], string>> = { folder: 'd', file: 'f', link: 'l' };

/** What keeps find within /proc/<pid>/fd, where it would see all of /proc otherwise: here there is nothing else. */
const ONLY_DESCRIPTORS = ['!', '-regex', '/proc/[0-9]+(/fd(/[0-9]+)?)?', '-prune', '-o'];

export function isKernels(path: string | undefined): path is string {
  return /^\/(?:sys|proc|dev)(?:\/|$)/.test(path ?? '');
}

/** @throws LookError for words that are not modelled */
export function findInKernel(world: World, host: string, args: readonly string[]): CommandAnswer {
  const search = parse(args);
  if (search === null) throw untaught(host, ['find', ...args]);
  const tree = kernelTree(world, host);
  const missing = search.folders.filter((folder) => resolve(tree, folder) === null);
  const lines = search.folders
    .flatMap((folder) => walk(tree, folder))
    .filter(({ depth }) => depth >= search.least && depth <= search.most)
    .filter((found) => search.tests.every((test) => test(found)))
    .map((found) => print(search.format, found));
  const out = lines.join('');
  const complaints = missing.map((folder) => `find: '${folder}': No such file or directory`);
  return complaints.length === 0 ? says(out) : fails(1, complaints.join('\n'), out);
}

/** Links are not followed, but those that lead to the folder that the search begins in, where it is not the last part. */
function walk(tree: Tree, folder: string): readonly Found[] {
  const at = resolve(tree, `${folder.slice(0, folder.lastIndexOf('/'))}/`);
  const last = folder.slice(folder.lastIndexOf('/') + 1);
  const real = at === null || last === '.' ? at : `${at === '/' ? '' : at}/${last}`;
  const entry = real === null ? undefined : tree.get(real);
  if (real === null || entry === undefined) return [];
  const below = [...tree]
    .filter(([path]) => path.startsWith(`${real}/`))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, own]): Found => {
      const rest = path.slice(real.length);
      return { path: folder + rest, depth: rest.split('/').length - 1, entry: own };
    });
  return [{ path: folder, depth: 0, entry }, ...below];
}

function print(format: string, { path, entry }: Found): string {
  const at = path.lastIndexOf('/');
  const values: Readonly<Record<string, string>> = {
    '%p': path,
    '%f': path.slice(at + 1),
    '%h': path.slice(0, at),
    '%l': entry.kind === 'link' ? entry.target : '',
    '\\t': '\t',
    '\\n': '\n',
  };
  return format.replaceAll(/%[pfhl]|\\[tn]/g, (word) => values[word] ?? word);
}

/** null: there is a word that is not modelled */
function parse(args: readonly string[]): Search | null {
  const first = args.findIndex((arg) => arg.startsWith('-') || arg === '(' || arg === '!');
  const folders = args.slice(0, Math.max(first, 0));
  let rest = args.slice(folders.length);
  if (folders.length === 0 || !folders.every(isKernels)) return null;
  if (rest[0] === '-regextype' && rest[1] === 'posix-extended') rest = rest.slice(2);
  let [least, most] = [0, Number.POSITIVE_INFINITY];
  const tests: Test[] = [];
  while (rest.length > 0) {
    const [word = '', value = ''] = rest;
    if (word === '-printf') return rest.length === 2 ? { folders, least, most, tests, format: value } : null;
    if (ONLY_DESCRIPTORS.every((each, i) => rest[i] === each) && folders.join() === '/proc') {
      rest = rest.slice(ONLY_DESCRIPTORS.length);
      continue;
    }
    if (word === '(') {
      const end = rest.indexOf(')');
      const some = anyOf(rest.slice(1, end));
      if (end < 0 || some === null) return null;
      tests.push(some);
      rest = rest.slice(end + 1);
      continue;
    }
    if (word === '-mindepth') least = Number(value);
    else if (word === '-maxdepth') most = Number(value);
    else {
      const test = parseTest(word, value);
      if (test === null) return null;
      tests.push(test);
    }
    rest = rest.slice(2);
  }
  return null;
}

function anyOf(words: readonly string[]): Test | null {
  const tests: Test[] = [];
  for (let i = 0; i < words.length; i += 3) {
    const test = parseTest(words[i] ?? '', words[i + 1] ?? '');
    if (test === null || (i + 2 < words.length && words[i + 2] !== '-o')) return null;
    tests.push(test);
  }
  return (found) => tests.some((test) => test(found));
}

function parseTest(word: string, value: string): Test | null {
  const matches = glob(value);
  switch (word) {
    case '-type':
      return ({ entry }) => LETTERS[entry.kind] === value;
    case '-name':
      return ({ path }) => matches.test(path.slice(path.lastIndexOf('/') + 1));
    case '-path':
      return ({ path }) => matches.test(path);
    case '-lname':
      return ({ entry }) => entry.kind === 'link' && matches.test(entry.target);
    default:
      return null;
  }
}

/** fnmatch(3) without FNM_PATHNAME: a star takes slashes too. */
function glob(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
