/** `virsh -c qemu:///system`: the words of it that expunge uses, as libvirt 9.0 answers them. */
import type { CommandAnswer } from '../../site/reader.ts';
import { inTransaction, type World } from '../world.ts';
import { fails, sameWords, says, untaught } from './answer.ts';
import { activeXml, inactiveXml, topElement } from './domain-xml.ts';
import {
  autostartPath,
  type DomainRow,
  domainsOf,
  dropSavedState,
  dropSnapshots,
  stopDomain,
  undefineDomain,
} from './domains.ts';
import { kindAt } from './files.ts';

type OnDomain = (world: World, host: string, domain: DomainRow, typed: string) => CommandAnswer;

const ON_DOMAIN: Readonly<Record<string, OnDomain>> = {
  dominfo: showInfo,
  dumpxml: (_world, _host, { xml, id }) => {
    const text = id === null ? inactiveXml(xml) : activeXml(xml, id);
    return says(`${text.trimEnd()}\n\n`);
  },
  domname: (_world, _host, { name }) => says(`${name}\n\n`),
  domuuid: (_world, _host, { uuid }) => says(`${uuid}\n\n`),
  domstate: (_world, _host, { state }) => says(`${state}\n\n`),
  destroy,
};

const UNDEFINE_FLAGS = [
  '--managed-save',
  '--snapshots-metadata',
  '--checkpoints-metadata',
  '--nvram',
  '--tpm',
];

/** What the recorded cloud has. */
const VERSION = `Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.22

`;

/** @throws LookError for words that are not modelled */
export function runVirsh(world: World, host: string, args: readonly string[]): CommandAnswer {
  const refused = untaught(host, ['virsh', ...args]);
  const [c, uri, word = '', typed, ...flags] = args;
  if (c !== '-c' || uri !== 'qemu:///system') throw refused;
  const act = Object.hasOwn(ON_DOMAIN, word) && flags.length === 0 ? ON_DOMAIN[word] : undefined;
  const isUndefine = word === 'undefine' && flags.every((flag) => UNDEFINE_FLAGS.includes(flag));
  const isOnDomain = typed !== undefined && !typed.startsWith('-') && (isUndefine || act !== undefined);
  const list = word === 'list' ? listing(args.slice(3)) : null;
  if (!isOnDomain && list === null && !sameWords(args.slice(2), 'version')) throw refused;
  const state = world.machines.prepare('SELECT libvirt FROM hosts WHERE name = ?').get(host);
  if (state?.['libvirt'] === 'down')
    return fails(
      1,
      "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': Connection refused",
    );
  if (list !== null) return says(list(domainsOf(world, host)));
  if (!isOnDomain) return says(VERSION);
  const domain = lookUp(domainsOf(world, host), typed);
  if (domain === null) return fails(1, `error: failed to get domain '${typed}'`, '\n');
  if (act !== undefined) return act(world, host, domain, typed);
  return inTransaction(world.machines, () => undefine(world, host, domain, typed, flags));
}

/** By number, uuid and name, in this order (`tools/virsh-util.c:virshLookupDomainInternal`). */
function lookUp(domains: readonly DomainRow[], typed: string): DomainRow | null {
  return (
    domains.find(({ id }) => id !== null && String(id) === typed) ??
    domains.find(({ uuid }) => uuid === typed) ??
    domains.find(({ name }) => name === typed) ??
    null
  );
}

/** null: not words that are modelled, the table for people among them */
function listing(words: readonly string[]): ((domains: readonly DomainRow[]) => string) | null {
  if (words.length === 0 || new Set(words).size < words.length) return null;
  if (!words.every((word) => ['--all', '--uuid', '--name'].includes(word))) return null;
  const [all, uuid, name] = ['--all', '--uuid', '--name'].map((word) => words.includes(word));
  if (!uuid && !name) return null;
  return (domains) => {
    const lines = domains
      .filter((domain) => all || domain.id !== null)
      .map((domain) => [...(uuid ? [domain.uuid] : []), ...(name ? [domain.name] : [])].join(' '));
    return `${lines.map((line) => `${line}\n`).join('')}\n`;
  };
}

/** No `CPU time`: nothing computes in a simulated server, and virsh leaves the line out while it is nought. */
function showInfo(world: World, host: string, domain: DomainRow): CommandAnswer {
  const type = /<type(?: [^>]*)?>(\w+)<\/type>/.exec(domain.xml)?.[1] ?? '';
  const memory = topElement(domain.xml, 'memory') ?? '';
  const lines: [string, string | number][] = [
    ['Id', domain.id ?? '-'],
    ['Name', domain.name],
    ['UUID', domain.uuid],
    ['OS Type', type],
    ['State', domain.state],
    ['CPU(s)', topElement(domain.xml, 'vcpu') ?? ''],
    ['Max memory', `${memory} KiB`],
    ['Used memory', `${topElement(domain.xml, 'currentMemory') ?? memory} KiB`],
    ['Persistent', domain.persistent ? 'yes' : 'no'],
    ['Autostart', kindAt(world, host, autostartPath(domain.name)) === null ? 'disable' : 'enable'],
    ['Managed save', domain.managedSave ? 'yes' : 'no'],
    ['Security model', 'none'],
    ['Security DOI', 0],
  ];
  return says(`${lines.map(([key, value]) => `${`${key}:`.padEnd(15)} ${value}\n`).join('')}\n`);
}

function destroy(world: World, host: string, domain: DomainRow, typed: string): CommandAnswer {
  if (domain.id === null) return notValid(`Failed to destroy domain '${typed}'`, 'domain is not running');
  stopDomain(world, host, domain.uuid);
  return says(`Domain '${typed}' destroyed\n\n`);
}

function notValid(what: string, why: string): CommandAnswer {
  return fails(1, `error: ${what}\nerror: Requested operation is not valid: ${why}`, '\n');
}

/**
 * In the order of virsh 9.0 `cmdUndefine` and of `qemu/qemu_driver.c:qemuDomainUndefineFlags`. What stands before the thing that is
 * refused is gone by then. Snapshots and saved state stand only in the way of a domain that is not active.
 */
function undefine(
  world: World,
  host: string,
  domain: DomainRow,
  typed: string,
  flags: readonly string[],
): CommandAnswer {
  const failed = (why: string) => notValid(`Failed to undefine domain '${typed}'`, why);
  const saved = 'Refusing to undefine while domain managed save image exists';
  const has = (flag: string) => flags.includes(flag);
  if (!domain.persistent) return failed('cannot undefine transient domain');
  if (domain.id === null && domain.snapshots > 0) {
    if (!has('--snapshots-metadata'))
      return failed(`cannot delete inactive domain with ${domain.snapshots} snapshots`);
    dropSnapshots(world, host, domain);
  }
  if (domain.id === null && domain.managedSave) {
    // Without snapshots virsh itself refuses, before it asks libvirt.
    if (!has('--managed-save'))
      return domain.snapshots > 0 ? failed(saved) : fails(1, `error: ${saved}`, '\n');
    dropSavedState(world, host, domain);
  }
  if (domain.nvram && !has('--nvram')) return failed('cannot undefine domain with nvram');
  undefineDomain(world, host, domain.uuid);
  return says(`Domain '${typed}' has been undefined\n\n`);
}
