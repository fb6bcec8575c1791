/**
 * What a host of Nova 26 said that has iSCSI disks: open-iscsi 2.1.8, util-linux 2.38, lvm2 2.03, findutils 4.9, procps 4.0, and the
 * kernel's sysfs. Ids and addresses are made plain.
 */
import type { Connection, IscsiPath } from '../../src/kinds/subject/connection.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import { volumeConnections } from '../../src/kinds/volume-connections/index.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { DraftStep } from '../../src/plan/types.ts';
import { checkHolds } from '../../src/site/check.ts';
import type { CommandAnswer } from '../../src/site/reader.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, subject, volumeMapping } from '../support/subjects.ts';
import { domainXml, LIST, NAME, NEIGHBOUR, SERVER, virshQuestion } from './domain-samples.ts';

export const VOLUME = 'bbbbbbbb-0000-4000-8000-000000000001';
export const OTHER_VOLUME = 'bbbbbbbb-0000-4000-8000-000000000002';
export const OWN_IQN = `iqn.2010-10.org.openstack:volume-${VOLUME}`;
export const SHARED_IQN = 'iqn.2010-10.org.openstack:shared';
export const PORTAL = '10.77.0.1:3260';
export const PORTAL_2 = '10.77.1.1:3260';
const GIB = 1024 ** 3;

export function iscsi(
  paths: readonly IscsiPath[],
  noted: Partial<Pick<Connection, 'devicePath' | 'multipathId' | 'encrypted'>> = {},
): Connection {
  return { type: 'iscsi', paths, devicePath: '/dev/sdb', multipathId: null, encrypted: false, ...noted };
}

/** A disk of a session; its SCSI host has the session's number plus one. */
export interface SampleDisk {
  readonly name: string;
  readonly sid: number;
  readonly lun: number;
  readonly bytes?: number;
  readonly state?: string;
}

export interface SampleMap {
  readonly name: string;
  readonly kernelName: string;
  readonly type: string;
  readonly on: readonly string[];
  readonly uuid?: string;
  readonly open?: number;
  readonly mount?: string;
}

export interface SampleSession {
  readonly sid: number;
  readonly portal: string;
  readonly iqn: string;
}

export interface Scene {
  readonly sessions?: readonly SampleSession[];
  readonly records?: readonly Omit<SampleSession, 'sid'>[];
  readonly disks?: readonly SampleDisk[];
  readonly maps?: readonly SampleMap[];
  /** an lsblk that names a device only on the first that it lies on */
  readonly listedOnce?: boolean;
  /** mount points of disks by name */
  readonly mounts?: Readonly<Record<string, string>>;
  /** `sdb` → pid and name, or that of the server's own machine */
  readonly open?: readonly { readonly device: string; readonly pid: number; readonly args: string }[];
  /** live mappings of other servers of the host */
  readonly claims?: readonly {
    readonly server: string;
    readonly volumeId: string;
    readonly connection: object;
  }[];
  /** the server's own domain runs, on this disk */
  readonly running?: string;
  /** a domain of the neighbour, on this disk */
  readonly neighbourDisk?: string;
  /** udev's links that are not as the disks would have them: path → name; null takes one away */
  readonly links?: Readonly<Record<string, string | null>>;
  /** SCSI devices besides the disks and controllers: path below the session's folder */
  readonly devices?: readonly string[];
  readonly changes?: FakeAnswers['command'];
}

export function sessionFolder(sid: number): string {
  return `/sys/devices/platform/host${sid + 1}/session${sid}`;
}

export function scsiPath({ sid, lun }: Pick<SampleDisk, 'sid' | 'lun'>): string {
  return `${sessionFolder(sid)}/target${sid + 1}:0:0/${sid + 1}:0:0:${lun}`;
}

export function linkOf(portal: string, iqn: string, lun: number): string {
  return `/dev/disk/by-path/ip-${portal}-iscsi-${iqn}-lun-${lun}`;
}

const upFrom = (path: string, folders: string): string => path.replace('/sys/', folders);

/** The question who has these open, with the patterns that `find` is given. */
export function openQuestion(names: readonly string[]): string {
  const tests = names.flatMap((name) => [`*/${name}`, `*/${name}${/\d$/.test(name) ? 'p' : ''}[0-9]*`]);
  const all = tests.map((pattern) => `-lname ${pattern}`).join(' -o ');
  return `find /proc -regextype posix-extended -mindepth 1 -maxdepth 3 ! -regex /proc/[0-9]+(/fd(/[0-9]+)?)? -prune -o -type l ( ${all} ) -printf %h\\t%l\\n`;
}

/** The question what lies on what, by the kernel. */
export const SLAVES =
  'find /sys/devices/virtual/block -mindepth 3 -maxdepth 3 -path */slaves/* -printf %h\\t%f\\n';

