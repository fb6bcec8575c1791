/** A host whose programs are in the containers of Kolla: images and volumes as of kolla and kolla-ansible 22 (2026.1), engines as they answer. */
import { parseJson } from '../../plan/parse-json.ts';
import * as z from '../../plan/zod.ts';
import { containerOf, type Engine, KOLLA, outsideKolla } from '../../site/command/containers.ts';
import type { CommandAnswer } from '../../site/reader.ts';
import { readMeta, setMeta, type World } from '../world.ts';
import { fails, says, untaught } from './answer.ts';

const described = z.strictObject({
  engine: z.enum(['docker', 'podman']),
  stopped: z.array(z.string()),
  missing: z.array(z.string()),
});

/** What each of its containers has of the programs that expunge runs. */
const IMAGES: Readonly<Record<string, readonly string[]>> = {
  nova_libvirt: ['virsh', 'rbd', 'ovs-vsctl'],
  openvswitch_vswitchd: ['ovs-vsctl'],
  nova_compute: ['iscsiadm', 'multipath', 'multipathd', 'nvme', 'rbd'],
  iscsid: ['iscsiadm'],
  multipathd: ['multipath', 'multipathd'],
};

/** Makes a host one of Kolla's. @param stopped names of containers that do not run @param missing of those that there are none of */
export function deployByKolla(
  world: World,
  host: string,
  {
    engine = 'docker',
    stopped = [],
    missing = [],
  }: {
    readonly engine?: Engine;
    readonly stopped?: readonly string[];
    readonly missing?: readonly string[];
  } = {},
): void {
  setMeta(world, `containers.${host}`, JSON.stringify({ engine, stopped, missing }));
}

export function engineOf(world: World, host: string): Engine | null {
  return containersOn(world, host)?.engine ?? null;
}

function containersOn(world: World, host: string): z.infer<typeof described> | null {
  const said = readMeta(world, `containers.${host}`);
  return said === null ? null : described.parse(parseJson(said));
}

type Run = (argv: readonly string[]) => CommandAnswer;

/**
 * Runs a command where it leads to: in a container, whose paths are Nova's, or on the host, which has the volume of `/var/lib/nova` elsewhere.
 *
 * @throws LookError for words that are not modelled
 */
export function runOnHost(world: World, host: string, argv: readonly string[], run: Run): CommandAnswer {
  const containers = containersOn(world, host);
  const [program = ''] = argv;
  const isEngine = program === 'docker' || program === 'podman';
  if (program !== containers?.engine && isEngine) return fails(127, `${program}: command not found`);
  if (containers === null) return run(argv);
  if (isEngine) return exec(containers, host, argv.slice(1), run);
  if (containerOf({ ...containers, programs: KOLLA }, program) !== null)
    return fails(127, `${program}: command not found`);
  const answer = run(argv.map((word) => toNovas(containers.engine, word)));
  return {
    ...answer,
    out: answer.out.replaceAll(/\/var\/lib\/nova(?=\/|$)/gm, (path) => outsideKolla(containers.engine, path)),
  };
}

function toNovas(engine: Engine, word: string): string {
  const volume = outsideKolla(engine, '/var/lib/nova');
  if (word.startsWith(`${volume}/`)) return `/var/lib/nova${word.slice(volume.length)}`;
  return word.replace(/^\/var\/lib\/nova(?=\/|$)/, '/not-outside');
}

function exec(
  { engine, stopped, missing }: z.infer<typeof described>,
  host: string,
  words: readonly string[],
  run: Run,
): CommandAnswer {
  const [verb, ...rest] = words;
  const [u, user, container = '', ...argv] = rest[0] === '-i' ? rest.slice(1) : rest;
  const [program = ''] = argv;
  if (verb !== 'exec' || `${u} ${user}` !== '-u root' || program === '')
    throw untaught(host, [engine, ...words]);
  const image = Object.hasOwn(IMAGES, container) ? IMAGES[container] : undefined;
  if (image === undefined || missing.includes(container))
    return engine === 'docker'
      ? fails(1, `Error response from daemon: No such container: ${container}`)
      : fails(125, `Error: no container with name or ID "${container}" found: no such container`);
  if (stopped.includes(container))
    return engine === 'docker'
      ? fails(1, `Error response from daemon: Container ${'4a'.repeat(32)} is not running`)
      : fails(255, 'Error: can only create exec sessions on running containers: container state improper');
  if (argv.join(' ') === 'true') return says('');
  if (image.includes(program) || program === 'stat') return run(argv);
  const why = `unable to start container process: exec: "${program}": executable file not found in $PATH`;
  return engine === 'docker'
    ? fails(126, '', `OCI runtime exec failed: exec failed: ${why}: unknown\r\n`)
    : fails(
        127,
        `Error: runc: exec failed: ${why}: OCI runtime attempted to invoke a command that was not found`,
      );
}
