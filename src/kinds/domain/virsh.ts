/** virsh on a compute host: the questions that the kinds of remains on hosts share, so that each is asked once. */
import { LookError } from '../../plan/errors.ts';
import type { Check } from '../../plan/types.ts';
import { perhapsInContainer } from '../../site/command/containers.ts';
import { lineNotUnderstood, linesOf, whyFailed } from '../../site/command/lines.ts';
import type { CommandAnswer, Reader } from '../../site/reader.ts';
import type { Subject } from '../subject/subject.ts';
import { isUuid } from './host.ts';
import { type DomainXml, parseDomainXml } from './xml.ts';

/** One domain of a host, with the server's uuid. */
export interface Domain extends DomainXml {
  readonly name: string;
  /** qemu is there: running, paused, crashed but preserved, suspended… */
  readonly active: boolean;
  /** libvirt's word: `running`, `shut off`, … */
  readonly state: string;
  /** false: it has no definition of its own and vanishes when it stops */
  readonly persistent: boolean;
  readonly managedSave: boolean;
}

export interface HostDomains {
  /** null: no domain with the server's uuid is defined or active here */
  readonly own: Domain | null;
  /** another domain that bears the name Nova gave this server */
  readonly namesake: { readonly uuid: string; readonly usesOurs: boolean } | null;
}

/** argv of virsh on the system's own libvirt, whoever runs it. */
export function virsh(...words: readonly string[]): string[] {
  return ['virsh', '-c', 'qemu:///system', ...words];
}

/** Holds when no active domain with this uuid is on the host; a libvirt that does not answer is "could not look". */
export function domainNotActive(host: string, uuid: string): Check {
  return { door: 'command', host, argv: virsh('list', '--uuid'), exit: [0], out: { lacksLine: uuid } };
}

async function ask(look: Reader, host: string, argv: readonly string[]): Promise<CommandAnswer> {
  const answer = await look.command.run(host, argv);
  if (answer.exit === 127)
    throw new LookError(`host ${host}`, 'virsh is not there', {
      code: 'virsh-missing',
      hint: perhapsInContainer(host),
    });
  return answer;
}

async function askFor(look: Reader, host: string, argv: readonly string[]): Promise<string> {
  const answer = await ask(look, host, argv);
  if (answer.exit === 0) return answer.out;
  throw noAnswer(host, answer);
}

function noAnswer(host: string, answer: CommandAnswer): LookError {
  return new LookError(`host ${host}`, `libvirt does not answer: ${whyFailed('virsh', answer)}`, {
    code: 'libvirt-unreachable',
  });
}

function notUnderstood(host: string, line: string): LookError {
  return lineNotUnderstood(host, 'the list of domains', line);
}

interface Listing {
  readonly uuids: ReadonlySet<string>;
  /** name → uuid; null where an old virsh does not tell them together */
  readonly names: ReadonlyMap<string, string | null>;
}

function lines(out: string): string[] {
  return linesOf(out).map((line) => line.trim());
}

async function listDomains(look: Reader, host: string): Promise<Listing> {
  const together = virsh('list', '--all', '--uuid', '--name');
  const { exit, err } = await ask(look, host, together);
  // virsh of older systems lists either uuids or names.
  if (exit !== 0 && /mutually exclusive|Only one argument/i.test(err)) {
    const [uuids, names] = await Promise.all([
      askFor(look, host, virsh('list', '--all', '--uuid')),
      askFor(look, host, virsh('list', '--all', '--name')),
    ]);
    const odd = lines(uuids).find((line) => !isUuid(line));
    if (odd !== undefined) throw notUnderstood(host, odd);
    return { uuids: new Set(lines(uuids)), names: new Map(lines(names).map((name) => [name, null])) };
  }
  const pairs = lines(await askFor(look, host, together)).map((line): [string, string] => {
    const [, uuid = '', name = ''] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
    if (!isUuid(uuid)) throw notUnderstood(host, line);
    return [name, uuid];
  });
  return { uuids: new Set(pairs.map(([, uuid]) => uuid)), names: new Map(pairs) };
}

/** `Key:   value` of `virsh dominfo` */
function info(out: string, key: string): string {
  return new RegExp(`^${key}:[ \\t]*(.*)$`, 'm').exec(out)?.[1]?.trim() ?? '';
}

