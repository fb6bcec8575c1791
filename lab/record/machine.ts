import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type {
  RecordedDomain,
  RecordedFile,
  RecordedHost,
  RecordedLink,
  RecordedSwitchPort,
} from '../../src/simulator/recorded/types.ts';
import { run } from '../command.ts';
import { readSwitching } from '../delta/host.ts';
import type { Lab } from '../paths.ts';

/** libvirt's own traces of a domain, the folders with them. */
const libvirtFolders = [
  '/etc/libvirt/qemu',
  ...['save', 'nvram', 'snapshot', 'checkpoint'].map((name) => `/var/lib/libvirt/qemu/${name}`),
];

/** Everything on the lab's host that a recording may hold, under its real names. */
export async function readMachine(lab: Lab): Promise<RecordedHost> {
  const [domains, links, switchPorts, { firewall }] = await Promise.all([
    readDomains(),
    readLinks(),
    readSwitchPorts(),
    readSwitching(),
  ]);
  return {
    domains,
    links,
    switchPorts,
    files: [lab.instances, ...libvirtFolders].flatMap(listFiles),
    imageFiles: listFiles(join(lab.dir, 'images')),
    firewall: Object.keys(firewall),
    namespaces: existsSync('/run/netns') ? readdirSync('/run/netns').sort() : [],
  };
}

async function readDomains(): Promise<readonly RecordedDomain[]> {
  const list = async (...options: readonly string[]): Promise<readonly string[]> =>
    (await run(['virsh', '-q', 'list', '--uuid', ...options])).stdout
      .split('\n')
      .filter((line) => line !== '');
  const [uuids, persistent, saved] = await Promise.all([
    list('--all'),
    list('--all', '--persistent'),
    list('--all', '--with-managed-save'),
  ]);
  const ask = async (command: string, uuid: string): Promise<string> =>
    (await run(['virsh', '-q', command, uuid])).stdout.trim();
  return Promise.all(
    uuids.map(async (uuid) => ({
      uuid,
      name: await ask('domname', uuid),
      state: await ask('domstate', uuid),
      persistent: persistent.includes(uuid),
      managedSave: saved.includes(uuid),
      xml: await ask('dumpxml', uuid),
    })),
  );
}

const link = z.object({
  ifname: z.string(),
  link: z.string().optional(),
  master: z.string().optional(),
  address: z.string().optional(),
  mtu: z.number(),
  flags: z.array(z.string()),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
});

async function readLinks(): Promise<readonly RecordedLink[]> {
  const { stdout } = await run(['ip', '-j', '-d', 'link', 'show']);
  return z
    .array(link)
    .parse(JSON.parse(stdout))
    .map((each) => ({
      name: each.ifname,
      kind: each.linkinfo?.info_kind ?? null,
      peer: each.link ?? null,
      master: each.master ?? null,
      mac: each.address ?? null,
      mtu: each.mtu,
      flags: each.flags.join(','),
    }));
}

const table = z.object({ data: z.array(z.array(z.unknown())) });
const idOf = z.tuple([z.literal('uuid'), z.string()]).transform(([, id]) => id);
const idsOf = z.union([
  idOf.transform((id) => [id]),
  z.tuple([z.literal('set'), z.array(idOf)]).transform(([, ids]) => ids),
]);
const tagOf = z.union([z.number(), z.tuple([z.literal('set'), z.tuple([])]).transform(() => null)]);
const mapOf = z
  .tuple([z.literal('map'), z.array(z.tuple([z.string(), z.string()]))])
  .transform(([, pairs]) => Object.fromEntries(pairs));

/** One port per interface: bonds are not looked for. */
async function readSwitchPorts(): Promise<readonly RecordedSwitchPort[]> {
  const list = async (record: string, columns: string): Promise<readonly (readonly unknown[])[]> => {
    const ask = ['ovs-vsctl', '--timeout=10', '--format=json', `--columns=${columns}`, 'list', record];
    return table.parse(JSON.parse((await run(ask)).stdout)).data;
  };
  const [bridges, ports, interfaces] = await Promise.all([
    list('Bridge', 'name,ports'),
    list('Port', '_uuid,name,tag'),
    list('Interface', 'name,external_ids'),
  ]);
  const bridgeOf = new Map(
    bridges.flatMap(([name, members]) => idsOf.parse(members).map((id) => [id, z.string().parse(name)])),
  );
  const externalIds = new Map(interfaces.map(([name, ids]) => [z.string().parse(name), mapOf.parse(ids)]));
  return ports
    .map(([id, rawName, tag]) => {
      const name = z.string().parse(rawName);
      const bridge = bridgeOf.get(idOf.parse(id));
      if (bridge === undefined) throw new Error(`the switch port ${name} is on no bridge`);
      return { name, bridge, tag: tagOf.parse(tag), externalIds: externalIds.get(name) ?? {} };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A folder and all below it, sorted by path. Nothing for a folder that is not there. */
function listFiles(folder: string): readonly RecordedFile[] {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { recursive: true, withFileTypes: true });
  return [folder, ...below.map((entry) => join(entry.parentPath, entry.name))]
    .sort()
    .map(describeFile)
    .filter((file) => file !== undefined);
}

function describeFile(path: string): RecordedFile | undefined {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return undefined;
  const isLink = facts.isSymbolicLink();
  return {
    path,
    kind: facts.isDirectory() ? 'folder' : isLink ? 'link' : 'file',
    mode: (facts.mode & 0o7777).toString(8),
    owner: `${facts.uid}:${facts.gid}`,
    target: isLink ? readlinkSync(path) : null,
  };
}
