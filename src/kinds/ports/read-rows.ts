/** What Neutron's database has of a port: for the port that its API cannot let go of. */
import type { SqlWhere } from '../../plan/types.ts';
import type { Reader, Row } from '../../site/reader.ts';
import {
  type Count,
  countReferences,
  findReferences,
  NEUTRON,
  numberIn,
  OTHER_REFERENCES,
  text,
} from './references.ts';

/** Rows of one table, by what names them. */
export interface RowSet {
  readonly table: string;
  readonly where: readonly SqlWhere[];
  readonly rows: number;
}

export interface BindingRow {
  readonly host: string;
  readonly active: boolean;
  readonly vnicType: string;
  /** of `ml2_port_binding_levels` */
  readonly levels: number;
}

export interface PortRows {
  /** empty where the plugin is not ML2 */
  readonly bindings: readonly BindingRow[];
  readonly isMl2: boolean;
  /** a port can have several bindings, of which one is active (Queens and later) */
  readonly hasBindingStatus: boolean;
  /** its `standardattributes` row; null up to Liberty */
  readonly attribute: number | null;
  /** in the order in which they have to go: what refers before what is referred to; the port itself among them */
  readonly doomed: readonly RowSet[];
  /** the trunk whose parent it is, in the same way */
  readonly trunk: readonly RowSet[];
  /** floating addresses that lead to it: they stay, and let go of it. `attribute`: null up to Liberty */
  readonly floating: readonly { readonly id: string; readonly attribute: number | null }[];
  /** rows that name the port and that nothing here knows, or that Neutron would have to be asked about first */
  readonly strangers: readonly RowSet[];
  /** rows of OVN's bookkeeping, which lose the port by their foreign key and are left to Neutron's own maintenance */
  readonly ovn: number;
  /** of the quota driver that counts in a table: its row is to be counted anew; null: there is none */
  readonly quota: RowSet | null;
  readonly hasDnsName: boolean;
}

/**
 * Tables whose rows are a port's own and go with it, by `port_id` (neutron 21 and 26 `db/models`, `plugins/ml2/models.py`; foreign
 * keys with CASCADE, looked up on Zed's schema).
 */
const OWN_TABLES: readonly string[] = [
  'allowedaddresspairs',
  'extradhcpopts',
  'ipallocations',
  'maclearningstates',
  'ml2_distributed_port_bindings',
  'ml2_port_binding_levels',
  'ml2_port_bindings',
  'networkconnections',
  'portdataplanestatuses',
  'portdeviceprofiles',
  'portdnses',
  'porthardwareoffloadtype',
  'porthints',
  'portnumaaffinitypolicies',
  'portqueuemappings',
  'portsecuritybindings',
  'porttrusted',
  'portuplinkstatuspropagation',
  'qos_port_policy_bindings',
  'securitygroupportbindings',
];

/** Tables that hang on `standardattributes`, whatever that stands for. */
const ATTRIBUTE_TABLES = ['tags', 'provisioningblocks'] as const;

type Columns = ReadonlyMap<string, ReadonlySet<string>>;

export function equals(column: string, value: string | number): SqlWhere {
  return { column, is: '=', value };
}

