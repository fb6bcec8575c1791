/**
 * How long it takes to be rid of one stuck server: the manual procedure with the standard clients, Nova's own delete of a healthy
 * twin, and expunge. Each is a whole process, start to exit, on servers of the same make, in turn.
 *
 *     node lab/bench.ts [ROUNDS]
 */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { createNeighbours } from './neighbours.ts';
import { freezeCompute, reviveCompute, waitServiceDown } from './nova-services.ts';
import { readOpenrc } from './openrc.ts';
import { openLab } from './paths.ts';
import { createServer, type LabServer, requestDelete, waitGone } from './servers.ts';

const lab = openLab();
const rounds = Number(process.argv[2] ?? 5);
const program = resolve(import.meta.dirname, '../dist/expunge.cjs');
const site = join(lab.dir, 'expunge.yaml');

interface Round {
  readonly manual: number;
  readonly nova: number;
  readonly expunge: number;
}

function time(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  const [command = '', ...args] = argv;
  const begun = performance.now();
  execFileSync(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  return (performance.now() - begun) / 1000;
}

async function playRound(n: number): Promise<Round> {
  const stamp = `${Date.now().toString(36)}-${n}`;
  const make = (what: string): Promise<LabServer> => createServer(lab, { name: `bench-${what}-${stamp}` });
  const [healthy, byHand, byExpunge] = [await make('nova'), await make('manual'), await make('expunge')];
  const nova = time(['openstack', 'server', 'delete', '--wait', healthy.id], {
    ...process.env,
    ...readOpenrc(lab),
  });
  await waitGone(lab, healthy);
  freezeCompute(lab);
  await requestDelete(lab, byHand);
  await requestDelete(lab, byExpunge);
  await waitServiceDown(lab, 'nova-compute');
  const hand = () => time([process.execPath, resolve(import.meta.dirname, 'manual.ts'), byHand.id]);
  const tool = () => time([process.execPath, program, 'purge', byExpunge.id, '--yes', '--site', site]);
  // Each goes first in every other round, so that neither always finds warm caches.
  const [manual, expunge] = n % 2 === 0 ? [hand(), tool()] : ((t) => [hand(), t])(tool());
  await reviveCompute(lab);
  return { manual, nova, expunge };
}

function spread(values: readonly number[]): { min: number; median: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? Number.NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { min: at(0), median, max: at(sorted.length - 1) };
}

function row(title: string, values: readonly number[], digits: number): string {
  const { min, median, max } = spread(values);
  const cells = [min, median, max].map((v) => v.toFixed(digits));
  return `| ${title} | ${cells.join(' | ')} |`;
}

await createNeighbours(lab);
const played: Round[] = [];
for (let n = 0; n < rounds; n++) {
  played.push(await playRound(n));
  const last = played.at(-1);
  console.error(`round ${n + 1} of ${rounds}: ${JSON.stringify(last)}`);
}
console.log(
  `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${rounds} rounds, seconds from process start to exit\n`,
);
console.log('| | min | median | max |\n|---|---|---|---|');
console.log(
  row(
    'manual procedure',
    played.map((r) => r.manual),
    2,
  ),
);
console.log(
  row(
    "Nova's own delete of a healthy twin (openstack server delete --wait)",
    played.map((r) => r.nova),
    2,
  ),
);
console.log(
  row(
    'expunge purge',
    played.map((r) => r.expunge),
    2,
  ),
);
console.log(
  row(
    'manual ÷ expunge',
    played.map((r) => r.manual / r.expunge),
    1,
  ),
);
console.log(
  row(
    'Nova ÷ expunge',
    played.map((r) => r.nova / r.expunge),
    1,
  ),
);
