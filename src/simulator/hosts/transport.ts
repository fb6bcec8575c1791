/** The command wire: a compute host that understands what expunge runs there, and nothing else. */
import { LookError } from '../../plan/errors.ts';
import type { HostAccess, Transport } from '../../site/command/transport.ts';
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';
import { fails, type Program, says, untaught } from './answer.ts';
import {
  runBlockdev,
  runCryptsetup,
  runDmsetup,
  runLsblk,
  runMultipath,
  runMultipathd,
  runTee,
} from './block-programs.ts';
import { runOnHost } from './containers.ts';
import {
  runCat,
  runFind,
  runFindmnt,
  runLs,
  runRealpath,
  runRm,
  runStat,
  runTest,
  runUmount,
} from './file-programs.ts';
import { runIp } from './ip.ts';
import { runIscsiadm } from './iscsiadm.ts';
import { runLvremove, runLvs } from './lvm.ts';
import { runNvme } from './nvme.ts';
import { runOvsVsctl } from './ovs-vsctl.ts';
import { runPgrep } from './pgrep.ts';
import { runPs } from './processes.ts';
import { runRbd } from './rbd.ts';
import { runVirsh } from './virsh.ts';

const PROGRAMS: Readonly<Record<string, Program>> = {
  virsh: runVirsh,
  ip: runIp,
  'ovs-vsctl': runOvsVsctl,
  blockdev: runBlockdev,
  cat: runCat,
  cryptsetup: runCryptsetup,
  dmsetup: runDmsetup,
  find: runFind,
  findmnt: runFindmnt,
  iscsiadm: runIscsiadm,
  ls: runLs,
  lvremove: runLvremove,
  lvs: runLvs,
  lsblk: runLsblk,
  multipath: runMultipath,
  multipathd: runMultipathd,
  nvme: runNvme,
  ps: runPs,
  rbd: runRbd,
  pgrep: runPgrep,
  realpath: runRealpath,
  rm: runRm,
  stat: runStat,
  tee: runTee,
  test: runTest,
  umount: runUmount,
};

/** What a host may really lack: the column of `hosts` that says so. */
const BELONGS_TO: Readonly<Record<string, string>> = { virsh: 'libvirt', 'ovs-vsctl': 'openvswitch' };

/**
 * A host of the world behind its transport. Whoever logs in may do everything there, with sudo and without.
 *
 * `run` rejects with LookError `host-unreachable` in the words of ssh when the host does not answer, and with
 * `simulator-untaught` for an argv that is not modelled.
 */
export function openSimulatedHost(world: World, access: HostAccess, react: () => void): Transport {
  return {
    async run(argv: readonly string[], _timeoutMs: number, input?: string) {
      react();
      const answer = runProgram(world, access, argv, input);
      react();
      return answer;
    },
    async close() {},
  };
}

function runProgram(
  world: World,
  access: HostAccess,
  argv: readonly string[],
  input: string | undefined,
): CommandAnswer {
  const host = access.name;
  const state = world.machines.prepare('SELECT * FROM hosts WHERE name = ?').get(host);
  if (state === undefined)
    throw unreachable(access, `Could not resolve hostname ${access.address}: Name or service not known`);
  if (state['reachable'] !== 1)
    throw unreachable(
      access,
      `connect to host ${access.address} port ${access.port ?? 22}: No route to host`,
    );
  return runOnHost(world, host, argv, (inside) => runThere(world, access, state, inside, input));
}

function runThere(
  world: World,
  access: HostAccess,
  state: Readonly<Record<string, unknown>>,
  argv: readonly string[],
  input: string | undefined,
): CommandAnswer {
  const host = access.name;
  const [name = '', ...args] = argv;
  if (name === 'true' && args.length === 0) return says('');
  // Without a user in the site file ssh would take the operator's own: here it is root.
  if (name === 'id' && args.join(' ') === '-un')
    return says(`${access.sudo ? 'root' : (access.user ?? 'root')}\n`);
  const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
  if (program === undefined) throw untaught(host, argv);
  if (state[BELONGS_TO[name] ?? ''] === 'absent') return fails(127, `${name}: command not found`);
  return program(world, host, args, input);
}

/** As `site/command/ssh.ts` tells of an ssh that ended before it could answer. */
function unreachable(access: HostAccess, why: string): LookError {
  return new LookError(`host ${access.name}`, `ssh ended with 255: ssh: ${why}`, {
    code: 'host-unreachable',
  });
}