async function readDomain(look: Reader, host: string, uuid: string): Promise<Domain> {
  const [dominfo, text] = await Promise.all([
    askFor(look, host, virsh('dominfo', uuid)),
    askFor(look, host, virsh('dumpxml', uuid)),
  ]);
  const xml = parseDomainXml(text);
  const name = info(dominfo, 'Name');
  if (xml.uuid !== uuid || xml.name !== name || name === '')
    throw new LookError(`host ${host}`, `what libvirt says of domain ${uuid} does not agree with itself`, {
      code: 'answer-not-understood',
    });
  return {
    ...xml,
    name,
    active: /^\d+$/.test(info(dominfo, 'Id')),
    state: info(dominfo, 'State'),
    persistent: info(dominfo, 'Persistent') !== 'no',
    managedSave: info(dominfo, 'Managed save') === 'yes',
  };
}

/** Whether another domain's XML names something of this server: its folder, its smbios uuid, a port or a tap of it. */
function usesOurs(xml: string, subject: Subject): boolean {
  const ours = [subject.uuid, ...subject.vifs.flatMap((v) => [v.portId, `tap${v.portId.slice(0, 11)}`])];
  return ours.some((text) => xml.includes(text));
}

async function readNamesake(
  look: Reader,
  host: string,
  subject: Subject,
  listed: Listing,
): Promise<HostDomains['namesake']> {
  const name = subject.domainName;
  if (name === null || !listed.names.has(name)) return null;
  const uuid = listed.names.get(name) ?? (await askFor(look, host, virsh('domuuid', name))).trim();
  if (uuid === subject.uuid) return null;
  if (!isUuid(uuid)) throw notUnderstood(host, uuid);
  return { uuid, usesOurs: usesOurs(await askFor(look, host, virsh('dumpxml', uuid)), subject) };
}

/**
 * What libvirt has of this server on a host. Found by uuid, as Nova does since 17 (`virt/libvirt/host.py:_get_domain`); up to
 * Ocata Nova looked by name, and names repeat across cells and rebuilt databases.
 *
 * @throws LookError when libvirt does not answer: a virsh that cannot connect has not said that there is no domain
 */
export async function readDomains(look: Reader, host: string, subject: Subject): Promise<HostDomains> {
  const listed = await listDomains(look, host);
  const [own, namesake] = await Promise.all([
    listed.uuids.has(subject.uuid) ? readDomain(look, host, subject.uuid) : null,
    readNamesake(look, host, subject, listed),
  ]);
  return { own, namesake };
}

/** A domain of another server, or of somebody else. */
export interface OtherDomain {
  readonly name: string;
  readonly disks: readonly string[];
}

/**
 * Every domain of a host but the server's own, and what its disks are backed by. One that is gone when it is asked for has no disks
 * any more.
 *
 * @throws LookError when libvirt does not answer
 */
export async function readOtherDomains(
  look: Reader,
  host: string,
  subject: Subject,
): Promise<readonly OtherDomain[]> {
  const { names, uuids } = await listDomains(look, host);
  // An old virsh does not tell names and uuids together: then every domain is asked by its name.
  const others = [...names].filter(([, uuid]) => uuid !== subject.uuid);
  const found = await Promise.all(
    others.map(async ([name, uuid]): Promise<OtherDomain | null> => {
      const answer = await ask(look, host, virsh('dumpxml', uuid ?? name));
      const { exit, out, err } = answer;
      if (exit !== 0 && /failed to get domain|Domain not found/i.test(err)) return null;
      if (exit !== 0) throw noAnswer(host, answer);
      const xml = parseDomainXml(out);
      return xml.uuid === subject.uuid && uuids.has(subject.uuid) ? null : { name, disks: xml.disks };
    }),
  );
  return found.filter((other) => other !== null);
}

/**
 * The server's own domain on a host, for a kind that can do without: null when there is none, undefined when libvirt did not tell. The
 * kind `domain` asks the same question, and reports that.
 */
export async function readOwnDomain(
  look: Reader,
  host: string,
  subject: Subject,
): Promise<Domain | null | undefined> {
  try {
    return (await readDomains(look, host, subject)).own;
  } catch (error) {
    if (error instanceof LookError) return undefined;
    throw error;
  }
}
