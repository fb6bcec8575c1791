/** What has to be known of a host before anything is said of one of its disks: what lies above it, and who uses it. */
import type { Reader } from '../../site/reader.ts';
import { type OtherDomain, readDomains, readOtherDomains } from '../domain/virsh.ts';
import type { Subject } from '../subject/subject.ts';
import { type DmMap, type Layer, readLayers, readLinks, readMaps } from './block.ts';
import { type Claim, readClaims } from './claims.ts';
import type { User } from './facts.ts';
import { readOpen, readPrograms, whoHasOpen } from './programs.ts';

export interface Surroundings {
  readonly layers: readonly Layer[];
  /** empty where no device lies on another by the device mapper */
  readonly maps: readonly DmMap[];
  /** udev's links: path → kernel's name */
  readonly links: ReadonlyMap<string, string>;
  readonly claims: readonly Claim[];
  readonly domains: readonly OtherDomain[];
  readonly own: { readonly active: boolean; readonly disks: readonly string[] } | null;
}

/** @throws LookError when one of it cannot be read: who uses a disk is then not known */
export async function readSurroundings(look: Reader, host: string, subject: Subject): Promise<Surroundings> {
  const [layers, links, claims, domains, { own }] = await Promise.all([
    readLayers(look, host),
    readLinks(look, host),
    readClaims(look, host, subject),
    readOtherDomains(look, host, subject),
    readDomains(look, host, subject),
  ]);
  const mapped = layers.some((layer) => layer.kernelName.startsWith('dm-'));
  return { layers, maps: mapped ? await readMaps(look, host) : [], links, claims, domains, own };
}

/** Everything that lies on these devices, from the nearest to the farthest. */
export function layersAbove(layers: readonly Layer[], names: readonly string[]): Layer[] {
  const found = new Map<string, Layer>();
  let below = [...names];
  while (below.length > 0) {
    const next = layers.filter((layer) => below.includes(layer.on) && !found.has(layer.kernelName));
    for (const layer of next) found.set(layer.kernelName, layer);
    below = next.map((layer) => layer.kernelName);
  }
  return [...found.values()];
}

/** The kernel's name of what a path of a domain's XML leads to; null when no device of this host is known by it. */
export function deviceOf(path: string, { layers, links }: Surroundings): string | null {
  const linked = links.get(path);
  if (linked !== undefined) return named(linked, layers) ?? linked;
  const mapper = /^\/dev\/mapper\/(.+)$/.exec(path)?.[1];
  if (mapper !== undefined) return named(mapper, layers);
  return /^\/dev\/([^/]+)$/.exec(path)?.[1] ?? null;
}

/**
 * The kernel's name of a device by the name that it has itself: os-brick makes a link in `/dev/disk` lead to `/dev/mapper/crypt-…`
 * (6.1 `encryptors/luks.py:attach_volume`).
 */
function named(name: string, layers: readonly Layer[]): string | null {
  return layers.find((layer) => layer.name === name)?.kernelName ?? null;
}

/**
 * Who uses these devices besides the server's own domain: other domains, mounts, and what has them as a part.
 *
 * @param names all that would be removed: disks, their map, what is encrypted above
 */
export function usersAround(around: Surroundings, names: readonly string[]): User[] {
  const above = layersAbove(around.layers, names);
  const known = new Set(names);
  const inUse = around.layers.filter((l) => known.has(l.kernelName));
  // A map is there once for each disk below it.
  const all = new Map([...inUse, ...above].map((layer) => [layer.kernelName, layer]));
  const mounted = [...all.values()].filter((layer) => layer.mount !== '');
  const holders = above.filter((layer) => !known.has(layer.kernelName) && !isPartition(layer));
  const disks = new Set([...known, ...above.map((layer) => layer.kernelName)]);
  return [
    ...around.domains.flatMap(({ name, disks: used }): User[] =>
      used.flatMap((disk) =>
        disks.has(deviceOf(disk, around) ?? '') ? [{ type: 'domain' as const, name, disk }] : [],
      ),
    ),
    ...mounted.map((l): User => ({ type: 'mount', device: l.kernelName, target: l.mount })),
    ...holders.map((l): User => ({ type: 'holder', device: l.on, name: l.name, what: l.type })),
  ];
}

/** What the kernel found on the disk by itself, and removes with it. Partitions of a map are maps: `dm-1`. */
function isPartition({ type, kernelName }: Layer): boolean {
  return type === 'part' && !kernelName.startsWith('dm-');
}

export interface OpenDevice {
  readonly device: string;
  readonly line: string;
  readonly pid: number;
  /** the kernel's name of the program; null: it has ended meanwhile */
  readonly program: string | null;
}

/**
 * Programs that have one of these devices open, but for the server's own machine, which is stopped first.
 *
 * @throws LookError when not every process shows what it has open
 */
export async function readOpenDevices(
  look: Reader,
  host: string,
  names: readonly string[],
  { own }: Surroundings,
  uuid: string,
): Promise<readonly OpenDevice[]> {
  if (names.length === 0) return [];
  const open = await readOpen(look, host, whoHasOpen(names));
  const programs = await readPrograms(look, host, [...new Set(open.map((file) => file.pid))].sort());
  return open.flatMap(({ line, pid, path }): OpenDevice[] => {
    const program = programs.find((p) => p.pid === pid);
    if (own?.active && program?.server === uuid) return [];
    const base = path.replace(/ \(deleted\)$/, '').replace(/^.*\//, '');
    const device = names.find((name) => base === name || isPartOf(base, name)) ?? base;
    return [{ device, line, pid, program: program?.name ?? null }];
  });
}

function isPartOf(base: string, name: string): boolean {
  return (
    base.startsWith(name) &&
    /^p?\d+$/.test(base.slice(name.length)) &&
    (/\d$/.test(name) ? base[name.length] === 'p' : true)
  );
}