/** @throws LookError when the database cannot be asked */
export async function readPortRows(
  look: Reader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PortRows>> {
  const [columns, named] = await Promise.all([
    look.sql.columns(NEUTRON, [
      'ports',
      'ml2_port_bindings',
      'ipamallocations',
      'ovn_revision_numbers',
      'quotausages',
      ...OTHER_REFERENCES.map(({ table }) => table),
      ...ATTRIBUTE_TABLES,
    ]),
    findReferences(look),
  ]);
  const references = [...named, ...OTHER_REFERENCES.filter(({ table }) => columns.has(table))];
  const of = (table: string, column: string, values: readonly (string | number)[]) =>
    columns.has(table) || references.some((r) => r.table === table)
      ? look.sql.rows(NEUTRON, (sql) => sql.selectFrom(table).selectAll().where(column, 'in', values))
      : Promise.resolve<readonly Row[]>([]);
  const [counts, ports, bindings, floating, trunks] = await Promise.all([
    countReferences(look, references, ids),
    of('ports', 'id', ids),
    of('ml2_port_bindings', 'port_id', ids),
    of('floatingips', 'fixed_port_id', ids),
    of('trunks', 'port_id', ids),
  ]);
  const attributes = [...ports, ...floating, ...trunks].flatMap((row) => numberIn(row, 'standard_attr_id'));
  const [subports, addresses, tags, blocks, ovn, quotas, levels] = await Promise.all([
    trunks.length === 0
      ? []
      : of(
          'subports',
          'trunk_id',
          trunks.map((t) => text(t, 'id')),
        ),
    columns.has('ipamallocations') ? readAddresses(look, ids) : [],
    attributes.length === 0 ? [] : of('tags', 'standard_attr_id', attributes),
    attributes.length === 0 ? [] : of('provisioningblocks', 'standard_attr_id', attributes),
    attributes.length === 0 ? [] : of('ovn_revision_numbers', 'standard_attr_id', attributes),
    of('quotausages', 'resource', ['port']),
    of('ml2_port_binding_levels', 'port_id', ids),
  ]);
  const found = { columns, counts, bindings, floating, trunks, subports, addresses, tags, blocks };
  return new Map(
    ports.map((port) => [text(port, 'id'), assemble(port, { ...found, ovn, quotas, levels })] as const),
  );
}

interface Answers {
  readonly columns: Columns;
  readonly counts: readonly Count[];
  readonly bindings: readonly Row[];
  readonly floating: readonly Row[];
  readonly trunks: readonly Row[];
  readonly subports: readonly Row[];
  readonly addresses: readonly Row[];
  readonly tags: readonly Row[];
  readonly blocks: readonly Row[];
  readonly ovn: readonly Row[];
  readonly quotas: readonly Row[];
  readonly levels: readonly Row[];
}

function assemble(port: Row, found: Answers): PortRows {
  const id = text(port, 'id');
  const mine = (rows: readonly Row[], column: string) => rows.filter((row) => text(row, column) === id);
  const counts = found.counts.filter((count) => count.id === id);
  const [attribute] = numberIn(port, 'standard_attr_id');
  const [trunk] = mine(found.trunks, 'port_id');
  return {
    isMl2: found.columns.has('ml2_port_bindings'),
    hasBindingStatus: found.columns.get('ml2_port_bindings')?.has('status') ?? false,
    bindings: mine(found.bindings, 'port_id').map((row) => ({
      host: text(row, 'host'),
      // Before Queens a port has one binding, and that is the active one.
      active: row['status'] === undefined || row['status'] === 'ACTIVE',
      vnicType: text(row, 'vnic_type'),
      levels: mine(found.levels, 'port_id').filter((level) => level['host'] === row['host']).length,
    })),
    attribute: attribute ?? null,
    doomed: [
      ...counts
        .filter(({ table, column }) => column === 'port_id' && OWN_TABLES.includes(table))
        .map(({ table, rows }) => ({ table, where: [equals('port_id', id)], rows })),
      ...mine(found.addresses, 'port').map((row) => ({
        table: 'ipamallocations',
        where: [
          equals('ip_address', text(row, 'address')),
          equals('ipam_subnet_id', text(row, 'ipam_subnet')),
        ],
        rows: 1,
      })),
      { table: 'ports', where: [equals('id', id)], rows: 1 },
      ...(attribute === undefined ? [] : attributeRows(found, attribute)),
    ],
    trunk: trunk === undefined ? [] : trunkRows(found, trunk),
    floating: mine(found.floating, 'fixed_port_id').map((row) => ({
      id: text(row, 'id'),
      attribute: numberIn(row, 'standard_attr_id')[0] ?? null,
    })),
    strangers: counts
      .filter(
        ({ table, column }) =>
          !(column === 'port_id' && [...OWN_TABLES, 'trunks'].includes(table)) &&
          !(table === 'floatingips' && column === 'fixed_port_id'),
      )
      .map(({ table, column, rows }) => ({ table, where: [equals(column, id)], rows })),
    ovn: found.ovn.filter((row) => Number(row['standard_attr_id']) === attribute).length,
    quota: quotaRow(found, port),
    hasDnsName: counts.some(({ table }) => table === 'portdnses'),
  };
}

/** What hangs on a row of `standardattributes`, and that row itself, last. */
function attributeRows(found: Answers, attribute: number): RowSet[] {
  const sets = [
    { table: 'tags', of: found.tags },
    { table: 'provisioningblocks', of: found.blocks },
  ].map(({ table, of }) => ({
    table,
    where: [equals('standard_attr_id', attribute)],
    rows: of.filter((row) => Number(row['standard_attr_id']) === attribute).length,
  }));
  const own = { table: 'standardattributes', where: [equals('id', attribute)], rows: 1 };
  return [...sets.filter(({ rows }) => rows > 0), own];
}

/** The cascade from a port to its trunk leaves the trunk's own standard attributes behind. */
function trunkRows(found: Answers, trunk: Row): RowSet[] {
  const id = text(trunk, 'id');
  const subports = found.subports.filter((row) => text(row, 'trunk_id') === id).length;
  return [
    ...(subports === 0 ? [] : [{ table: 'subports', where: [equals('trunk_id', id)], rows: subports }]),
    { table: 'trunks', where: [equals('id', id)], rows: 1 },
    ...numberIn(trunk, 'standard_attr_id').flatMap((own) => attributeRows(found, own)),
  ];
}

/** Only the older quota driver keeps such rows (neutron 21 `db/quota/driver.py`); the newer one counts ports when it is asked. */
function quotaRow({ columns, quotas }: Answers, port: Row): RowSet | null {
  const project = columns.get('quotausages')?.has('project_id') ? 'project_id' : 'tenant_id';
  const owner = text(port, port['project_id'] === undefined ? 'tenant_id' : 'project_id');
  const counted = quotas.filter((row) => text(row, project) === owner && Number(row['dirty']) === 0);
  if (counted.length === 0) return null;
  return {
    table: 'quotausages',
    where: [equals('resource', 'port'), equals(project, owner), equals('dirty', 0)],
    rows: counted.length,
  };
}

/** No foreign key leads from IPAM to a port: an address whose row stays there is never given out again. */
function readAddresses(look: Reader, ids: readonly string[]): Promise<readonly Row[]> {
  return look.sql.rows(NEUTRON, (sql) =>
    sql
      .selectFrom('ipallocations as a')
      .innerJoin('ipamsubnets as s', 's.neutron_subnet_id', 'a.subnet_id')
      .innerJoin('ipamallocations as i', (on) =>
        on.onRef('i.ipam_subnet_id', '=', 's.id').onRef('i.ip_address', '=', 'a.ip_address'),
      )
      .select(['a.port_id as port', 'a.ip_address as address', 's.id as ipam_subnet'])
      .where('a.port_id', 'in', ids)
      .orderBy('a.ip_address'),
  );
}
