/** What Cinder answers about one volume and who holds it, in Zed's words. */
import { subject } from './subjects.ts';

export const SERVER = subject().uuid;
export const VOLUME = 'bbbbbbbb-0000-4000-8000-000000000001';
export const ATTACHMENT = 'cccccccc-0000-4000-8000-000000000001';
export const STRANGER = 'dddddddd-0000-4000-8000-000000000001';
export const HIDDEN = 'hidden-word';

/** Over iSCSI, with a CHAP password. */
export const CONNECTION = {
  driver_volume_type: 'iscsi',
  target_portal: '10.0.0.1:3260',
  target_iqn: 'iqn.2010-10.org.openstack:volume-1',
  target_lun: 0,
  auth_method: 'CHAP',
  auth_username: 'u',
  auth_password: HIDDEN,
};

export interface Holding {
  readonly id?: string;
  /** null: a host has it, for no server */
  readonly server?: string | null;
  readonly status?: string;
  /** what Cinder keeps of the connection; null for one that was never connected, or the old way */
  readonly connection?: object | null;
}

export interface VolumeWorld {
  /** null: Cinder does not have the volume */
  readonly volume?: Readonly<Record<string, unknown>> | null;
  readonly holdings?: readonly Holding[];
  readonly snapshots?: readonly { readonly id: string; readonly volume_id?: string }[];
  readonly services?: readonly Readonly<Record<string, unknown>>[];
}

type Answers = Record<string, { status?: number; body?: unknown }>;

/** The attachments of the server. */
export const LIST = `volume /attachments/detail?all_tenants=1&instance_id=${SERVER}`;
/** Those of the volume, whoever's they are. */
export const OF_VOLUME = `volume /attachments?all_tenants=1&volume_id=${VOLUME}`;
export const SNAPSHOTS = `volume /snapshots?all_tenants=1&volume_id=${VOLUME}`;
export const SERVICES = 'volume /os-services?binary=cinder-volume';

/** Everything that `find` asks about one volume, from what Cinder would know. */
export function cinderAnswers(world: VolumeWorld = {}): Answers {
  const { volume = {}, snapshots = [], services = [{ host: 'controller@lvm', state: 'up' }] } = world;
  const holdings = (world.holdings ?? [{}]).map((one) => ({
    id: ATTACHMENT,
    server: SERVER,
    status: 'attached',
    connection: CONNECTION,
    ...one,
  }));
  const summary = ({ id, server, status }: (typeof holdings)[number]) => ({
    id,
    status,
    instance: server,
    volume_id: VOLUME,
  });
  const shown = {
    id: VOLUME,
    name: 'data',
    size: 20,
    status: 'in-use',
    multiattach: false,
    encrypted: false,
    migration_status: null,
    consistencygroup_id: null,
    group_id: null,
    'os-vol-host-attr:host': 'controller@lvm#pool',
    attachments: holdings
      .filter(({ status }) => status === 'attached')
      .map(({ id, server }) => ({
        id: VOLUME,
        attachment_id: id,
        volume_id: VOLUME,
        server_id: server,
        host_name: 'compute1',
        device: '/dev/vdb',
        attached_at: '2026-11-01T10:00:05.000000',
      })),
    ...volume,
  };
  const own = holdings.filter(({ server }) => server === SERVER);
  return {
    [LIST]: {
      body: {
        attachments: own.map((one) => ({
          ...summary(one),
          attach_mode: 'rw',
          connection_info: one.connection,
        })),
      },
    },
    [`volume /attachments/${ATTACHMENT}`]: { status: 404 },
    [`volume /volumes/${VOLUME}`]: volume === null ? { status: 404 } : { body: { volume: shown } },
    [OF_VOLUME]: {
      body: { attachments: holdings.map(summary) },
    },
    [SNAPSHOTS]: {
      body: { snapshots: snapshots.map((one) => ({ name: null, volume_id: VOLUME, ...one })) },
    },
    [SERVICES]: {
      body: { services: services.map((one) => ({ binary: 'cinder-volume', cluster: null, ...one })) },
    },
  };
}

/** The same from a Cinder without attachments: it has no such list, and only what a volume says of itself. */
export function answersBeforeOcata(world: VolumeWorld = {}): Answers {
  const { [OF_VOLUME]: _, ...answers } = cinderAnswers(world);
  return { ...answers, [LIST]: { status: 404 } };
}

export const SECOND_VOLUME = VOLUME.replace(/1$/, '5');
export const SECOND_ATTACHMENT = ATTACHMENT.replace(/1$/, '5');

/** Two volumes of one server. */
export function twoVolumes(first: VolumeWorld = {}, second: VolumeWorld = {}): Answers {
  const one = cinderAnswers(first);
  const text = JSON.stringify(cinderAnswers(second));
  const other: Answers = JSON.parse(
    text.replaceAll(VOLUME, SECOND_VOLUME).replaceAll(ATTACHMENT, SECOND_ATTACHMENT),
  );
  const attachments = [one, other].flatMap((answers) => {
    const body = answers[LIST]?.body as { attachments: unknown[] } | undefined;
    return body?.attachments ?? [];
  });
  return { ...other, ...one, [LIST]: { body: { attachments } } };
}
