import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { run } from '../command.ts';
import type { Lab } from '../paths.ts';
import { readRbd } from './rbd.ts';

/** What a thing is called, to what there is to say about it. */
export type Things = Readonly<Record<string, string>>;

export interface Switching {
  readonly links: Things;
  readonly ovs: Things;
  readonly firewall: Things;
}

export interface HostView extends Switching {
  readonly domains: Things;
  readonly domainXml: Things;
  readonly files: Things;
  /** What Glance keeps of its images. */
  readonly imageFiles: Things;
  readonly libvirtFiles: Things;
  readonly namespaces: Things;
  readonly iscsi: Things;
  /** Images in Ceph, with their snapshots. */
  readonly rbd: Things;
}

/** Folders below instances_path that belong to the host and not to a server. */
export const hostFolders: ReadonlySet<string> = new Set(['_base', 'locks', 'compute_nodes']);

/** libvirt's own traces of a domain: definitions, saved memory, firmware variables, snapshots. */
export const libvirtFolders = [
  '/etc/libvirt/qemu',
  ...['save', 'nvram', 'snapshot', 'checkpoint'].map((name) => `/var/lib/libvirt/qemu/${name}`),
];

export async function readHost(lab: Lab): Promise<HostView> {
  const [switching, domains, iscsi, rbd] = await Promise.all([
    readSwitching(),
    readDomains(),
    readIscsi(),
    readRbd(lab),
  ]);
  return {
    ...switching,
    ...domains,
    iscsi,
    rbd,
    files: listFiles(lab.instances, hostFolders),
    imageFiles: listFiles(join(lab.dir, 'images')),
    libvirtFiles: Object.assign({}, ...libvirtFolders.map((folder) => listFiles(folder))) as Things,
    namespaces: existsSync('/run/netns') ? toThings(readdirSync('/run/netns')) : {},
  };
}

/** The part of the host that the network agent works on, cheap enough to be asked again and again. */
export async function readSwitching(): Promise<Switching> {
  const [links, ovs, firewall] = await Promise.all([readLinks(), readOvs(), readFirewall()]);
  return { links, ovs, firewall };
}

const link = z.object({
  ifname: z.string(),
  link: z.string().optional(),
  master: z.string().optional(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
});

export const linkListing = ['ip', '-j', '-d', 'link', 'show'];

async function readLinks(): Promise<Things> {
  return parseLinks((await run(linkListing)).stdout);
}

export function parseLinks(stdout: string): Things {
  const links = z.array(link).parse(JSON.parse(stdout));
  return Object.fromEntries(
    links.map((each) => [
      each.ifname,
      `${each.linkinfo?.info_kind ?? 'device'} peer=${each.link ?? '-'} master=${each.master ?? '-'}`,
    ]),
  );
}

export const ovsListing = [
  ...['ovs-vsctl', '--timeout=10', '--format=json'],
  ...['--columns=name,external_ids', 'list', 'Interface'],
  ...['--', '--columns=name,tag', 'list', 'Port'],
];

async function readOvs(): Promise<Things> {
  return parseOvs((await run(ovsListing)).stdout);
}

export function parseOvs(stdout: string): Things {
  const table = z.object({ data: z.array(z.tuple([z.string(), z.unknown()])) });
  const [interfaces, portRecords] = stdout
    .trim()
    .split('\n')
    .map((line) => table.parse(JSON.parse(line)).data);
  const tags = new Map(portRecords);
  return Object.fromEntries(
    (interfaces ?? []).map(([name, ids]) => [
      name,
      `tag=${JSON.stringify(tags.get(name))} external_ids=${JSON.stringify(ids)}`,
    ]),
  );
}

async function readFirewall(): Promise<Things> {
  const families = await Promise.all(
    ['iptables', 'ip6tables'].map(
      async (family) => [family, (await run([`${family}-save`])).stdout] as const,
    ),
  );
  const found: Record<string, string> = {};
  for (const [family, text] of families) {
    let table = '';
    for (const line of text.split('\n')) {
      if (line.startsWith('*')) table = line.slice(1);
      if (!line.startsWith(':') && !line.startsWith('-A')) continue;
      // A chain's policy line also counts packets.
      let key = `${family} ${table} ${line.replace(/ \[\d+:\d+\]$/, '')}`;
      while (key in found) key += ' (again)';
      found[key] = '';
    }
  }
  return found;
}

async function readDomains(): Promise<{ domains: Things; domainXml: Things }> {
  const [ids, states] = await Promise.all([run(domainIds), run(domainStates)]);
  const domains = parseDomains(ids.stdout, states.stdout);
  const uuids = Object.keys(domains);
  if (uuids.length === 0) return { domains, domainXml: {} };
  const dump = await run(['virsh', '-q', uuids.map((id) => `dumpxml ${id}`).join('; ')], { allow: [1] });
  const texts = dump.stdout.split(/(?<=<\/domain>)\n/).filter((text) => text.includes('<uuid>'));
  return {
    domains,
    domainXml: Object.fromEntries(
      texts.map((text) => [/<uuid>(.*)<\/uuid>/.exec(text)?.[1] ?? '?', text.trim()]),
    ),
  };
}

export const domainIds = ['virsh', '-q', 'list', '--all', '--uuid', '--name'];
export const domainStates = ['virsh', '-q', 'list', '--all'];

export function parseDomains(ids: string, states: string): Things {
  const pairs = ids
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length === 2);
  const stateOf = (name: string): string =>
    states
      .split('\n')
      .map((line) => line.trim().split(/\s{2,}/))
      .find((words) => words[1] === name)?.[2] ?? '?';
  return Object.fromEntries(pairs.map(([id = '', name = '']) => [id, `${name} ${stateOf(name)}`]));
}

async function readIscsi(): Promise<Things> {
  // 21: nothing there, which is the usual answer here.
  const [sessions, nodes] = await Promise.all([
    run(['iscsiadm', '-m', 'session'], { allow: 'any' }),
    run(['iscsiadm', '-m', 'node'], { allow: 'any' }),
  ]);
  return parseIscsi(sessions.stdout, nodes.stdout);
}

/** Sessions are numbered in the order in which they came, which says nothing. */
export function parseIscsi(sessions: string, nodes: string): Things {
  const lines = (text: string, kind: string): readonly string[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `${kind} ${line.replace(/ \[\d+\] /, ' ')}`);
  return toThings([...lines(sessions, 'session'), ...lines(nodes, 'node')]);
}

/** Every file and folder below a folder, with its kind, mode and owner. */
export function listFiles(folder: string, except: ReadonlySet<string> = new Set()): Things {
  if (!existsSync(folder)) return {};
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const shown = relative(folder, path);
    if (except.has(shown.split('/')[0] ?? '')) continue;
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (facts === undefined) continue;
    const kind = entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'file';
    found[except.size > 0 ? shown : path] =
      `${kind} ${(facts.mode & 0o7777).toString(8)} ${facts.uid}:${facts.gid}`;
  }
  return found;
}

export function toThings(names: readonly string[]): Things {
  return Object.fromEntries(names.map((name) => [name, '']));
}
