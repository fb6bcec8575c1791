/**
 * How a compute host reaches a volume: the `connection_info` of Nova's block_device_mapping, or of Cinder's volume_attachment.
 *
 * What is parsed holds no secret: CHAP passwords, keyrings and the like are not taken over.
 */

import { parseJson } from '../../plan/parse-json.ts';
import * as z from '../../plan/zod.ts';

/** One way to a LUN. Its number is the kernel's: see `lunOnHost`. */
export interface IscsiPath {
  /** `10.0.0.1:3260`, `[fd00::1]:3260` */
  readonly portal: string;
  readonly iqn: string;
  readonly lun: number;
}

interface Common {
  /** where the host has it, as Nova noted when it was connected: `/dev/sdb`, `/dev/dm-3`; null: not noted */
  readonly devicePath: string | null;
  /** WWID of the multipath map, as Nova noted it */
  readonly multipathId: string | null;
  /** a dm-crypt mapping lies between the device and the domain */
  readonly encrypted: boolean;
}

export type Connection =
  | (Common & { readonly type: 'iscsi'; readonly paths: readonly IscsiPath[] })
  | (Common & {
      readonly type: 'fibre_channel';
      readonly wwns: readonly string[];
      readonly luns: readonly number[];
    })
  | (Common & { readonly type: 'rbd'; readonly pool: string; readonly image: string })
  | (Common & { readonly type: 'nvmeof'; readonly nqn: string; readonly portals: readonly string[] })
  | (Common & { readonly type: 'nfs'; readonly export: string; readonly file: string })
  | (Common & { readonly type: 'local' })
  /** one that expunge has no commands for; `driver` is Cinder's word for it */
  | (Common & { readonly type: 'other'; readonly driver: string });

const several = z
  .union([z.string(), z.array(z.string())])
  .transform((v) => (typeof v === 'string' ? [v] : v));
const lun = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).pipe(z.int().min(0));

