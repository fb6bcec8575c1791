/** From rows and JSON of Nova's databases to the narrow types of `subject.ts`. Columns that a release lacks read as null. */
import * as z from '../../plan/zod.ts';
import { isRecord } from '../../site/parse.ts';
import type { Row } from '../../site/reader.ts';
import { parseConnection } from './connection.ts';
import { parseStashedConnector } from './connector.ts';
import type { InstanceRow, Migration, OtherSwitch, Vif, VolumeMapping } from './subject.ts';

export function text(row: Row, column: string): string | null {
  const value = row[column];
  return value === undefined || value === null || typeof value === 'object' ? null : String(value);
}

export function number(row: Row, column: string): number | null {
  const value = row[column];
  return value === undefined || value === null || typeof value === 'object' ? null : Number(value);
}

export function flag(row: Row, column: string): boolean {
  return (number(row, column) ?? 0) !== 0;
}

export function parseInstance(row: Row, archived: boolean): InstanceRow {
  return {
    id: number(row, 'id') ?? 0,
    uuid: text(row, 'uuid') ?? '',
    displayName: text(row, 'display_name'),
    projectId: text(row, 'project_id'),
    userId: text(row, 'user_id'),
    vmState: text(row, 'vm_state'),
    taskState: text(row, 'task_state'),
    powerState: number(row, 'power_state'),
    host: text(row, 'host'),
    locked: flag(row, 'locked'),
    disableTerminate: flag(row, 'disable_terminate'),
    hidden: flag(row, 'hidden'),
    cleaned: flag(row, 'cleaned'),
    deleted: number(row, 'deleted') ?? 0,
    createdAt: text(row, 'created_at'),
    updatedAt: text(row, 'updated_at'),
    deletedAt: text(row, 'deleted_at'),
    terminatedAt: text(row, 'terminated_at'),
    launchedAt: text(row, 'launched_at'),
    archived,
  };
}

export function parseMigration(row: Row): Migration {
  return {
    id: number(row, 'id') ?? 0,
    uuid: text(row, 'uuid'),
    status: text(row, 'status'),
    sourceCompute: text(row, 'source_compute'),
    destCompute: text(row, 'dest_compute'),
    deleted: flag(row, 'deleted'),
  };
}

export function parseVolumeMapping(row: Row): VolumeMapping | null {
  const volumeId = text(row, 'volume_id');
  if (volumeId === null || text(row, 'destination_type') !== 'volume') return null;
  return {
    rowId: number(row, 'id') ?? 0,
    volumeId,
    bootIndex: number(row, 'boot_index'),
    connection: parseConnection(text(row, 'connection_info')),
    connector: parseStashedConnector(text(row, 'connection_info')),
    sizeGb: number(row, 'volume_size'),
    attachmentId: text(row, 'attachment_id'),
    deleteOnTermination: flag(row, 'delete_on_termination'),
    deleted: flag(row, 'deleted'),
    deletedAt: text(row, 'deleted_at'),
  };
}

const vif = z.looseObject({
  id: z.uuid(),
  type: z.string().nullish(),
  devname: z.string().nullish(),
  address: z.string().nullish(),
  vnic_type: z.string().nullish(),
  preserve_on_delete: z.boolean().nullish(),
  profile: z.unknown().optional(),
  network: z.looseObject({ bridge: z.string().nullish() }).nullish(),
  details: z
    .looseObject({ ovs_hybrid_plug: z.boolean().nullish(), bridge_name: z.string().nullish() })
    .nullish(),
});

/** What Nova and Neutron say of how a port is wired; what they leave out is null or not there. */
interface Wiring {
  readonly type: string | null | undefined;
  readonly vnicType: string | null | undefined;
  readonly details: unknown;
}

/**
 * A vhost-user port without `vhostuser_ovs_plug` is one of VPP, SPP or another switch, and what is wired on a SmartNIC is in the switch
 * that runs there (nova 26 `network/os_vif_util.py:_nova_to_osvif_vif_vhostuser`, `_nova_to_osvif_vif_ovs`).
 */
