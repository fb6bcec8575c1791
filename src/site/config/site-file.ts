/** `expunge.yaml`: what clouds.yaml does not know. Unknown keys are errors, so that a typo never goes unseen. */
import * as z from '../../plan/zod.ts';
import { CONTAINED } from '../command/containers.ts';
import { PLAIN_NAME } from '../plain-name.ts';
import { serviceUserEntry } from './service-user.ts';
import { text } from './yaml.ts';

const portNumber = z.int().min(1).max(65535);

function isHostPort(said: string): boolean {
  const port = /^\S+:(\d+)$/.exec(said)?.[1];
  return port !== undefined && portNumber.safeParse(Number(port)).success;
}

const absolutePath = z.string().regex(/^\/(?!.*\/\.\.(\/|$))/, 'must be an absolute path without ".."');

/** It becomes a word of a command. */
const plainName = z.string().regex(PLAIN_NAME, 'is not a plain name');

const containers = z
  .strictObject(
    {
      /** written `containers: none`: of this host, where those of `default` are in some */
      none: z.literal(true).optional(),
      engine: z.enum(['docker', 'podman']).optional(),
      /** whose names its containers have; written `containers: kolla` when nothing else is said */
      deployment: z.literal('kolla').optional(),
      /** program → container, beside those of the deployment or in their place; `none`: the host's own is run */
      programs: z.partialRecord(z.enum(CONTAINED), plainName).optional(),
      /** Nova's folder of servers as its containers have it, where the host has it at another path */
      instances_path: absolutePath.optional(),
    },
    {
      error: ({ code }) => (code === 'invalid_type' ? 'is neither kolla nor none, nor has keys' : undefined),
    },
  )
  .refine(({ none, deployment, programs }) => none || deployment !== undefined || programs !== undefined, {
    message: 'does not say which program is in which container: name programs, or a deployment',
  });

const CONTAINERS: Readonly<Record<string, unknown>> = {
  kolla: { deployment: 'kolla' },
  none: { none: true },
};

/** How one compute host is reached, and where Nova keeps its servers' folders there. */
const hostEntry = z.strictObject({
  transport: z.enum(['local', 'ssh']).optional(),
  address: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/, 'is not a host name or address')
    .optional(),
  port: portNumber.optional(),
  user: z
    .string()
    // A directory's names have more in them than useradd's: `ann.lee`, `ann@corp.example`, `CORP+ann`.
    .regex(/^[a-z0-9_][a-z0-9_.@+-]*$/i, 'is not a user name')
    .optional(),
  identity_file: absolutePath.optional(),
  known_hosts_file: absolutePath.optional(),
  sudo: z.boolean().optional(),
  instances_path: absolutePath.optional(),
  /** programs of it that are in containers */
  containers: z
    .preprocess(
      (said) => (typeof said === 'string' && Object.hasOwn(CONTAINERS, said) ? CONTAINERS[said] : said),
      containers,
    )
    .optional(),
  /** something else takes its connections, and takes them when the host is off too */
  proxied: z.boolean().optional(),
  /** nova.conf's `[libvirt] images_type` there, when it is rbd or lvm */
  images: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('rbd'),
        /** `images_rbd_pool` */
        pool: plainName,
        /** `rbd_user` */
        user: plainName.optional(),
        /** `images_rbd_ceph_conf` */
        conf: absolutePath.optional(),
      }),
      z.strictObject({
        type: z.literal('lvm'),
        /** `images_volume_group` */
        volume_group: plainName,
      }),
    ])
    .optional(),
});

export type HostEntry = z.infer<typeof hostEntry>;

const messageBus = z.strictObject({
  /** written `message_bus: none`: there is no way to it from here */
  none: z.literal(true).optional(),
  /** `rabbit://user:password@host:port/vhost`, for a cloud that has one cell besides cell0 */
  url: z.string().optional(),
  /** the same, by name or uuid of the cell */
  cells: z.record(z.string(), z.string()).optional(),
  /** used for every cell instead of those in its URL */
  user: text.optional(),
  password: text.optional(),
  /** of who signed the certificate of the bus */
  ca_file: absolutePath.optional(),
});

export const siteFile = z.strictObject({
  /** folder of an embedded cloud, which then is at the end of every door: `expunge demo` writes such a file */
  simulator: absolutePath.optional(),
  /** entry of clouds.yaml; without it the OS_* variables count */
  cloud: text.optional(),
  clouds_file: absolutePath.optional(),
  /** a nova.conf that this machine can read: database and cell templates, instance_name_template */
  nova_conf: absolutePath.optional(),
  databases: z
    .strictObject({
      /** `mysql://user:password@host:port/nova_api`, SQLAlchemy's form too; without it nova_conf's [api_database] counts */
      nova_api: z.string().optional(),
      /** used for every cell instead of what cell_mappings says */
      cell_user: text.optional(),
      cell_password: text.optional(),
      /** of who signed the certificates of all databases */
      ca_file: absolutePath.optional(),
      /** URLs like nova_api's; only changes of rows where an API cannot do it (`--surgery`) need these two */
      neutron: z.string().optional(),
      cinder: z.string().optional(),
    })
    .optional(),
  /** Nova's message bus; without it what cell_mappings says counts */
  message_bus: z.preprocess((said) => (said === 'none' ? { none: true } : said), messageBus.optional()),
  /** an account whose token Cinder takes for a service's (`X-Service-Token`); without it nova_conf's [service_user] counts */
  service_user: serviceUserEntry.optional(),
  /** servers that nova-consoleauth or the console proxies use; `host:port` */
  memcached: z.array(z.string().refine(isHostPort, 'must be host:port')).optional(),
  /** by the name that Nova knows them; `default` holds for all that are not named */
  hosts: z
    .record(z.string(), hostEntry)
    .refine((hosts) => hosts['default']?.address === undefined, {
      path: ['default', 'address'],
      message: 'one address cannot be that of every host',
    })
    // Another host would be looked for on this machine, found without a trace, and called clean.
    .refine((hosts) => hosts['default']?.transport !== 'local', {
      path: ['default', 'transport'],
      message: 'this machine cannot be every host: say local of the one, by its name',
    })
    .optional(),
  /** seconds without a sign of life after which a service counts as down: nova.conf's service_down_time */
  service_down_time: z.int().min(1).optional(),
  /** where runs are kept; default: `expunge` in the user's state folder */
  runs_dir: absolutePath.optional(),
});

export type SiteFile = z.infer<typeof siteFile>;
