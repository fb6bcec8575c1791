/** The hosts of a site: who is reached how. */
import { LookError } from '../../plan/errors.ts';
import type { SiteConfig } from '../config/load.ts';
import type { HostEntry } from '../config/site-file.ts';
import type { CommandAnswer, ImageStore } from '../reader.ts';
import type { Wires } from '../wires.ts';
import {
  type Containers,
  engineRefusal,
  enterContainer,
  isNoContainer,
  KOLLA,
  normaliseEngine,
  outsideKolla,
  programIn,
  wasCut,
  wasLost,
  withoutRemark,
} from './containers.ts';
import { type HostAccess, lacksSudo, normaliseSudo, sudoRefusal, type Transport } from './transport.ts';

/** nova's own default of `[DEFAULT] instances_path` with the packages' state_path */
const DEFAULT_INSTANCES_PATH = '/var/lib/nova/instances';

function imagesOf(images: HostEntry['images']): ImageStore | null {
  if (images === undefined) return null;
  return images.type === 'lvm'
    ? { type: 'lvm', group: images.volume_group }
    : { type: 'rbd', pool: images.pool, user: images.user ?? null, conf: images.conf ?? null };
}

function containersOf(said: HostEntry['containers']): Containers | null {
  if (said === undefined || said.none) return null;
  const { engine = 'docker', deployment, programs } = said;
  const all = { ...(deployment === undefined ? {} : KOLLA), ...programs };
  const inSome = Object.entries(all).filter(([, container]) => container !== 'none');
  return { engine, programs: Object.fromEntries(inSome) };
}

/** Nova's folder of servers, by the host's name of it and by that which Nova and libvirt have. */
function foldersOf(
  { instances_path: own, containers }: HostEntry,
  novas: string,
): Pick<HostAccess, 'instancesPath' | 'novasInstancesPath'> {
  if (containers?.deployment === undefined) {
    const instancesPath = own ?? novas;
    return { instancesPath, novasInstancesPath: containers?.instances_path ?? instancesPath };
  }
  const inside = containers.instances_path ?? novas;
  return {
    instancesPath: own ?? outsideKolla(containers.engine ?? 'docker', inside),
    novasInstancesPath: inside,
  };
}

export class Hosts {
  readonly #config: SiteConfig;
  readonly #open: Wires['command'];
  readonly #transports = new Map<string, Transport>();

  constructor(config: SiteConfig, open: Wires['command']) {
    this.#config = config;
    this.#open = open;
  }

  /** null: neither this host nor `default` is in the site file */
  access(name: string): HostAccess | null {
    const hosts: Record<string, HostEntry> = this.#config.file.hosts ?? {};
    const own = Object.hasOwn(hosts, name) && name !== 'default' ? hosts[name] : undefined;
    if (own === undefined && hosts['default'] === undefined) return null;
    // A host name comes from a database: one that ssh could read as an option is not a name.
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return null;
    const entry = { ...hosts['default'], ...own };
    return {
      name,
      transport: entry.transport ?? 'ssh',
      address: own?.address ?? name,
      port: entry.port,
      user: entry.user,
      identityFile: entry.identity_file,
      knownHostsFile: entry.known_hosts_file,
      sudo: entry.sudo ?? false,
      ...foldersOf(entry, this.#config.novaConf?.instancesPath ?? DEFAULT_INSTANCES_PATH),
      containers: containersOf(entry.containers),
      proxied: entry.proxied,
      images: imagesOf(entry.images),
    };
  }

  /** Runs one command. An exit code is an answer. @throws LookError when there is none */
  async run(
    name: string,
    argv: readonly string[],
    timeoutMs: number,
    input?: string,
  ): Promise<CommandAnswer> {
    const access = this.access(name);
    if (access === null)
      throw new LookError(`host ${name}`, 'the site file does not say how to reach it', {
        code: 'host-unknown',
        hint: `add hosts.${name} or hosts.default`,
      });
    let transport = this.#transports.get(name);
    if (transport === undefined) {
      transport = this.#open(access);
      this.#transports.set(name, transport);
    }
    const { containers } = access;
    const entered = enterContainer(containers, argv, input !== undefined);
    const said = await transport.run(entered, timeoutMs, input);
    if (access.sudo && lacksSudo(said))
      throw new LookError(`host ${name}`, 'sudo is not there', {
        code: 'sudo-refused',
        hint: `where it is not needed, leave sudo out of hosts.${name} in the site file`,
      });
    const answer = normaliseSudo(said);
    const refusal = access.sudo ? sudoRefusal(answer) : null;
    if (refusal !== null)
      throw new LookError(`host ${name}`, refusal, {
        code: 'sudo-refused',
        hint: 'docs/reference.md lists the sudoers lines',
      });
    if (containers === null || entered[0] !== containers.engine) return answer;
    const program = programIn(entered);
    if (wasCut(answer))
      throw new LookError(`host ${name}`, `${containers.engine} went away while ${program} ran`, {
        code: 'command-cut',
      });
    if (wasLost(argv, answer))
      throw new LookError(`host ${name}`, `${containers.engine} handed on nothing of what ${program} said`, {
        code: 'command-cut',
        hint: 'docker before 1.13 does so now and then: ask again',
      });
    const own = withoutRemark(answer);
    const why = engineRefusal(containers.engine, own);
    if (why !== null)
      throw new LookError(`host ${name}`, `${program} was not run in its container: ${why}`, {
        code: isNoContainer(why) ? 'container-missing' : 'container-refused',
        hint: `hosts.${name}.containers of the site file says which one it is`,
      });
    return normaliseEngine(own);
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#transports.values()].map((t) => t.close()));
    this.#transports.clear();
  }
}