export function otherSwitchOf({ type, vnicType, details }: Wiring): OtherSwitch | undefined {
  if (vnicType === 'remote-managed') return 'none';
  if (type !== 'vhostuser' || !isRecord(details) || details['vhostuser_ovs_plug'] === true) return undefined;
  if (details['vhostuser_fp_plug'] === true) return 'fast-path';
  return details['vhostuser_vrouter_plug'] === true ? 'vrouter' : 'none';
}

/**
 * Of type `tap` (Calico) Nova makes the tap (nova 26 `privsep/linux_net.py:create_tap_dev`), with `ovs_create_tap` os-vif does (2026.1, nova 33
 * `network/os_vif_util.py:_nova_to_osvif_vif_ovs`); both persist until somebody deletes them.
 */
function hasOwnTap({ type, details }: Wiring): boolean {
  return type === 'tap' || (type === 'ovs' && isRecord(details) && details['ovs_create_tap'] === true);
}

/** Rocky and later: `trusted` in the profile, whatever it says (nova 18 `virt/libvirt/vif.py:unplug_hw_veb`). */
function trustedFunction({ type, vnicType }: Wiring, profile: unknown): string | undefined {
  if (type !== 'hw_veb' || vnicType !== 'direct' || !isRecord(profile) || !('trusted' in profile))
    return undefined;
  return typeof profile['pci_slot'] === 'string' ? profile['pci_slot'] : undefined;
}

/**
 * `instance_info_caches.network_info`, a JSON list (nova `network/model.py:NetworkInfo`). `preserve_on_delete` came with Kilo.
 *
 * @returns null when the text is no such list: then nobody knows from it which ports the user made
 */
export function parseNetworkInfo(json: string | null): Vif[] | null {
  if (json === null) return null;
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch {
    return null;
  }
  const parsed = z.array(vif).safeParse(data);
  if (!parsed.success) return null;
  return parsed.data.map((entry) => {
    const wiring = { type: entry.type, vnicType: entry.vnic_type, details: entry.details };
    const otherSwitch = otherSwitchOf(wiring);
    const trusted = trustedFunction(wiring, entry.profile);
    return {
      portId: entry.id,
      type: entry.type ?? null,
      devname: entry.devname ?? null,
      bridge: entry.details?.bridge_name ?? entry.network?.bridge ?? null,
      hybrid: entry.details?.ovs_hybrid_plug ?? false,
      vnicType: entry.vnic_type ?? 'normal',
      ...(entry.address ? { mac: entry.address.toLowerCase() } : {}),
      ...(otherSwitch === undefined ? {} : { otherSwitch }),
      ...(trusted === undefined ? {} : { trusted }),
      ...(hasOwnTap(wiring) ? { ownTap: true as const } : {}),
      preserveOnDelete: entry.preserve_on_delete ?? null,
    };
  });
}

/**
 * Nova's `instance_name_template` (default `instance-%08x`) filled from a row, as `objects/instance.py:Instance.name` does it:
 * with the id alone, or with columns by name.
 *
 * @returns null for a template that this function does not understand: then no domain is looked up by name
 */
export function fillNameTemplate(template: string, row: InstanceRow): string | null {
  const named: Record<string, string | number> = { id: row.id, uuid: row.uuid };
  let understood = true;
  const filled = template.replaceAll(
    /%(?:\((\w+)\))?(0?)(\d*)([xdsX%])/g,
    (_, name: string | undefined, zero: string, width: string, form: string) => {
      if (form === '%') return '%';
      const value = name === undefined ? row.id : named[name];
      if (value === undefined || (form !== 's' && typeof value !== 'number')) {
        understood = false;
        return '';
      }
      const hex = form === 'x' || form === 'X';
      const lower = hex ? Number(value).toString(16) : String(value);
      const digits = form === 'X' ? lower.toUpperCase() : lower;
      return digits.padStart(Number(width || 0), zero === '0' ? '0' : ' ');
    },
  );
  return understood && /^[A-Za-z0-9_.:-]+$/.test(filled) ? filled : null;
}
