/**
 * What was recorded of a real cloud (`npm run record`), with identities, times and places replaced by placeholders, so that it
 * can be set up again any number of times under other names.
 *
 * Placeholders stand inside texts, in cells and on hosts alike; a text that is one placeholder of kind `id` becomes a number:
 *
 *     {{server}} {{name}} {{domain}}   the server's uuid, its name, `instance-0000002a`
 *     {{uuid:1}} {{hex:1}}             a uuid, or 32 hex digits, that came with this thing; the same number is the same value
 *     {{short:1}} {{chain:1}}          the first 11 (device names) or 10 (the agent's chains) characters of {{uuid:1}}
 *     {{mac:1}} {{MAC:1}} {{ip:1}}     a hardware address, the same in capitals, an address of the network
 *     {{id:nova.instances:1}}          a number that `nova.instances` counts up
 *     {{time:-60}} {{isotime:-60}}     seconds relative to now, as `2026-11-01 10:00:00` and as `2026-11-01T10:00:00Z`
 *     {{epoch:-60}}                    the same in seconds since 1970
 *     {{host}} {{instances}}           the compute host's name, its instances folder
 *     {{host.uuid:1}} {{host.id:…:1}}  what came with the host (its resource provider, its compute node), not with the server
 *     {{mac:host.1}}                   a hardware address of the host's own; a server counts its own from {{mac:1}}
 *
 * What else must differ from server to server is made of these: a reservation is `r-{{hex:3}}`, a hash `{{hex:1}}{{hex:2}}`.
 */

export type RecordedValue = string | number | null | { readonly base64: string };
export type RecordedRow = Readonly<Record<string, RecordedValue>>;

/** `database.table` to its rows, in an order in which foreign keys are satisfied */
export type RecordedRows = Readonly<Record<string, readonly RecordedRow[]>>;

export interface RecordedDomain {
  readonly uuid: string;
  readonly name: string;
  /** virsh's word: `running`, `shut off` */
  readonly state: string;
  readonly persistent: boolean;
  readonly managedSave: boolean;
  /** `virsh dumpxml`, without --security-info */
  readonly xml: string;
}

export interface RecordedLink {
  readonly name: string;
  /** `info_kind` of `ip -d -j link show`: bridge, veth, tun, openvswitch, …; null for a plain device */
  readonly kind: string | null;
  /** the other end of a veth pair */
  readonly peer: string | null;
  /** the bridge or `ovs-system` that it is a member of */
  readonly master: string | null;
  readonly mac: string | null;
  readonly mtu: number;
  /** `BROADCAST,MULTICAST,UP,LOWER_UP` */
  readonly flags: string;
}

export interface RecordedSwitchPort {
  readonly name: string;
  readonly bridge: string;
  readonly tag: number | null;
  readonly externalIds: Readonly<Record<string, string>>;
}

export interface RecordedFile {
  /** absolute; below `{{instances}}` where it is there */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** octal digits */
  readonly mode: string;
  readonly owner: string;
  /** where a link leads */
  readonly target: string | null;
}

export interface RecordedHost {
  readonly domains: readonly RecordedDomain[];
  readonly links: readonly RecordedLink[];
  readonly switchPorts: readonly RecordedSwitchPort[];
  /** on the compute host: instances folder, libvirt's own folders */
  readonly files: readonly RecordedFile[];
  /** Glance's store */
  readonly imageFiles: readonly RecordedFile[];
  /** `iptables filter -A neutron-openvswi-i… …`, as `lab/delta/host.ts` writes the keys */
  readonly firewall: readonly string[];
  readonly namespaces: readonly string[];
}

/** Everything that came with one thing: the cloud itself, a compute host, a server in some state. */
export interface Recording {
  /** `cloud`, `host`, `healthy`, or the scenario's name */
  readonly name: string;
  readonly title: string;
  /** release of the services: `zed` */
  readonly release: string;
  readonly rows: RecordedRows;
  readonly host: RecordedHost;
  /** how the scenario left the host's nova-compute */
  readonly compute: 'alive' | 'frozen' | 'dead';
  /** requests that wait in the queue of the host's nova-compute */
  readonly waiting: readonly { readonly method: string }[];
  /** the port that the user made beforehand, as `{{uuid:1}}` */
  readonly prePort: string | null;
}

/**
 * A volume that was attached to a running server: what came with it. Its own placeholders:
 *
 *     {{volume}} {{volume.name}} {{attachment}}   the volume's uuid and name, the attachment's uuid
 *     {{type}} {{service}} {{backend}}            uuids of its volume type and of Cinder's service, `host@backend#pool`
 *     {{project}} {{user}}                        whose it is
 *     {{mountpoint}} {{target}} {{place}}         `/dev/vdb`, `vdb`, and a number for it in the domain, from 1
 *     {{device}}                                  what the domain was given: `/dev/sda`
 *     {{iqn}} {{lun}} {{portal:1}} {{address:1}}  its unit on the storage; `10.0.3.1:3260`, `10.0.3.1`
 *     {{chap.user}} {{chap.password}}             the target's account
 *     {{initiator}} {{nqn}} {{host.address}}      what the compute host calls itself towards the storage
 */
export interface RecordedVolume {
  readonly name: string;
  readonly title: string;
  readonly release: string;
  readonly rows: RecordedRows;
  /** the `<disk>` element of the domain's XML, with its indentation */
  readonly disk: string;
}
