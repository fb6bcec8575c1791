/** What a host has of volumes that are no disks of the SCSI layer, and who else uses it. */
import type { Reader } from '../../site/reader.ts';
import type { Mount } from '../files/mounts.ts';
import type { Connection } from '../subject/connection.ts';
import type { Subject } from '../subject/subject.ts';
import { describeClaim, sameThing } from './claims.ts';
import type { MountFacts, NvmeFacts, RbdFacts, User } from './facts.ts';
import {
  isMountOf,
  type MappedImage,
  type Namespaces,
  namespacesOf,
  type Subsystem,
} from './other-transports.ts';
import type { Overview } from './overview.ts';
import { readOpen, readPrograms, whoUses } from './programs.ts';
import { serverUser } from './scsi.ts';
import { type OpenDevice, type Surroundings, usersAround } from './surroundings.ts';
import type { WantedVolume } from './wanted.ts';

/** A subsystem, an image or a mount that one of the connections leads to, with the block devices of it. */
export type Other = {
  readonly wanted: WantedVolume;
  readonly connection: Connection;
  readonly names: readonly string[];
} & (
  | { readonly type: 'nvme'; readonly subsystem: Subsystem; readonly block: Namespaces }
  | { readonly type: 'rbd'; readonly image: MappedImage }
  | { readonly type: 'mount'; readonly mount: Mount; readonly export: string }
);

export function matchOthers(wanted: readonly WantedVolume[], overview: Overview): Other[] {
  const found = wanted.flatMap((one) =>
    one.connections.flatMap((connection): Other[] => {
      const common = { wanted: one, connection };
      if (connection.type === 'nvmeof')
        return overview.subsystems
          .filter((s) => s.nqn === connection.nqn)
          .map((subsystem) => {
            const block = namespacesOf(subsystem, overview.block);
            return { ...common, type: 'nvme', subsystem, block, names: block.names };
          });
      if (connection.type === 'rbd')
        return overview.images
          .filter((i) => i.pool === connection.pool && i.image === connection.image)
          .map((image) => ({ ...common, type: 'rbd', image, names: [image.device.slice('/dev/'.length)] }));
      if (connection.type === 'nfs')
        return overview.mounts
          .filter((mount) => isMountOf(mount, connection))
          .map((mount) => ({ ...common, type: 'mount', mount, export: connection.export, names: [] }));
      return [];
    }),
  );
  // Two volumes of one export or subsystem are one mount, one connection.
  return [...new Map(found.reverse().map((one) => [keyOf(one), one] as const)).values()].reverse();
}

function keyOf(one: Other): string {
  if (one.type === 'nvme') return one.subsystem.name;
  return one.type === 'rbd' ? one.image.device : one.mount.target;
}

export async function describeOther(
  look: Reader,
  host: string,
  subject: Subject,
  one: Other,
  around: Surroundings,
  open: readonly OpenDevice[],
): Promise<NvmeFacts | RbdFacts | MountFacts> {
  const { wanted, connection } = one;
  const claims = around.claims.filter((claim) => sameThing(claim.connection, connection));
  const same = around.claims.filter((claim) => claim.volumeId === wanted.volumeId);
  const programs = open
    .filter((o) => one.names.includes(o.device))
    .map(({ device, pid, program }): User => ({ type: 'program', device, pid, name: program ?? '?' }));
  const common = {
    host,
    volumeId: wanted.volumeId,
    live: wanted.current.includes(connection),
    users: [...claims.map(serverUser), ...usersAround(around, one.names), ...programs],
    sharedWith: same.map(describeClaim),
  };
  if (one.type === 'nvme')
    return {
      ...common,
      type: 'nvme',
      nqn: one.subsystem.nqn,
      subsystem: one.subsystem.name,
      namespaces: one.names,
      hidden: one.block.hidden,
      folders: one.block.folders,
    };
  if (one.type === 'rbd')
    return {
      ...common,
      type: 'rbd',
      device: one.image.device,
      image: `${one.image.pool}/${one.image.image}`,
    };
  const below = `${one.mount.target}/`;
  const domains = around.domains.flatMap(({ name, disks }): User[] =>
    disks.filter((disk) => disk.startsWith(below)).map((disk) => ({ type: 'domain', name, disk })),
  );
  const inUse = await programsBelow(look, host, one.mount.target, around, subject.uuid);
  return {
    ...common,
    type: 'mount',
    users: [...common.users, ...domains, ...inUse],
    export: one.export,
    source: one.mount.source,
    target: one.mount.target,
  };
}

async function programsBelow(
  look: Reader,
  host: string,
  folder: string,
  { own }: Surroundings,
  uuid: string,
): Promise<User[]> {
  const open = await readOpen(look, host, whoUses(folder));
  const programs = await readPrograms(look, host, [...new Set(open.map((file) => file.pid))].sort());
  return programs
    .filter((program) => !(own?.active && program.server === uuid))
    .map((program) => ({ type: 'program', device: folder, pid: program.pid, name: program.name }));
}
