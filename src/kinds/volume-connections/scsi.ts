/** Disks that the SCSI layer of a host has of a volume: which they are, whether they are it, and what lies on them. */
import type { Connection } from '../subject/connection.ts';
import type { DmMap, Layer, ScsiDisk } from './block.ts';
import { type Claim, describeClaim, fibreTargets, sameThing } from './claims.ts';
import type { DiskFacts, User, VolumeDisk, VolumeMap } from './facts.ts';
import { leadsTo, type Session } from './iscsi.ts';
import { deviceOf, layersAbove, type OpenDevice, type Surroundings, usersAround } from './surroundings.ts';
import type { WantedVolume } from './wanted.ts';

export type ScsiConnection = Extract<Connection, { type: 'iscsi' | 'fibre_channel' }>;

/** What was found of one volume by one connection. */
export interface Matched {
  readonly wanted: WantedVolume;
  readonly connection: ScsiConnection;
  readonly disks: readonly ScsiDisk[];
  /** beside the one that was chosen of the volume: left by an earlier attachment, or before the storage moved it */
  readonly further: boolean;
}

const GIB = 1024 ** 3;

/**
 * The disks of a connection: those of a session to one of its targets, with the LUN that belongs to it (os-brick 6.1
 * `connectors/iscsi.py:_get_connection_devices`), or those with udev's link of port and LUN (`connectors/fibre_channel.py`).
 */
export function disksOf(
  connection: ScsiConnection,
  disks: readonly ScsiDisk[],
  sessions: readonly Session[],
  links: ReadonlyMap<string, string>,
): ScsiDisk[] {
  if (connection.type === 'fibre_channel') {
    const names = fibreLinks(connection, links).map(([, name]) => name);
    return disks.filter((disk) => names.includes(disk.name));
  }
  return disks.filter((disk) =>
    connection.paths.some(
      (path) =>
        path.lun === disk.lun &&
        sessions.some((session) => session.sid === disk.session && leadsTo(session, path)),
    ),
  );
}

/** `pci-0000:05:00.0-fc-0x5006016d09200925-lun-2`, whatever the bus. */
function fibreLinks(
  connection: Extract<ScsiConnection, { type: 'fibre_channel' }>,
  links: ReadonlyMap<string, string>,
): (readonly [string, string])[] {
  const endings = fibreTargets(connection).map((target) => {
    const [port = '', lun = ''] = target.split(' ');
    return `-fc-0x${port}-lun-${lunInLink(Number(lun))}`;
  });
  return [...links].filter(([link]) => endings.some((ending) => link.toLowerCase().endsWith(ending)));
}

/** udev writes LUNs above 255 as the eight bytes that SCSI sends (os-brick 6.1 `linuxscsi.py:_format_lun_id`). */
function lunInLink(lun: number): string {
  if (lun < 256) return String(lun);
  const word = (value: number): string => (value & 0xffff).toString(16).padStart(4, '0');
  return `0x${word(lun)}${word(lun >>> 16)}00000000`;
}

/** The links that a connection's own words make, and where each leads. Brackets of IPv6 are left out in them. */
function expectedLinks(
  connection: ScsiConnection,
  links: ReadonlyMap<string, string>,
): (readonly [string, string])[] {
  if (connection.type === 'fibre_channel') return fibreLinks(connection, links);
  const endings = connection.paths.map(({ portal, iqn, lun }) => {
    const address = portal.replace(/[[\]]/g, '');
    return `ip-${address}-iscsi-${iqn}-lun-${lunInLink(lun)}`;
  });
  return [...links].filter(
    ([link]) =>
      link.startsWith('/dev/disk/by-path/') &&
      endings.some((ending) => /[/-]$/.test(link.slice(0, -ending.length)) && link.endsWith(ending)),
  );
}

/**
 * Of several connections that have disks here, the one that the server's own domain uses; else Cinder's, else the newest of
 * Nova's.
 */
export function choose(matches: readonly Matched[], around: Surroundings): Matched | undefined {
  const used = (around.own?.disks ?? []).flatMap((disk) => deviceOf(disk, around) ?? []);
  const usedHere = matches.find(({ disks }) => {
    const names = disks.map((disk) => disk.name);
    const all = [...names, ...layersAbove(around.layers, names).map((layer) => layer.kernelName)];
    return all.some((name) => used.includes(name));
  });
  return usedHere ?? matches[0];
}

/** Names of devices that would be removed with these disks. */
export interface Stack {
  readonly disks: readonly ScsiDisk[];
  readonly multipath: VolumeMap | null;
  readonly crypt: DmMap | null;
  /** kernel's names of all of them, partitions of the map too */
  readonly names: readonly string[];
}

/**
 * Map and encryption above the disks. A map's further disks are the volume's as well: it has them because they answer with the
 * same WWID (a connection that names one portal only, and others that were discovered with it).
 */
export function stackOf(found: readonly ScsiDisk[], all: readonly ScsiDisk[], around: Surroundings): Stack {
  const on = (names: readonly string[], type: string): Layer | undefined =>
    around.layers.find((layer) => layer.type === type && names.includes(layer.on));
  const mapOf = (layer: Layer | undefined): DmMap | undefined =>
    around.maps.find((map) => map.kernelName === layer?.kernelName);
  const first = found.map((disk) => disk.name);
  const map = mapOf(on(first, 'mpath'));
  const slaves = around.layers.filter((l) => l.kernelName === map?.kernelName).map((l) => l.on);
  const disks = all.filter((disk) => first.includes(disk.name) || slaves.includes(disk.name));
  const names = disks.map((disk) => disk.name);
  const partitions =
    map === undefined
      ? []
      : around.maps.filter(
          ({ uuid }) => /^part\d+-/.test(uuid) && uuid.replace(/^part\d+-/, '') === map.uuid,
        );
  const crypt = mapOf(on([...names, ...(map === undefined ? [] : [map.kernelName])], 'crypt'));
  const isOurs = crypt?.name.startsWith('crypt-') && crypt.uuid.startsWith('CRYPT-');
  const maps = [map, isOurs ? crypt : undefined, ...partitions].flatMap((m) => m?.kernelName ?? []);
  return {
    disks,
    multipath: map === undefined ? null : { ...map, partitions },
    crypt: isOurs ? (crypt ?? null) : null,
    names: [...names, ...maps],
  };
}