const data = z.looseObject({
  device_path: z.string().nullish(),
  /** Kilo and older */
  host_device: z.string().nullish(),
  multipath_id: z.string().nullish(),
  encrypted: z.boolean().nullish(),
  addressing_mode: z.string().nullish(),
});
// Names that go into an argv later: what is not of their form is no such connection.
const portal = z.string().regex(/^[A-Za-z0-9[][A-Za-z0-9.:[\]-]*:\d+(?:,-?\d+)?$/);
const iqn = z.string().regex(/^(?:iqn|eui|naa)\.[A-Za-z0-9.:_-]+$/);
const iscsi = z.looseObject({
  target_portal: portal.optional(),
  target_iqn: iqn.optional(),
  target_lun: lun.optional(),
  target_portals: z.array(portal).optional(),
  target_iqns: z.array(iqn).optional(),
  target_luns: z.array(lun).optional(),
});
const fibreChannel = z.looseObject({
  target_wwn: several,
  target_lun: lun.optional(),
  target_luns: z.array(lun).optional(),
});
const rbd = z.looseObject({ name: z.string().regex(/^[\w.-]+\/[\w.@-]+$/) });
const nvmeof = z.looseObject({
  target_nqn: z.string().optional(),
  nqn: z.string().optional(),
  target_portal: z.string().optional(),
  target_port: z.union([z.string(), z.number()]).optional(),
  portals: z.array(z.tuple([z.string(), z.union([z.string(), z.number()])]).rest(z.unknown())).optional(),
});
const nfs = z.looseObject({ export: z.string(), name: z.string() });

/**
 * @param json Nova's shape, `{driver_volume_type, data: {…}}`, or Cinder's flat one (cinder 12 and later)
 * @returns null when the text is no connection, such as `{}` or NULL: nothing was connected yet, or its record is broken
 */
export function parseConnection(json: string | null): Connection | null {
  return json === null ? null : parseConnectionValue(parseJson(json));
}

/** The same of JSON that was parsed already, as Cinder's API gives it. */
export function parseConnectionValue(value: unknown): Connection | null {
  const outer = z
    .looseObject({ driver_volume_type: z.string(), data: z.looseObject({}).nullish() })
    .safeParse(value);
  if (!outer.success) return null;
  const inner = outer.data.data ?? outer.data;
  const common = data.safeParse(inner);
  if (!common.success) return null;
  const base: Common = {
    devicePath: common.data.device_path ?? common.data.host_device ?? null,
    multipathId: common.data.multipath_id ?? null,
    encrypted: common.data.encrypted ?? false,
  };
  return addressed(byType(outer.data.driver_volume_type, inner, base), common.data.addressing_mode ?? null);
}

function addressed(connection: Connection, mode: string | null): Connection {
  switch (connection.type) {
    case 'iscsi':
      return {
        ...connection,
        paths: connection.paths.map((path) => ({ ...path, lun: lunOnHost(path.lun, mode) })),
      };
    case 'fibre_channel':
      return { ...connection, luns: connection.luns.map((number) => lunOnHost(number, mode)) };
    default:
      return connection;
  }
}

/** Cinder's drivers name the protocol (cinder 21 `volume/drivers`); NFS and its like share a shape. */
function byType(driver: string, inner: unknown, base: Common): Connection {
  const other: Connection = { ...base, type: 'other', driver };
  switch (driver) {
    case 'iscsi':
    case 'iser': {
      const paths = iscsiPaths(iscsi.safeParse(inner).data);
      return paths.length === 0 ? other : { ...base, type: 'iscsi', paths };
    }
    case 'fibre_channel': {
      const parsed = fibreChannel.safeParse(inner).data;
      if (parsed === undefined) return other;
      const luns = parsed.target_luns ?? (parsed.target_lun === undefined ? [] : [parsed.target_lun]);
      return luns.length === 0 ? other : { ...base, type: 'fibre_channel', wwns: parsed.target_wwn, luns };
    }
    case 'rbd': {
      const [pool, image] = rbd.safeParse(inner).data?.name.split('/') ?? [];
      return pool === undefined || image === undefined ? other : { ...base, type: 'rbd', pool, image };
    }
    case 'nvmeof': {
      const parsed = nvmeof.safeParse(inner).data;
      const nqn = parsed?.target_nqn ?? parsed?.nqn;
      if (parsed === undefined || nqn === undefined) return other;
      const one = parsed.target_portal === undefined ? [] : [`${parsed.target_portal}:${parsed.target_port}`];
      const portals = parsed.portals?.map(([address, port]) => `${address}:${port}`) ?? one;
      return { ...base, type: 'nvmeof', nqn, portals };
    }
    case 'nfs': {
      const parsed = nfs.safeParse(inner).data;
      return parsed === undefined
        ? other
        : { ...base, type: 'nfs', export: parsed.export, file: parsed.name };
    }
    case 'local':
      return { ...base, type: 'local' };
    default:
      return other;
  }
}

/**
 * The number that the kernel gives a LUN, which is not the storage's where it is sent in flat addressing (os-brick 6.4
 * `initiator/linuxscsi.py:lun_for_addressing`; Pure's driver of Cinder asks for `SAM2`, which is flat from 256 on).
 */
function lunOnHost(number: number, mode: string | null): number {
  return mode === 'SAM3-flat' || (mode === 'SAM2' && number >= 256) ? number + 0x4000 : number;
}

/** Portals, targets and LUNs go together by position; without lists there is one of each (os-brick `iscsi.py:_get_all_targets`). */
function iscsiPaths(parsed: z.infer<typeof iscsi> | undefined): IscsiPath[] {
  if (parsed === undefined) return [];
  const { target_portals: portals, target_iqns: iqns, target_luns: luns } = parsed;
  if (portals !== undefined && iqns !== undefined)
    return portals.flatMap((address, at) => {
      const [name, number] = [iqns[at], luns?.[at] ?? parsed.target_lun];
      return name === undefined || number === undefined
        ? []
        : [{ portal: plainPortal(address), iqn: name, lun: number }];
    });
  const { target_portal: address, target_iqn: name, target_lun: number } = parsed;
  return address === undefined || name === undefined || number === undefined
    ? []
    : [{ portal: plainPortal(address), iqn: name, lun: number }];
}

/** `10.0.0.1:3260,1`: some drivers add the portal group. */
function plainPortal(address: string): string {
  return address.replace(/,-?\d+$/, '');
}
