/** What is done to a port in Neutron's database, where its API cannot do it: one transaction, with every row counted. */
import type { BeforeImage, Check, DraftStep, SqlWhere, SqlWrite } from '../../plan/types.ts';
import type { Subject } from '../subject/subject.ts';
import type { Fate } from './fate.ts';
import type { Port } from './port.ts';
import { equals, type PortRows, type RowSet } from './read-rows.ts';
import { NEUTRON } from './references.ts';
import { profileOf, resetsDnsName } from './release.ts';

const PLACE = 'database neutron';

/** What its agents and drivers are told of a port by the API only. */
const UNTOLD =
  'agents are told nothing of it: DHCP, address tables and NAT follow when they next resynchronise';

function isPort(id: string, device: string): Check {
  return {
    door: 'sql',
    database: NEUTRON,
    table: 'ports',
    where: [equals('id', id), equals('device_id', device)],
    count: 1,
  };
}

function stillOurs({ id }: Port, { uuid }: Subject): DraftStep['guards'][number] {
  return { must: `port ${id} is still this server's in Neutron's database`, check: isPort(id, uuid) };
}

function image(table: string, where: readonly SqlWhere[]): BeforeImage {
  return { door: 'sql', database: NEUTRON, table, where: [...where] };
}

function deletion({ table, where, rows }: RowSet): SqlWrite {
  return { verb: 'delete', table, where: [...where], rows };
}

/** Neutron counts a revision up with every change, and OVN's maintenance repairs what is behind (neutron 21 `db/ovn_revision_numbers_db.py`). */
function revise(attribute: number): SqlWrite {
  return {
    verb: 'update',
    table: 'standardattributes',
    set: { revision_number: { column: 'revision_number', plus: 1 }, updated_at: { now: true } },
    where: [equals('id', attribute)],
    rows: 1,
  };
}

/** Why the rows of a port may not be touched; null: they may. */
export function refuseSurgery(rows: PortRows | undefined, fate: Fate, withTrunk: boolean): string | null {
  if (rows === undefined)
    return 'its rows are not known: name Neutron’s database as databases.neutron in the site file';
  if (fate.act === 'delete') {
    const [stranger] = rows.strangers;
    if (stranger !== undefined)
      return `${stranger.rows === 1 ? 'a row' : `${stranger.rows} rows`} of ${stranger.table} (${stranger.where[0]?.column}) would be left without it: only Neutron knows what hangs on that`;
    if (rows.trunk.length > 0 && !withTrunk) return 'it is the parent of a trunk';
  } else if (!rows.isMl2) return 'its plugin keeps no bindings as ML2 does';
  return null;
}

/**
 * Deletes every row of the port, each table's own before what it refers to, so that the count of each is known and the images are
 * complete: a cascade would take more than was looked at. Floating addresses stay and let go of it. What Neutron's own delete does
 * to the same tables: neutron 21 `plugins/ml2/plugin.py:delete_port`, `db/ipam_pluggable_backend.py:delete_port`,
 * `db/l3_db.py:disassociate_floatingips`.
 */
