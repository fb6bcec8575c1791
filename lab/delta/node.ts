import { join } from 'node:path';
import { quoteArgv } from '../../src/site/command/quote.ts';
import { nodeName } from '../node/paths.ts';
import { readPower, runOnNode } from '../node/power.ts';
import { listExports } from '../node/target.ts';
import type { Lab } from '../paths.ts';
import {
  domainIds,
  domainStates,
  hostFolders,
  linkListing,
  listFiles,
  ovsListing,
  parseDomains,
  parseIscsi,
  parseLinks,
  parseOvs,
  type Things,
  toThings,
} from './host.ts';

/** The second machine, as far as a server leaves traces on it. */
export interface NodeView {
  readonly domains: Things;
  readonly files: Things;
  readonly links: Things;
  readonly ovs: Things;
  readonly iscsi: Things;
  /** links of udev to the disks that came by iSCSI; what the kernel calls them says nothing */
  readonly disks: Things;
  /** maps of the device mapper */
  readonly maps: Things;
  /** what the storage beside it exports, and to the files of which volumes */
  readonly exports: Things;
  readonly volumeFiles: Things;
  readonly libvirtFiles: Things;
}

export const nodeSections: readonly (keyof NodeView)[] = [
  'domains',
  'files',
  'links',
  'ovs',
  'iscsi',
  'disks',
  'maps',
  'exports',
  'volumeFiles',
  'libvirtFiles',
];

const mark = '@@ ';

/** Nothing while the machine does not run, or does not answer. */
export async function readNode(lab: Lab): Promise<NodeView | undefined> {
  if (readPower(lab) !== 'on') return undefined;
  const questions: Readonly<Record<string, readonly string[]>> = {
    domainIds,
    domainStates,
    files: ['find', lab.instances, '-mindepth', '1', '-printf', '%P\\t%y %m %U:%G\\n'],
    links: linkListing,
    ovs: ovsListing,
    sessions: ['iscsiadm', '-m', 'session'],
    nodes: ['iscsiadm', '-m', 'node'],
    disks: ['find', '/dev/disk/by-path', '-name', '*iscsi*', '-printf', '%f\\n'],
    maps: ['dmsetup', 'ls'],
    libvirtFiles: ['find', '/etc/libvirt/qemu', '/var/lib/libvirt/qemu/save', '-type', 'f'],
  };
  const script = Object.entries(questions)
    .map(([name, argv]) => `echo '${mark}${name}'; ${quoteArgv(argv)} 2>/dev/null`)
    .join('; ');
  const exports = await listExports(lab);
  const answer = await runOnNode(lab, ['sh', '-c', `${script}; true`], { allow: 'any', timeoutMs: 60_000 });
  if (answer.code !== 0) throw new Error(`${nodeName} cannot be looked at: ${answer.stderr.trim()}`);
  const said = new Map(
    answer.stdout.split(new RegExp(`^${mark}`, 'm')).map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1)] as const;
    }),
  );
  const text = (name: string): string => said.get(name) ?? '';
  const lines = (name: string): readonly string[] =>
    text(name)
      .split('\n')
      .filter((line) => line !== '');
  return {
    domains: parseDomains(text('domainIds'), text('domainStates')),
    files: Object.fromEntries(
      lines('files')
        .map((line) => line.split('\t'))
        .filter(([name = '']) => !hostFolders.has(name.split('/')[0] ?? ''))
        .map(([name = '', facts = '']) => [name, facts]),
    ),
    links: parseLinks(text('links')),
    ovs: parseOvs(text('ovs')),
    iscsi: parseIscsi(text('sessions'), text('nodes')),
    disks: toThings(lines('disks')),
    maps: toThings(
      lines('maps')
        .filter((line) => line.includes('\t'))
        .map((line) => line.split('\t')[0] ?? ''),
    ),
    exports: toThings(exports),
    volumeFiles: listFiles(join(lab.dir, 'storage')),
    libvirtFiles: toThings(lines('libvirtFiles')),
  };
}
