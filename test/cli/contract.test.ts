/** Every flag that a refusal names is an option, and every such option lifts something. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addCommonOptions, addDecisionOptions, decisionsFrom, LIFTS } from '../../src/cli/options.ts';

const KINDS = join(import.meta.dirname, '../../src/kinds');

/** The flags in the sources of all kinds: `flag: 'even-locked'`. Whether each refusal refuses, its kind's own test shows. */
function flagsOfKinds(): readonly string[] {
  const sources = readdirSync(KINDS, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
  const texts = sources.map((file) => readFileSync(join(KINDS, file), 'utf8'));
  return texts.flatMap((text) => [...text.matchAll(/\bflag: '([^']+)'/g)].map(([, flag]) => flag ?? ''));
}

/** The READMEs that tell operators of them. */
function flagsOfReadmes(): readonly string[] {
  const readmes = readdirSync(KINDS, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.md'));
  const texts = readmes.map((file) => readFileSync(join(KINDS, file), 'utf8'));
  return texts.flatMap((text) =>
    [...text.matchAll(/`--((?:even|shared|delete|keep)-[\w-]+)`/g)].map(([, flag]) => flag ?? ''),
  );
}

const optionsOf = (argv: readonly string[]) => {
  const command = addDecisionOptions(addCommonOptions(new Command('x').exitOverride()));
  command.configureOutput({ writeErr: () => {} });
  return command.parse([...argv], { from: 'user' }).opts();
};

test('a refusal names no flag that the command line does not know, and no flag is without a refusal', () => {
  const flags = [...new Set(flagsOfKinds())].sort();
  // One that says what is to be done takes a value, and lifts nothing besides.
  const decides = flags.filter((flag) => flag.includes(' '));
  expect(flags.filter((flag) => !decides.includes(flag))).toEqual(Object.keys(LIFTS).sort());
  for (const flag of decides) expect(() => optionsOf(`--${flag}`.split(' ')), flag).not.toThrow();
});

test('operators read of every one of them', () => {
  expect([...new Set(flagsOfReadmes())].sort()).toEqual(Object.keys(LIFTS).sort());
});

describe('from the command line to decisions', () => {
  test.each(Object.keys(LIFTS))('--%s lifts itself and nothing else', (flag) => {
    expect(decisionsFrom(optionsOf([`--${flag}`]) as never).lift).toEqual([flag]);
  });
  test('nothing said lifts nothing', () => {
    expect(decisionsFrom(optionsOf([]) as never)).toEqual({ ports: 'as-nova', allHosts: false, lift: [] });
  });
  test('the order of the flags does not count: it would change the digest', () => {
    const flags = Object.keys(LIFTS).map((flag) => `--${flag}`);
    expect(decisionsFrom(optionsOf(flags.toReversed()) as never)).toEqual(
      decisionsFrom(optionsOf(flags) as never),
    );
  });
  test('ports whose rows are changed: named by their ids, each once, in any order', () => {
    const [a, b] = ['0faeac36-448c-4a00-a71e-f3f81f979d44', '1faeac36-448c-4a00-a71e-f3f81f979d44'];
    const said = ['--port-surgery', b, '--port-surgery', a, '--port-surgery', b];
    expect(decisionsFrom(optionsOf(said) as never)).toMatchObject({ portSurgery: [a, b] });
    expect(() => optionsOf(['--port-surgery', 'web'])).toThrow(/by its id/);
  });
  test('ports and hosts', () => {
    expect(decisionsFrom(optionsOf(['--ports', 'keep', '--all-hosts']) as never)).toMatchObject({
      ports: 'keep',
      allHosts: true,
    });
    expect(() => optionsOf(['--ports', 'burn'])).toThrow();
  });
});
