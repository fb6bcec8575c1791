/** What a host has of a volume, and who else uses it. */
import type { DmMap, ScsiDisk } from './block.ts';
import type { Session } from './iscsi.ts';

/** A disk of the volume: one way to it. */
export interface VolumeDisk extends ScsiDisk {
  readonly bytes: number;
  /** the kernel takes requests for it: one that is offline cannot be flushed */
  readonly running: boolean;
  /** udev's link that says portal, target and LUN, or port and LUN; null: there is none */
  readonly link: string | null;
}

/** A map above the disks, with how many maps of partitions it has above it, which go with it. */
export interface VolumeMap extends DmMap {
  readonly partitions: readonly DmMap[];
}

/** Somebody who uses what would be removed, and is not this server. */
export type User =
  | { readonly type: 'server'; readonly server: string; readonly described: string }
  | { readonly type: 'domain'; readonly name: string; readonly disk: string }
  | { readonly type: 'mount'; readonly device: string; readonly target: string }
  /** a map, a RAID, a volume group: what has it as a part */
  | { readonly type: 'holder'; readonly device: string; readonly name: string; readonly what: string }
  | { readonly type: 'program'; readonly device: string; readonly pid: number; readonly name: string };

interface OnHost {
  readonly host: string;
  readonly volumeId: string;
  /** Nova or Cinder lists it as this server's still, and on this host */
  readonly live: boolean;
  readonly users: readonly User[];
  /** another server of this host has the same volume (multi-attach): what is there is its own as well */
  readonly sharedWith: readonly string[];
}

/** Disks that the SCSI layer has of one volume. */
export interface DiskFacts extends OnHost {
  readonly type: 'disks';
  readonly transport: 'iscsi' | 'fibre_channel';
  /** the host has other disks too that a record of the volume leads to, and those come first */
  readonly further: boolean;
  readonly disks: readonly VolumeDisk[];
  readonly multipath: VolumeMap | null;
  readonly crypt: DmMap | null;
  /** why what is there is not what Nova wrote down; empty: it is, as far as anybody can say */
  readonly doubts: readonly string[];
  /** open files of multipathd, which watches each path of a map: `find`'s own lines */
  readonly watched: readonly string[];
}

/** An iSCSI session that a connection of the server goes through. */
export interface SessionFacts extends Session {
  readonly host: string;
  /** the kernel's path of it: `/sys/devices/platform/host2/session1` */
  readonly folder: string;
  /** the initiator has a record of the target, from which it would log in again */
  readonly recorded: boolean;
  /** numbers of the other sessions that came by the same record: one for each interface, or `node.session.nr_sessions` of them */
  readonly alike: readonly number[];
  /** SCSI devices of the session by number, `2:0:0:1`, with the disk's name; null: one that is no disk */
  readonly devices: readonly { readonly id: string; readonly lun: number; readonly disk: string | null }[];
  /** servers of this host whose connections go through the same target */
  readonly claimedBy: readonly string[];
}

/** A record of a target that only this server's volumes go through, without a session. */
export interface RecordFacts {
  readonly host: string;
  readonly portal: string;
  readonly iqn: string;
}

export interface NvmeFacts extends OnHost {
  readonly type: 'nvme';
  readonly nqn: string;
  /** `nvme-subsys1` */
  readonly subsystem: string;
  /** names of its block devices: `nvme1n1` */
  readonly namespaces: readonly string[];
  /** names of the kernel's hidden devices, one for each path to one of them: `nvme1c1n1` */
  readonly hidden: readonly string[];
  /** what all of them lie below in sysfs: the subsystem and its controllers */
  readonly folders: readonly string[];
}

export interface RbdFacts extends OnHost {
  readonly type: 'rbd';
  /** `/dev/rbd0` */
  readonly device: string;
  readonly image: string;
}

export interface MountFacts extends OnHost {
  readonly type: 'mount';
  readonly export: string;
  /** as findmnt has it: what is mounted, and where */
  readonly source: string;
  readonly target: string;
}

/** A connection that expunge has no commands for. */
export interface ByHand {
  readonly place: string;
  readonly volumeId: string;
  readonly driver: string;
  readonly live: boolean;
}

export interface ConnectionFacts {
  readonly volumes: readonly (DiskFacts | NvmeFacts | RbdFacts | MountFacts)[];
  readonly sessions: readonly SessionFacts[];
  readonly records: readonly RecordFacts[];
  readonly byHand: readonly ByHand[];
}
