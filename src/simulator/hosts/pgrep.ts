import { fails, type Program, says, untaught } from './answer.ts';

const NOVA_COMPUTE = '(^|/)nova-compute( |$)';

/** procps 4 `pgrep -f`: the ids of processes whose command line matches, and 1 when there is none. A frozen process is one too. */
export const runPgrep: Program = (world, host, args) => {
  if (args.join('\n') !== `-f\n${NOVA_COMPUTE}`) throw untaught(host, ['pgrep', ...args]);
  const row = world.machines.prepare('SELECT compute FROM hosts WHERE name = ?').get(host);
  return row?.['compute'] === 'dead' ? fails(1, '') : says('1907\n');
};
