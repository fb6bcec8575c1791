/**
 * Programs of a host that lie in containers. What is asked of files, links and processes is asked of the host itself, which sees those of
 * its containers too; only what speaks to a daemon, or needs a file of its container, is run inside.
 */
import type { Act } from '../../plan/types.ts';
import type { CommandAnswer } from '../reader.ts';
import { isReading } from './reading.ts';

export type Engine = 'docker' | 'podman';

/** The programs that may be in one. Of any other the host's own is run: it works on paths, and a container has others. */
export const CONTAINED = [
  'virsh',
  'ovs-vsctl',
  'iscsiadm',
  'multipath',
  'multipathd',
  'nvme',
  'cryptsetup',
  'rbd',
  'dmsetup',
  'lvs',
  'lvremove',
] as const;

export type Contained = (typeof CONTAINED)[number];

export interface Containers {
  readonly engine: Engine;
  /** program → name of its container */
  readonly programs: Readonly<Partial<Record<Contained, string>>>;
}

/**
 * Kolla, which calls its containers so from Ocata (4.0.0) to 2026.1 (22.0.0; kolla-ansible `roles/nova-cell/defaults/main.yml`, before Train
 * `roles/nova/…`; `roles/openvswitch`, `roles/multipathd` likewise). os-brick runs where nova-compute does: on images of the RPM family
 * iscsid's container has no records of it, as they share `/etc/iscsi` alone; and only there are a user's keys for Ceph.
 */
export const KOLLA: Containers['programs'] = {
  virsh: 'nova_libvirt',
  'ovs-vsctl': 'openvswitch_vswitchd',
  iscsiadm: 'nova_compute',
  multipath: 'multipathd',
  multipathd: 'multipathd',
  nvme: 'nova_compute',
  rbd: 'nova_compute',
};

/**
 * Whether a container may be missing where all is well. Kolla has that of multipath only with `enable_multipathd`, which is off by default (4.0.0 to
 * 22.0.0), and nothing is looked at by it.
 */
export function mayBeMissing(programs: readonly string[]): boolean {
  return programs.every((program) => program === 'multipath' || program === 'multipathd');
}

/** Where the engine keeps the volume that Kolla's containers have as `/var/lib/nova` (kolla-ansible `group_vars/all/nova.yml`). */
const KOLLA_VOLUME: Readonly<Record<Engine, string>> = {
  docker: '/var/lib/docker/volumes/nova_compute/_data',
  podman: '/var/lib/containers/storage/volumes/nova_compute/_data',
};

/** A path of Kolla's containers as the host has it. */
export function outsideKolla(engine: Engine, path: string): string {
  return path.replace(/^\/var\/lib\/nova(?=\/|$)/, KOLLA_VOLUME[engine]);
}

/** The container that a program is in; null: the host's own is run. */
export function containerOf(containers: Containers | null, program: string | undefined): string | null {
  const known = CONTAINED.find((name) => name === program);
  return known === undefined ? null : (containers?.programs[known] ?? null);
}

/**
 * As root: Kolla's image of nova-compute has `USER nova` (kolla 4.0.0 to 22.0.0 `docker/nova/nova-compute/Dockerfile.j2`), who may not read
 * the records of iSCSI. open-iscsi up to 2.0.876 says then that there are none (`usr/idbm.c:idbm_for_each_node`).
 */
function execIn(engine: Engine, container: string, input = false): string[] {
  return [engine, 'exec', ...(input ? ['-i'] : []), '-u', 'root', container];
}

/** The program that such a command runs in its container. */
export function programIn(argv: readonly string[]): string {
  return argv[argv.indexOf('-u') + 3] ?? '';
}

/** @param input whether the program reads from its standard input, which an engine hands on only when told to */
export function enterContainer(
  containers: Containers | null,
  argv: readonly string[],
  input = false,
): string[] {
  const container = containerOf(containers, argv[0]);
  if (containers === null || container === null) return [...argv];
  return [...execIn(containers.engine, container, input), ...argv];
}

/** An act with every command of it as it is run. Of another door it stays as it is. */
export function actInContainers(containers: Containers, act: Act): Act {
  if (act.door !== 'command') return act;
  const { first, otherwise, input } = act;
  const reads = input !== undefined;
  return {
    ...act,
    argv: enterContainer(containers, act.argv, reads),
    ...(first && { first: first.map((one) => ({ ...one, argv: enterContainer(containers, one.argv) })) }),
    ...(otherwise && { otherwise: otherwise.map((argv) => enterContainer(containers, argv, reads)) }),
  };
}

/** What may be the matter where a program is not there. */
export function perhapsInContainer(host: string): string {
  return `in a container? then hosts.${host}.containers must say so`;
}

