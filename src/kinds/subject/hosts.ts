/** Every host that may still hold something of a server, with the reason why. */

import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import type { Reader, Row } from '../../site/reader.ts';
import { lookAt } from '../kind.ts';
import { attachmentsIfKnown } from '../volumes/attachments.ts';
import { flag, text } from './parse.ts';
import { SCHEMA_TABLES } from './schema-tables.ts';
import { shadowsOf } from './shadows.ts';
import {
  type Cell,
  type ComputeService,
  EARLIER_RUN,
  EVERY_HOST,
  type Host,
  isLedTo,
  mayBeUp,
  type Subject,
  type SubjectOptions,
} from './subject.ts';

type WithoutHosts = Omit<Subject, 'hosts' | 'conductorUp' | 'unknown'>;

/** Traces in Nova's own database; without any, every compute host. */
export async function findHosts(
  look: Reader,
  subject: WithoutHosts,
  options: SubjectOptions,
): Promise<Pick<Subject, 'hosts' | 'conductorUp' | 'unknown'>> {
  const because = new Map<string, string[]>();
  const add = (name: string | null | undefined, why: string) => {
    if (!name) return;
    const reasons = because.get(name) ?? [];
    if (!reasons.includes(why)) reasons.push(why);
    because.set(name, reasons);
  };
  add(subject.row?.host, 'instances.host');
  for (const migration of subject.migrations) {
    add(migration.sourceCompute, `source of migration ${migration.id}`);
    add(migration.destCompute, `destination of migration ${migration.id}`);
  }
  add(subject.systemMetadata.get('shelved_host'), 'host that shelved it');
  for (const name of options.known?.hosts ?? []) add(name, EARLIER_RUN);
  const [{ computes, conductorUp, unknown }, ofActions, ofFaults] = await Promise.all([
    readServices(look, options, isUnplaced(subject)),
    readActionHosts(look, subject),
    readFaultHosts(look, subject),
  ]);
  const everywhere = options.allHosts || (because.size === 0 && !isOnNoHost(subject));
  for (const name of ofActions) if (computes.has(name)) add(name, 'one of its actions ran there');
  for (const name of ofFaults) if (computes.has(name)) add(name, 'one of its faults was noted there');
  if (everywhere) for (const name of computes.keys()) add(name, EVERY_HOST);
  return {
    hosts: describeHosts(look, because, computes),
    conductorUp,
    unknown: unknown
      .filter(({ cell }) => everywhere || matters(subject, cell))
      .map(({ place, why }) => ({ place, why })),
  };
}

/**
 * Whether what is alive in a cell bears on the server, beyond the hosts to look at: a live row is refused while its own
 * nova-compute may be at work, a build request while any conductor is. Not to know it is not the same as "down".
 */
function matters({ row, cell, buildRequest }: WithoutHosts, asked: Cell): boolean {
  if (row === null) return buildRequest !== null;
  return row.deleted === 0 && (cell?.uuid === asked.uuid || (asked.isCell0 && row.host === null));
}

/** A server that a conductor may still find a host for: the one that does it may keep its own record in cell0. */
function isUnplaced({ row, buildRequest }: WithoutHosts): boolean {
  return row === null ? buildRequest !== null : row.deleted === 0 && row.host === null;
}

/** Adds the ports that Neutron has for the server, and the hosts that it has them bound to and Cinder its volumes connected to. */
export async function widenHosts(look: Reader, subject: Subject, options: SubjectOptions): Promise<Subject> {
  const [ports, attachments] = await Promise.all([
    readBindings(look, subject.uuid),
    attachmentsIfKnown(look, subject),
  ]);
  const known = new Map(subject.hosts.map((host) => [host.name, [...host.because]]));
  const add = (host: string, why: string) => known.set(host, [...(known.get(host) ?? []), why]);
  for (const { host, port } of ports) if (host !== null) add(host, `port ${port.slice(0, 8)} is bound there`);
  for (const { host, volumeId } of attachments)
    if (host) add(host, `volume ${volumeId.slice(0, 8)} is attached there`);
  const portIds = [...new Set([...ports.map(({ port }) => port), ...(subject.portIds ?? [])])];
  if (known.size === subject.hosts.length) {
    const hosts = subject.hosts.map((host) => ({ ...host, because: known.get(host.name) ?? host.because }));
    // Of a host that was only passed by, something that leads to it is news.
    const isNews = hosts.filter(isLedTo).length > subject.hosts.filter(isLedTo).length;
    return { ...subject, portIds, ...(isNews ? { hosts } : {}) };
  }
  const { computes } = await readServices(look, options, false);
  return { ...subject, portIds, hosts: describeHosts(look, known, computes) };
}

/** Not scheduled yet, never started, or shelved and offloaded: on no host by Nova's own account. */
function isOnNoHost({ row, buildRequest, cell, mapping }: WithoutHosts): boolean {
  // In cell0 is what no host took; what was never mapped to a cell was never scheduled. Deleted or not.
  if (cell?.isCell0) return true;
  if (row === null) return buildRequest !== null || mapping?.unscheduled === true;
  if (row.deleted !== 0 || row.host !== null) return false;
  return row.launchedAt === null || row.vmState === 'shelved_offloaded';
}

const portBinding = z.looseObject({ id: z.uuid(), 'binding:host_id': z.string().nullish() });