/** The question for live mappings of other servers of the host. */
export const CLAIMS = [
  'cell:c1: select b.instance_uuid, b.volume_id, b.connection_info, i.display_name from block_device_mapping as b',
  'inner join instances as i on i.uuid = b.instance_uuid where (i.host = "compute1" or i.uuid in (select m.instance_uuid from migrations as m where m.dest_compute = "compute1" and m.status in ("preparing", "running", "running (post-copy)", "pre-migrating") and m.deleted = 0)) and i.deleted = 0 and b.deleted = 0',
  `and b.destination_type = "volume" and b.instance_uuid != "${SERVER}" order by b.id`,
].join(' ');

function layer(values: Readonly<Record<string, string | number>>): string {
  const of = (key: string): string | number => values[key] ?? '';
  return `${['NAME', 'KNAME', 'PKNAME', 'TYPE', 'SIZE', 'STATE', 'MOUNTPOINT'].map((key) => `${key}="${of(key)}"`).join(' ')}\n`;
}

function domains({ running, neighbourDisk }: Scene): Record<string, string> {
  const own = running === undefined ? '' : `${SERVER} ${NAME}\n`;
  const other = neighbourDisk === undefined ? '' : `${NEIGHBOUR} instance-0000002b\n`;
  return {
    [LIST]: `${own}${other}\n`,
    ...(running === undefined
      ? {}
      : {
          [virshQuestion(`dominfo ${SERVER}`)]:
            `Id:             1\nName:           ${NAME}\nState:          running\nPersistent:     yes\nManaged save:   no\n`,
          [virshQuestion(`dumpxml ${SERVER}`)]: domainXml({ disk: running }),
        }),
    ...(neighbourDisk === undefined
      ? {}
      : {
          [virshQuestion(`dumpxml ${NEIGHBOUR}`)]: domainXml({
            uuid: NEIGHBOUR,
            name: 'instance-0000002b',
            disk: neighbourDisk,
          }),
        }),
  };
}

/** Every answer of the host; what is asked only when there is something is there all the same. */
function answersOf(scene: Scene): NonNullable<FakeAnswers['command']> {
  const { sessions = [], records = sessions, disks = [], maps = [], mounts = {}, open = [] } = scene;
  const none = { exit: 21, err: 'iscsiadm: No active sessions.\n' };
  const folders = sessions.map(
    ({ sid }) => `session${sid}\t${upFrom(`${sessionFolder(sid)}/iscsi_session/session${sid}`, '../../')}\n`,
  );
  const devices = [
    ...sessions.map(({ sid }) => scsiPath({ sid, lun: 0 })),
    ...disks.map(scsiPath),
    ...(scene.devices ?? []),
  ];
  const links = new Map<string, string | null>(
    disks.flatMap((disk): [string, string][] => {
      const session = sessions.find((s) => s.sid === disk.sid);
      return session === undefined ? [] : [[linkOf(session.portal, session.iqn, disk.lun), disk.name]];
    }),
  );
  for (const [link, name] of Object.entries(scene.links ?? {})) links.set(link, name);
  const names = stackNames(scene);
  const openFiles = open.map(({ device, pid }) => `/proc/${pid}/fd\t/dev/${device}\n`).join('');
  const programs = open.map(({ pid, args }) => `${String(pid).padStart(7)} ${args}\n`).join('');
  const pids = [...new Set(open.map(({ pid }) => pid))].sort();
  const at: Record<string, string | Partial<CommandAnswer>> = {
    'find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': [
      'vda\t../devices/pci0000:00/0000:00:04.0/virtio1/block/vda\n',
      ...disks.map((disk) => `${disk.name}\t${upFrom(scsiPath(disk), '../')}/block/${disk.name}\n`),
      ...maps.map((map) => `${map.kernelName}\t../devices/virtual/block/${map.kernelName}\n`),
    ].join(''),
    'iscsiadm -m session':
      sessions.length === 0
        ? none
        : sessions.map((s) => `tcp: [${s.sid}] ${s.portal},1 ${s.iqn} (non-flash)\n`).join(''),
    'iscsiadm -m node':
      records.length === 0
        ? { exit: 21, err: 'iscsiadm: No records found\n' }
        : records.map((r) => `${r.portal},1 ${r.iqn}\n`).join(''),
    'lsblk -a -n -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT': [
      layer({ NAME: 'vda', KNAME: 'vda', TYPE: 'disk', SIZE: 8 * GIB, MOUNTPOINT: '/' }),
      ...disks.map(({ name, bytes = GIB, state = 'running' }) =>
        layer({
          NAME: name,
          KNAME: name,
          TYPE: 'disk',
          SIZE: bytes,
          STATE: state,
          MOUNTPOINT: mounts[name] ?? '',
        }),
      ),
      ...maps.flatMap((map) =>
        (scene.listedOnce ? map.on.slice(0, 1) : map.on).map((on) =>
          layer({
            NAME: map.name,
            KNAME: map.kernelName,
            PKNAME: on,
            TYPE: map.type,
            SIZE: GIB,
            STATE: 'running',
            MOUNTPOINT: map.mount ?? '',
          }),
        ),
      ),
    ].join(''),
    [SLAVES]: maps
      .filter((map) => /^(?:dm-|md)/.test(map.kernelName))
      .flatMap((map) => map.on.map((on) => `/sys/devices/virtual/block/${map.kernelName}/slaves\t${on}\n`))
      .join(''),
    'find /dev/disk/by-path /dev/disk/by-id -mindepth 1 -maxdepth 1 -printf %p\\t%l\\n': [...links]
      .flatMap(([link, name]) => (name === null ? [] : [`${link}\t../../${name}\n`]))
      .join(''),
    'find /sys/class/iscsi_session -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': folders.join(''),
    'find /sys/bus/scsi/devices -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': devices
      .map((path) => `${path.replace(/^.*\//, '')}\t${upFrom(path, '../../../')}\n`)
      .join(''),
    'dmsetup info -c --noheadings -o minor,open,uuid,name': maps
      .filter((map) => map.kernelName.startsWith('dm-'))
      .map((map) => `${map.kernelName.slice(3)}:${map.open ?? 0}:${map.uuid ?? ''}:${map.name}\n`)
      .join(''),
    [openQuestion(names)]: openFiles,
    [`ps -ww -o pid=,comm=,args= -p ${pids.join(',')}`]: programs,
  };
  return {
    ...Object.fromEntries(Object.entries(at).map(([question, answer]) => [`compute1: ${question}`, answer])),
    ...domains(scene),
    ...scene.changes,
  };
}

