import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLab } from './paths.ts';
import { readSchema } from './record/schema.ts';

const usage = 'usage: node lab/record.ts [schema]';

const folder = join(import.meta.dirname, '..', 'src', 'simulator', 'recorded');

async function main(words: readonly string[]): Promise<number> {
  if (words.length !== 1 || words[0] !== 'schema') {
    console.error(usage);
    return 2;
  }
  const schema = await readSchema(openLab());
  writeFileSync(join(folder, 'schema.json'), `${JSON.stringify(schema, null, 1)}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