async function readBindings(look: Reader, uuid: string): Promise<{ host: string | null; port: string }[]> {
  let ports: readonly unknown[];
  try {
    ports = await look.http.list('network', `/v2.0/ports?device_id=${uuid}`, 'ports');
  } catch (error) {
    // The ports kind asks the same and reports that it could not look.
    if (error instanceof LookError) return [];
    throw error;
  }
  return ports.flatMap((port) => {
    const parsed = portBinding.safeParse(port);
    return parsed.success ? [{ host: parsed.data['binding:host_id'] || null, port: parsed.data.id }] : [];
  });
}

function describeHosts(
  look: Reader,
  because: ReadonlyMap<string, readonly string[]>,
  services: ReadonlyMap<string, ComputeService>,
): Host[] {
  return [...because].map(([name, reasons]) => ({
    name,
    because: reasons,
    instancesPath: look.host(name)?.instancesPath ?? null,
    service: services.get(name) ?? null,
  }));
}

async function readServices(
  look: Reader,
  options: SubjectOptions,
  withCell0: boolean,
): Promise<{
  computes: ReadonlyMap<string, ComputeService>;
  conductorUp: Subject['conductorUp'];
  unknown: readonly { readonly cell: Cell; readonly place: string; readonly why: string }[];
}> {
  const answers = await Promise.all(
    options.cells
      .filter((cell) => withCell0 || !cell.isCell0)
      .map(async (cell) => ({ cell, ...(await lookAt([cell], (asked) => readCellServices(look, asked))) })),
  );
  const services = answers
    .flatMap(({ facts }) => facts.flat())
    .map((row) => ({
      host: text(row, 'host') ?? '',
      binary: text(row, 'binary'),
      service: parseService(row, options.serviceDownTime),
    }));
  const computes = new Map<string, ComputeService>();
  // A host that moved to another cell may have left its record behind: the one that is up, or may be, is believed.
  for (const { host, binary, service } of services)
    if (binary === 'nova-compute' && !mayBeUp(computes.get(host))) computes.set(host, service);
  const conductors = services.flatMap((s) => (s.binary === 'nova-conductor' ? [s.service.up] : []));
  return {
    computes,
    conductorUp: conductors.includes(null) ? null : conductors.includes(true),
    unknown: answers.flatMap(({ cell, unknown }) => unknown.map((place) => ({ cell, ...place }))),
  };
}

async function readCellServices(look: Reader, cell: Cell): Promise<readonly Row[]> {
  return look.sql.rows(cell.database, (sql) =>
    sql
      .selectFrom('services')
      .selectAll()
      .select((e) => e.fn<string>('utc_timestamp', []).as('now'))
      .where('binary', 'in', ['nova-compute', 'nova-conductor'])
      .where('deleted', '=', 0),
  );
}

/**
 * nova `servicegroup/drivers/db.py:DbDriver.is_up`: `last_seen_up` (12+), else `updated_at`, else `created_at`. With memcached or ZooKeeper
 * (`servicegroup/drivers/mc.py`; `zk.py` to 12) these are not written; `forced_down` counts before either (`servicegroup/api.py:service_is_up`).
 */
function parseService(row: Row, downTime: number | null): ComputeService {
  if (downTime === null) return { up: flag(row, 'forced_down') ? false : null, lastSeen: null };
  const lastSeen = text(row, 'last_seen_up') ?? text(row, 'updated_at') ?? text(row, 'created_at');
  const age = secondsBetween(lastSeen, text(row, 'now'));
  return { up: !flag(row, 'forced_down') && age !== null && age <= downTime, lastSeen };
}

/** Seconds from one database time to another; null when either is missing or, like MySQL's zero date, no time at all. */
export function secondsBetween(from: string | null, to: string | null): number | null {
  if (from === null || to === null) return null;
  const ms = Date.parse(`${to.replace(' ', 'T')}Z`) - Date.parse(`${from.replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? null : ms / 1000;
}

/**
 * Hosts that worked on the server's actions. A build that failed on its first host, or an unshelve that went elsewhere, leaves
 * no other trace: Nova clears `host` and `launched_on`. The conductors' hosts are among them.
 */
function readActionHosts(look: Reader, subject: WithoutHosts): Promise<readonly string[]> {
  return readHosts(
    look,
    subject,
    'instance_actions_events',
    (events) => (sql) =>
      sql
        .selectFrom(`${events} as e`)
        .innerJoin(`${events.replace(/_events$/, '')} as a`, 'a.id', 'e.action_id')
        .select('e.host')
        .distinct()
        .where('a.instance_uuid', '=', subject.uuid),
  );
}

/**
 * Hosts on which a build or a move was given up (nova 26 `compute/utils.py:add_instance_fault_from_exc`). The events of actions say it
 * only since Rocky (nova 18 `objects/instance_action.py:InstanceActionEvent.pack_action_event_start`), though Queens has the column.
 */
function readFaultHosts(look: Reader, subject: WithoutHosts): Promise<readonly string[]> {
  return readHosts(
    look,
    subject,
    'instance_faults',
    (faults) => (sql) =>
      sql.selectFrom(faults).select('host').distinct().where('instance_uuid', '=', subject.uuid),
  );
}

type Question = Parameters<Reader['sql']['rows']>[1];

/** What the table and its shadow name, as far as they have a column for it. */
async function readHosts(
  look: Reader,
  { cell, row }: WithoutHosts,
  table: string,
  ask: (table: string) => Question,
): Promise<readonly string[]> {
  if (cell === null) return [];
  const schema = await look.sql.columns(cell.database, SCHEMA_TABLES);
  const rows = await Promise.all(
    [table, ...shadowsOf(table, row, schema)]
      .filter((name) => schema.get(name)?.has('host'))
      .map((name) => look.sql.rows(cell.database, ask(name))),
  );
  return rows.flat().flatMap((one) => text(one, 'host') ?? []);
}
