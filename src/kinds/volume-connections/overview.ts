/** What the first exchange with a host tells: enough to see that it has nothing of the server, as most have. */
import { LookError } from '../../plan/errors.ts';
import type { Reader } from '../../site/reader.ts';
import type { Mount } from '../files/mounts.ts';
import type { Connection } from '../subject/connection.ts';
import { findLinks } from './ask.ts';
import { readBlock, readLinks, type ScsiDisk, scsiDisks } from './block.ts';
import { type Initiator, readInitiator } from './iscsi.ts';
import {
  type MappedImage,
  readMappedImages,
  readMounts,
  readSubsystems,
  type Subsystem,
} from './other-transports.ts';

const NO_INITIATOR: Initiator = { sessions: [], records: [] };

export interface Overview {
  /** every block device: name → the kernel's path */
  readonly block: ReadonlyMap<string, string>;
  readonly disks: readonly ScsiDisk[];
  readonly initiator: Initiator;
  readonly links: ReadonlyMap<string, string>;
  readonly subsystems: readonly Subsystem[];
  readonly images: readonly MappedImage[];
  readonly mounts: readonly Mount[];
}

/** Asks for what the types of connections can leave, and for no more. @throws LookError */
export async function readOverview(
  look: Reader,
  host: string,
  types: ReadonlySet<Connection['type']>,
): Promise<Overview> {
  const [block, initiator, links, mounts, subsystems] = await Promise.all([
    readBlock(look, host),
    types.has('iscsi') ? initiatorOf(look, host) : NO_INITIATOR,
    types.has('fibre_channel') ? readLinks(look, host) : new Map<string, string>(),
    types.has('nfs') ? readMounts(look, host) : [],
    types.has('nvmeof') ? findLinks(look, host, ['/sys/class/nvme-subsystem']) : [],
  ]);
  const disks = scsiDisks(block);
  if (initiator instanceof LookError && disks.some((disk) => disk.session !== null)) throw initiator;
  const hasImages = types.has('rbd') && [...block.keys()].some((name) => /^rbd\d+$/.test(name));
  return {
    block,
    disks,
    initiator: initiator instanceof LookError ? NO_INITIATOR : initiator,
    links,
    mounts,
    subsystems: subsystems.length === 0 ? [] : await readSubsystems(look, host),
    images: hasImages ? await readMappedImages(look, host) : [],
  };
}

/**
 * A host without the program has no iSCSI, unless its kernel says otherwise: that is looked at next. Where others are in containers it may be in one
 * that the site file does not name, and records there are seen from nowhere else.
 */
async function initiatorOf(look: Reader, host: string): Promise<Initiator | LookError> {
  try {
    return await readInitiator(look, host);
  } catch (error) {
    const isMissing = error instanceof LookError && error.code === 'program-missing';
    if (isMissing && (look.host(host)?.containers ?? null) === null) return error;
    throw error;
  }
}
