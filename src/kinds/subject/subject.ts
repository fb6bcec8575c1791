/** The subject of a run: one server, and every trace of it that tells where to look. */
import type { Connection } from './connection.ts';
import type { Connector } from './connector.ts';
import type { Traces } from './traces.ts';

/** A row of `instances`, live or soft-deleted; `archived` when it was found in `shadow_instances`. */
export interface InstanceRow {
  readonly id: number;
  readonly uuid: string;
  readonly displayName: string | null;
  readonly projectId: string | null;
  readonly userId: string | null;
  readonly vmState: string | null;
  readonly taskState: string | null;
  readonly powerState: number | null;
  readonly host: string | null;
  readonly locked: boolean;
  readonly disableTerminate: boolean;
  readonly hidden: boolean;
  readonly cleaned: boolean;
  /** the row's own `deleted`: 0 while it lives */
  readonly deleted: number;
  /** UTC, `YYYY-MM-DD HH:MM:SS` */
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly deletedAt: string | null;
  readonly terminatedAt: string | null;
  readonly launchedAt: string | null;
  readonly archived: boolean;
}

/** Where the row lives. */
export interface Cell {
  readonly uuid: string;
  readonly name: string;
  /** name of the database for the sql door: `cell:<uuid>` */
  readonly database: string;
  readonly isCell0: boolean;
}

/** Who plugs a port where its VIF type does not tell: os-vif's plugins `contrail_vrouter` and `vhostuser_fp`, or `noop`. */
export type OtherSwitch = 'vrouter' | 'fast-path' | 'none';

/** One entry of `instance_info_caches.network_info`. */
export interface Vif {
  readonly portId: string;
  readonly type: string | null;
  /** `tap…`, as Nova recorded it */
  readonly devname: string | null;
  readonly bridge: string | null;
  readonly hybrid: boolean;
  readonly vnicType: string;
  /** the port's address, small letters; not there: not recorded */
  readonly mac?: string;
  /** its VIF type is one of Open vSwitch's, and yet Open vSwitch has nothing of it on the host; `none`: nobody plugs it there */
  readonly otherSwitch?: OtherSwitch;
  /** PCI address of the virtual function that was made trusted for it */
  readonly trusted?: string;
  /** its tap is made before qemu starts, and does not go with it */
  readonly ownTap?: true;
  /** the user made this port before the server: Nova unbinds it instead of deleting it. null: this release did not say */
  readonly preserveOnDelete: boolean | null;
}

export interface Migration {
  readonly id: number;
  readonly uuid: string | null;
  readonly status: string | null;
  readonly sourceCompute: string | null;
  readonly destCompute: string | null;
  readonly deleted: boolean;
}

/** A block device mapping that is a Cinder volume. */
export interface VolumeMapping {
  /** the row's id in `block_device_mapping` */
  readonly rowId: number;
  readonly volumeId: string;
  /** 0: the server boots from it */
  readonly bootIndex: number | null;
  /** how the host reaches it, as Nova wrote it down; null: it wrote nothing, or nothing that can be read */
  readonly connection: Connection | null;
  /** what the host called itself when the volume was attached the old way (Mitaka and later); null: not noted */
  readonly connector: Connector | null;
  /** GiB, as Nova noted it when the volume was attached or extended */
  readonly sizeGb: number | null;
  readonly attachmentId: string | null;
  readonly deleteOnTermination: boolean;
  readonly deleted: boolean;
  /** UTC */
  readonly deletedAt: string | null;
  /** the row is not in `block_device_mapping`: it is archived, or only an earlier run knows it */
  readonly rowGone?: true;
}

/** The reason of a host that is only looked at because all of them are. */
export const EVERY_HOST = 'every compute host';
/** The reason of a host that a plan of an earlier run named. */
export const EARLIER_RUN = 'an earlier run looked there';

/** A host that may still hold something of this server. */
export interface Host {
  readonly name: string;
  /** how this host came to be named: `instances.host`, `migration 3`, `port binding`, … */
  readonly because: readonly string[];
  /** null: the site file does not say how to reach it */
  readonly instancesPath: string | null;
  readonly service: ComputeService | null;
  /** the operator says that it is powered off. `answers`: what was heard from it all the same; null: nothing */
  readonly fenced?: { readonly answers: string | null };
}

/** Something of the server leads there: no look at all hosts that only passed by. */
export function isLedTo({ because }: Pick<Host, 'because'>): boolean {
  return because.some((why) => why !== EVERY_HOST);
}

export interface ComputeService {
  /** null: this Nova keeps signs of life elsewhere than in its database, and nobody has forced it down */
  readonly up: boolean | null;
  /** UTC, of the last sign of life; null: there was none, or it is kept elsewhere */
  readonly lastSeen: string | null;
}

/** Not to know whether a service is up is not the same as down. Of a host without one nothing is up. */
export function mayBeUp(service: ComputeService | null | undefined): boolean {
  return service != null && service.up !== false;
}

export interface Subject {
  readonly uuid: string;
  /** the name the user gave it: text from the cloud, never trusted */
  readonly name: string | null;
  readonly projectId: string | null;
  readonly row: InstanceRow | null;
  readonly cell: Cell | null;
  readonly mapping: {
    readonly cellUuid: string | null;
    readonly queuedForDelete: boolean | null;
    /** it names no cell: nobody has looked for a host yet. Not the same as a cell that is not there any more */
    readonly unscheduled?: boolean;
  } | null;
  readonly buildRequest: { readonly id: number } | null;
  /** `instance-0000002a`; null when there is no row to make it from */
  readonly domainName: string | null;
  readonly systemMetadata: ReadonlyMap<string, string>;
  readonly vifs: readonly Vif[];
  /** ids of the ports that Neutron has for it, and of those that it had when an earlier run looked */
  readonly portIds?: readonly string[];
  readonly migrations: readonly Migration[];
  readonly volumes: readonly VolumeMapping[];
  /** ids of the volumes that an earlier run was to delete */
  readonly doomed?: readonly string[];
  readonly hosts: readonly Host[];
  /** some nova-conductor is alive: a server that has no row yet may still get one; null: not to be told, as of a `ComputeService` */
  readonly conductorUp: boolean | null;
  /** places that should have told where else to look, and could not be asked */
  readonly unknown: readonly { readonly place: string; readonly why: string }[];
  /** the release of the cell's schema, as far as it shows */
  readonly era: Era | null;
  /** UTC now by the cell database's clock */
  readonly now: string;
}

/** Nova's major version, 12 (Liberty) and up by series; a range, because a schema shows only when something came. */
export interface Era {
  readonly atLeast: number;
  readonly below: number;
}

/** What of the site bears on finding a server. */
export interface SubjectOptions {
  readonly cells: readonly Cell[];
  /** nova.conf's `instance_name_template` */
  readonly nameTemplate: string;
  /** seconds; null: signs of life are not in Nova's database */
  readonly serviceDownTime: number | null;
  /** look on every compute host of the cloud, not only where a trace leads */
  readonly allHosts: boolean;
  /** what earlier runs wrote down of the server */
  readonly known?: Traces;
  /** ids of the volumes that they were to delete */
  readonly doomed?: readonly string[];
}