/** Each container with its programs, and a command that finds out whether it runs: it does nothing in it. */
export function programsByContainer(containers: Containers | null): readonly {
  readonly container: string;
  readonly programs: readonly string[];
  readonly probe: readonly string[];
}[] {
  if (containers === null) return [];
  const named = CONTAINED.filter((program) => containers.programs[program] !== undefined);
  return [...new Set(Object.values(containers.programs))].map((container) => ({
    container,
    programs: named.filter((program) => containers.programs[program] === container),
    probe: [...execIn(containers.engine, container), 'true'],
  }));
}

/** A folder as a file system knows it, by whatever path: its device and its number there. */
export function identify(path: string): string[] {
  return ['stat', '-L', '-c', '%d:%i', '--', path];
}

/** The same in the container that a program is in; null: the program is the host's own. */
export function identifyBeside(
  containers: Containers | null,
  program: Contained,
  path: string,
): string[] | null {
  const container = containerOf(containers, program);
  return containers === null || container === null
    ? null
    : [...execIn(containers.engine, container), ...identify(path)];
}

const NO_PROGRAM = /executable file not found|attempted to invoke a command that was not found/;

/**
 * What each says in place of the program, whose exit code it else ends with. docker (moby 20.10 `daemon/errors.go`, the client's prefixes) writes
 * why an exec could not begin to standard output (`api/server/router/container/exec.go:postContainerExecStart`). Both were heard: docker 20.10.24,
 * with its own client and that of 28.2, and podman 4.3.1. `failed to connect` is what the client of docker 29 says (read, not heard).
 */
const SAYS: Readonly<Record<Engine, { readonly exits: readonly number[]; readonly line: RegExp }>> = {
  docker: {
    exits: [1, 125, 126, 127],
    line: /^(?:Error response from daemon: |Error: No such |error during connect: |Cannot connect to the Docker daemon|failed to connect to the docker API at |(?:Got )?permission denied while trying to connect to the Docker|OCI runtime exec failed: ).*$/im,
  },
  podman: { exits: [125, 126, 127, 255], line: /^Error: .*$/m },
};

/**
 * podman 1.6 to 2.0 says of a program that failed that it did (libpod `container_api.go:Exec`; until pull request 7040). Why it failed is what it said
 * itself, and it was run.
 */
const REMARK =
  /^Error: (?:exec session exited with non-zero exit code|non zero exit code:) \d+: OCI runtime error\n?/m;

export function withoutRemark(answer: CommandAnswer): CommandAnswer {
  return answer.exit === 0 ? answer : { ...answer, err: answer.err.replace(REMARK, '') };
}

/** A program that its container has not: 127, as a shell says of the host's own. */
export function normaliseEngine(answer: CommandAnswer): CommandAnswer {
  const isMissing = [126, 127].includes(answer.exit) && NO_PROGRAM.test(`${answer.out}\n${answer.err}`);
  return isMissing ? { ...answer, exit: 127 } : answer;
}

/** What the engine says when it has run nothing: that is "could not look", not an answer of the program. */
export function engineRefusal(engine: Engine, { exit, out, err }: CommandAnswer): string | null {
  if (exit === 127 && new RegExp(`^(?:.*: )?${engine}: (?:command )?not found$`, 'm').test(err))
    return `${engine} is not there`;
  const said = `${err}\n${out}`;
  if (!SAYS[engine].exits.includes(exit) || NO_PROGRAM.test(said)) return null;
  return SAYS[engine].line.exec(said)?.[0].trim() ?? null;
}

/** Of that answer of an engine: there is no container of this name. */
export function isNoContainer(refusal: string): boolean {
  return /no such container/i.test(refusal);
}

/**
 * Nothing of what the program said was handed on, but its exit code: docker 1.12 does so now and then (moby issue 27289, mended in 1.13), which
 * kolla-ansible installs up to Rocky (7.0.0 `roles/baremetal/defaults/main.yml`). A list without a line would be one without the server's. virsh
 * ends all that it says with an empty line (`tools/vsh.c:vshCommandRun`; heard of 9.0), and iscsiadm has another exit code for an empty list.
 */
export function wasLost(argv: readonly string[], { exit, out }: CommandAnswer): boolean {
  // Of what acts the exit code is all that counts.
  if (exit !== 0 || out !== '' || !isReading(argv)) return false;
  return argv[0] === 'virsh' || (argv[0] === 'iscsiadm' && argv.length === 3);
}

/** docker's daemon ended under the program, which may go on without it: docker 20.10 and 28 then say nothing, and end with 255. */
export function wasCut({ exit, out, err }: CommandAnswer): boolean {
  return exit === 255 && out === '' && err === '';
}