/** All that is to be said of a volume's disks on a host. */
export function describeDisks(
  host: string,
  { wanted, connection, disks: found, further }: Matched,
  stack: Stack,
  around: Surroundings,
  sessions: readonly Session[],
  open: readonly OpenDevice[],
): DiskFacts {
  const expected = expectedLinks(connection, around.links);
  const disks = stack.disks.map((disk): VolumeDisk => {
    const layer = around.layers.find((l) => l.kernelName === disk.name);
    return {
      ...disk,
      bytes: layer?.bytes ?? 0,
      running: layer?.state === 'running' || layer?.state === '',
      link: expected.find(([, name]) => name === disk.name)?.[0] ?? null,
    };
  });
  const names = [...found, ...disks].map((disk) => disk.name);
  const elsewhere = expected.filter(
    ([, name]) => !names.includes(name) && !isEncryption(name, stack, around),
  );
  const claims = around.claims.filter((claim) => claimsDisks(claim, connection, disks, sessions));
  const used = usersAround(around, stack.names);
  const mine = open.filter((o) => stack.names.includes(o.device));
  return {
    type: 'disks',
    host,
    volumeId: wanted.volumeId,
    live: wanted.current.includes(connection) && !further,
    further,
    transport: connection.type,
    disks,
    multipath: stack.multipath,
    crypt: stack.crypt,
    doubts: doubtsOf(wanted, connection, disks, stack, elsewhere, around),
    users: [
      ...claims.filter((c) => c.volumeId !== wanted.volumeId).map(serverUser),
      ...used,
      ...mine
        .filter((o) => o.program !== 'multipathd')
        .map(({ device, pid, program }): User => ({ type: 'program', device, pid, name: program ?? '?' })),
    ],
    sharedWith: around.claims.filter((c) => c.volumeId === wanted.volumeId).map(describeClaim),
    watched: mine.filter((o) => o.program === 'multipathd').map((o) => o.line),
  };
}

export function serverUser(claim: Claim): User {
  return { type: 'server', server: claim.server, described: describeClaim(claim) };
}

/** By the connection's own paths, and by the target and LUN of each disk that is there. */
function claimsDisks(
  claim: Claim,
  connection: ScsiConnection,
  disks: readonly ScsiDisk[],
  sessions: readonly Session[],
): boolean {
  if (sameThing(claim.connection, connection)) return true;
  if (claim.connection.type !== 'iscsi') return false;
  return claim.connection.paths.some((path) =>
    disks.some(
      (disk) => disk.lun === path.lun && sessions.some((s) => s.sid === disk.session && s.iqn === path.iqn),
    ),
  );
}

/**
 * os-brick makes the link lead to the encryption (6.1 `encryptors/luks.py:attach_volume`), and leaves it so when it closes that: it
 * then leads to nothing, and says nothing of another disk.
 */
function isEncryption(name: string, { crypt }: Stack, { maps }: Surroundings): boolean {
  return name === crypt?.name || (name.startsWith('crypt-') && !maps.some((map) => map.name === name));
}

/** LUN numbers are given again: what stands under ours may be another volume by now. */
function doubtsOf(
  wanted: WantedVolume,
  connection: ScsiConnection,
  disks: readonly VolumeDisk[],
  { multipath }: Stack,
  elsewhere: readonly (readonly [string, string])[],
  { links }: Surroundings,
): string[] {
  const { sizeGb } = wanted;
  const odd =
    sizeGb === null
      ? []
      : disks.filter(({ bytes }) => bytes > 0 && (bytes < sizeGb * GIB || bytes >= (sizeGb + 1) * GIB));
  const noted = connection.multipathId;
  const other =
    noted === null || multipath !== null ? [] : disks.flatMap((disk) => otherId(disk, noted, links));
  return [
    ...elsewhere.map(([link, name]) => `${link} leads to ${name}`),
    ...odd.map(({ name, bytes }) => `${name} has ${bytes} bytes, the volume ${sizeGb} GiB`),
    ...(noted !== null && multipath !== null && multipath.uuid !== `mpath-${noted}`
      ? [`the WWID of ${multipath.name} is ${multipath.uuid.replace(/^mpath-/, '')}, not ${noted}`]
      : []),
    ...other,
  ];
}

/**
 * Nova notes the WWID of a disk that came by multipath. udev has it in a link of the disk, also where the map is gone already; where it
 * gave the link to another path of the volume, nothing is said.
 */
function otherId({ name }: VolumeDisk, noted: string, links: ReadonlyMap<string, string>): string[] {
  const ids = [...links].flatMap(([link, leadsTo]) =>
    leadsTo === name ? (/^\/dev\/disk\/by-id\/scsi-(3[0-9a-f]+)$/.exec(link)?.[1] ?? []) : [],
  );
  return noted.startsWith('3') && ids.length > 0 && !ids.includes(noted)
    ? [`the WWID of ${name} is ${ids.join(', ')}, not ${noted}`]
    : [];
}
