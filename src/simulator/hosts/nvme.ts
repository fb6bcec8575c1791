/** NVMe over fabrics on a simulated host, and `nvme` of nvme-cli 2.3. */
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';
import { fails, sameWords, says, untaught } from './answer.ts';

interface Subsystem {
  /** `nvme-subsys1` */
  readonly name: string;
  readonly controller: string;
  readonly nqn: string;
  /** `traddr=10.0.3.1,trsvcid=4420` */
  readonly address: string;
  /** block devices: `nvme1n1` */
  readonly namespaces: readonly string[];
}

export function subsystemsOf(world: World, host: string): readonly Subsystem[] {
  return world.machines
    .prepare('SELECT * FROM nvme_subsystems WHERE host = ? ORDER BY number')
    .all(host)
    .map((row) => ({
      name: `nvme-subsys${row['number']}`,
      controller: `nvme${row['number']}`,
      nqn: String(row['nqn']),
      address: String(row['address']),
      namespaces: JSON.parse(String(row['namespaces'])) as string[],
    }));
}

/** @throws LookError for words that are not modelled */
export function runNvme(world: World, host: string, args: readonly string[]): CommandAnswer {
  if (sameWords(args, 'list-subsys', '-o', 'json')) return says(`${JSON.stringify(listing(world, host))}\n`);
  const nqn = args[2] ?? '';
  if (!sameWords(args, 'disconnect', '-n', nqn)) throw untaught(host, ['nvme', ...args]);
  const { changes } = world.machines
    .prepare('DELETE FROM nvme_subsystems WHERE host = ? AND nqn = ?')
    .run(host, nqn);
  return changes === 0
    ? fails(1, '', `NQN:${nqn} disconnected 0 controller(s)\n`)
    : says(`NQN:${nqn} disconnected ${changes} controller(s)\n`);
}

function listing(world: World, host: string): readonly object[] {
  const all = subsystemsOf(world, host);
  if (all.length === 0) return [];
  return [
    {
      HostNQN: 'nqn.2014-08.org.nvmexpress:uuid:00000000-0000-4000-8000-000000000001',
      Subsystems: all.map(({ name, nqn, controller, address }) => ({
        Name: name,
        NQN: nqn,
        Paths: [{ Name: controller, Transport: 'tcp', Address: address, State: 'live' }],
      })),
    },
  ];
}