/** In the order in which they are asked: disks, map, encryption, partitions of the map. */
function stackNames({ disks = [], maps = [] }: Scene): string[] {
  const [disk] = disks;
  const ours: Readonly<Record<string, (map: SampleMap) => boolean>> = {
    mpath: () => true,
    crypt: (map) => map.name.startsWith('crypt-'),
    part: (map) => map.uuid !== undefined,
  };
  const above = Object.entries(ours).flatMap(([type, isOurs]) =>
    maps.filter((map) => map.type === type && isOurs(map)).map((map) => map.kernelName),
  );
  const [mpath] = maps.filter((map) => map.type === 'mpath');
  const first = mpath === undefined ? [disk?.name ?? ''] : mpath.on;
  return [...first, ...above];
}

/** A server on compute1 with these connections, its row live. */
export function withVolumes(
  connections: readonly Connection[],
  changes: Partial<Subject> & { readonly gone?: boolean } = {},
): Subject {
  const { gone = false, ...rest } = changes;
  return subject({
    volumes: connections.map((connection, at) =>
      volumeMapping({
        rowId: at + 7,
        volumeId: at === 0 ? VOLUME : OTHER_VOLUME,
        connection,
        sizeGb: 1,
        deleted: gone,
      }),
    ),
    ...rest,
  });
}

function reader(scene: Scene, answers: Partial<FakeAnswers> = {}) {
  const rows = (scene.claims ?? []).map((claim) => ({
    instance_uuid: claim.server,
    volume_id: claim.volumeId,
    connection_info: JSON.stringify(claim.connection),
    display_name: 'web-2',
  }));
  return fakeReader({ command: answersOf(scene), sql: { [CLAIMS]: rows }, without: ['volume'], ...answers });
}

/** What the kind makes of a scene. */
export async function planOf(
  scene: Scene,
  of: Subject,
  lift: readonly string[] = [],
  answers: Partial<FakeAnswers> = {},
) {
  const { facts, unknown } = await volumeConnections.find(reader(scene, answers), of);
  const plan = volumeConnections.plan(facts, of, decisions({ lift: [...lift] }));
  return { ...plan, unknown, codes: plan.refusals.map((r) => r.code) };
}

/** The acts of steps, as they would be typed. */
export function acts(plan: { readonly steps: readonly DraftStep[] }): string[] {
  return plan.steps.flatMap(({ act }) => {
    if (act.door !== 'command') return [];
    const fed = act.input === undefined ? '' : ` <<<${act.input}`;
    return [...(act.first ?? []).map((one) => one.argv.join(' ')), `${act.argv.join(' ')}${fed}`];
  });
}

/** Which guards of a step do not hold when the host answers so. A question that nobody foresaw is an error. */
export async function broken(step: DraftStep, command: FakeAnswers['command']): Promise<string[]> {
  const look = fakeReader({ command: command ?? {} });
  const held = await Promise.all(
    step.guards.map(async ({ must, check }) => {
      const holds = await checkHolds(look, undefined as never, check).catch((error: unknown) => {
        if (error instanceof LookError) return false;
        throw error;
      });
      return holds ? [] : [must];
    }),
  );
  return held.flat();
}

/** The way to a volume by a target of its own. */
export const OWN = { portal: PORTAL, iqn: OWN_IQN, lun: 1 };
/** The server with that volume, */
export const own = withVolumes([iscsi([OWN])]);
/** and its disk on the host. */
export const scene: Scene = { sessions: [{ sid: 1, ...OWN }], disks: [{ name: 'sdb', sid: 1, lun: 1 }] };
/** The same volume by two portals. */
export const twoPaths: Scene = {
  sessions: [
    { sid: 1, ...OWN },
    { sid: 2, ...OWN, portal: PORTAL_2 },
  ],
  disks: [
    { name: 'sdb', sid: 1, lun: 1 },
    { name: 'sdc', sid: 2, lun: 1 },
  ],
};