export function deleteByRows(port: Port, title: string, rows: PortRows, subject: Subject): DraftStep {
  const doomed = [...rows.trunk, ...rows.doomed];
  const floating = rows.floating.length;
  const attributes = rows.floating.flatMap(({ attribute }) => attribute ?? []);
  const writes: SqlWrite[] = [
    ...attributes.map(revise),
    ...(floating === 0
      ? []
      : [
          {
            verb: 'update' as const,
            table: 'floatingips',
            set: { fixed_port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' },
            where: [equals('fixed_port_id', port.id)],
            rows: floating,
          },
        ]),
    ...doomed.map(deletion),
    ...(rows.quota === null
      ? []
      : [
          {
            verb: 'update' as const,
            table: rows.quota.table,
            set: { dirty: 1 },
            where: [...rows.quota.where],
            rows: rows.quota.rows,
          },
        ]),
  ];
  return {
    id: `ports/${port.id}/delete-rows`,
    phase: 'ports',
    place: PLACE,
    title: `delete the rows of ${title}`,
    why: `Asked for by --port-surgery, past Neutron’s API; ${UNTOLD}.`,
    act: { door: 'sql', database: NEUTRON, writes },
    guards: [stillOurs(port, subject)],
    settled: { door: 'sql', database: NEUTRON, table: 'ports', where: [equals('id', port.id)], count: 0 },
    // Undo restores in this order: what is referred to before what refers to it.
    before: [
      ...[...doomed].reverse().map(({ table, where }) => image(table, where)),
      ...attributes.map((attribute) => image('standardattributes', [equals('id', attribute)])),
      // By id: undo looks for them again, and then they do not lead to the port any more.
      ...rows.floating.map(({ id }) => image('floatingips', [equals('id', id)])),
      ...(rows.quota === null ? [] : [image(rows.quota.table, rows.quota.where)]),
    ],
    // What OVN and the quota keep of it has no key of its own by which undo could find it again.
    undo: rows.ovn === 0 && rows.quota === null ? 'before-image' : 'never',
  };
}

/** Writes what Neutron's own PUT with `binding:host_id` null leaves (neutron 21 `plugins/ml2/plugin.py:_process_port_binding`). */
export function unbindByRows(port: Port, title: string, rows: PortRows, subject: Subject): DraftStep {
  const of = [equals('port_id', port.id)];
  const active = rows.bindings.find((binding) => binding.active);
  const bound = active === undefined || active.host === '' ? [] : [active];
  const profile = profileOf(port, subject.era);
  const free = { vif_type: 'unbound', vif_details: '', ...(profile === null ? {} : { profile }) };
  const writes: SqlWrite[] = [
    {
      verb: 'update',
      table: 'ports',
      set: { device_id: '', device_owner: '', status: 'DOWN' },
      where: [equals('id', port.id), equals('device_id', subject.uuid)],
      rows: 1,
    },
    ...bound.flatMap(({ host, levels }): SqlWrite[] => [
      ...(levels === 0
        ? []
        : [
            deletion({
              table: 'ml2_port_binding_levels',
              where: [...of, equals('host', host)],
              rows: levels,
            }),
          ]),
      {
        verb: 'update',
        table: 'ml2_port_bindings',
        set: { host: '', ...free },
        where: [...of, equals('host', host)],
        rows: 1,
      },
    ]),
    ...(active === undefined ? [bindingRow(port, rows, subject)] : []),
    ...(rows.hasDnsName && resetsDnsName(port, subject.era)
      ? [{ verb: 'update' as const, table: 'portdnses', set: { dns_name: '' }, where: of, rows: 1 }]
      : []),
    ...(rows.attribute === null ? [] : [revise(rows.attribute)]),
  ];
  const tables = new Set(writes.map(({ table }) => table));
  return {
    id: `ports/${port.id}/unbind-rows`,
    phase: 'ports',
    place: PLACE,
    title: `unbind ${title} in its rows`,
    why: `Asked for by --port-surgery, past Neutron’s API; ${UNTOLD}.`,
    act: { door: 'sql', database: NEUTRON, writes },
    guards: [stillOurs(port, subject)],
    settled: isPort(port.id, ''),
    before: [...tables].map((table) =>
      image(
        table,
        table === 'ports'
          ? [equals('id', port.id)]
          : table === 'standardattributes'
            ? [equals('id', rows.attribute ?? 0)]
            : of,
      ),
    ),
    undo: 'never',
  };
}

function bindingRow(
  port: Port,
  { bindings, hasBindingStatus }: PortRows,
  subject: Subject,
): Extract<SqlWrite, { verb: 'insert' }> {
  const recorded = subject.vifs.find((vif) => vif.portId === port.id)?.vnicType;
  return {
    verb: 'insert',
    table: 'ml2_port_bindings',
    values: {
      port_id: port.id,
      host: '',
      vif_type: 'unbound',
      vnic_type: bindings[0]?.vnicType ?? recorded ?? 'normal',
      profile: '',
      vif_details: '',
      ...(hasBindingStatus ? { status: 'ACTIVE' } : {}),
    },
  };
}

/** The row is there in ML2, but not the one that counts: the API then answers, and does nothing. */
export function lacksBinding(rows: PortRows | undefined): boolean {
  return rows?.isMl2 === true && !rows.bindings.some((binding) => binding.active);
}

/**
 * Puts back the active binding that a port lacks, unbound, as that of a new port is (neutron 21 `plugins/ml2/db.py:
 * add_port_binding`). Then the API works again, and does all the rest as it always does.
 */
export function mendBinding(port: Port, title: string, rows: PortRows, subject: Subject): DraftStep {
  const of = [equals('port_id', port.id)];
  const active = (count: number): Check => ({
    door: 'sql',
    database: NEUTRON,
    table: 'ml2_port_bindings',
    where: [...of, ...(rows.hasBindingStatus ? [equals('status', 'ACTIVE')] : [])],
    count,
  });
  return {
    id: `ports/${port.id}/mend-binding`,
    phase: 'ports',
    place: PLACE,
    title: `give ${title} back its row in ml2_port_bindings`,
    why: 'Without an active binding Neutron answers success to a delete and keeps the port (13 to 20.2 and 21.0), and 404 to an unbind.',
    act: {
      door: 'sql',
      database: NEUTRON,
      writes: [
        bindingRow(port, rows, subject),
        {
          verb: 'update',
          table: 'ports',
          set: { status: 'DOWN' },
          where: [equals('id', port.id), equals('device_id', subject.uuid)],
          rows: 1,
        },
      ],
    },
    guards: [stillOurs(port, subject), { must: `port ${port.id} has no active binding`, check: active(0) }],
    settled: active(1),
    before: [image('ml2_port_bindings', of), image('ports', [equals('id', port.id)])],
    undo: 'never',
  };
}
