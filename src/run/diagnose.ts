/** Tries every door of a site, without writing, and says what would be missing at three in the morning. */
import { readLinks } from '../kinds/interfaces/links.ts';
import { runsOvs } from '../kinds/interfaces/ovs.ts';
import { LookError } from '../plan/errors.ts';
import type { Service } from '../plan/types.ts';
import { mayBeMissing, perhapsInContainer, programsByContainer } from '../site/command/containers.ts';
import { lastLine } from '../site/command/lines.ts';
import type { Site } from '../site/connect.ts';
import type { Reader, Row } from '../site/reader.ts';
import { grantsOf } from './grants.ts';

export interface Finding {
  readonly ok: boolean;
  readonly place: string;
  readonly says: string;
}

/** A server that there is not: the questions are those of a survey, and their answers are short. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** One cheap question per API, each of which a reader of everything must be able to ask. */
const PROBES: readonly {
  readonly service: Service;
  readonly path: string;
  /** what is listed; without it one thing is read */
  readonly key?: string;
  readonly says: string;
}[] = [
  { service: 'network', path: `/v2.0/ports?device_id=${NOBODY}`, key: 'ports', says: 'ports can be listed' },
  {
    service: 'image',
    path: `/v2/images?instance_uuid=${NOBODY}`,
    key: 'images',
    says: 'images can be listed',
  },
  { service: 'placement', path: `/allocations/${NOBODY}`, says: 'allocations can be read' },
];

/** Databases that a site need not name, each with a table that every release has. */
const SERVICE_TABLES = [
  { database: 'neutron', table: 'ports' },
  { database: 'cinder', table: 'volumes' },
] as const;

/**
 * @param explain the sentence for an error that is an answer; null for a fault of the program, which is thrown on
 * @returns findings in a fixed order: APIs, databases, memcached, message buses, hosts
 */
export async function diagnose(
  site: Site,
  explain: (error: unknown) => string | null,
): Promise<readonly Finding[]> {
  const attempt = async (place: string, look: () => Promise<string>): Promise<Finding> => {
    try {
      return { ok: true, place, says: await look() };
    } catch (error) {
      const says = explain(error);
      if (says === null) throw error;
      return { ok: false, place, says };
    }
  };
  const look = site.reader;
  const apis = PROBES.map(({ service, path, key, says }) =>
    attempt(`API ${service}`, async () => {
      await (key === undefined ? look.http.get(service, path) : look.http.list(service, path, key));
      return says;
    }),
  );
  const volumes = attempt('API volume', () => examineCinder(look));
  const token = attempt('service token', () => examineToken(site));
  const api = attempt('database nova_api', async () => {
    const rows = await look.sql.rows('api', (sql) =>
      sql.selectFrom('instance_mappings').select('id').limit(1),
    );
    // Without a cell all else that there is to say is that there is none.
    await site.cells();
    return `readable${rows.length === 0 ? ', no server in it yet' : ''}; ${await grantsOf(site, 'api')}`;
  });
  const services = SERVICE_TABLES.filter(({ database }) => look.sql.names(database)).map(
    ({ database, table }) =>
      attempt(`database ${database}`, async () => {
        await look.sql.rows(database, (sql) => sql.selectFrom(table).select('id').limit(1));
        return `readable; ${await grantsOf(site, database)}`;
      }),
  );
  const caches = look.cache.servers.map((server) =>
    attempt(`memcached ${server}`, async () => {
      await look.cache.get(server, 'expunge-doctor');
      return 'answers';
    }),
  );
  const first = await Promise.all([...apis, volumes, token, api, ...services, ...caches]);
  const cells = first.find((f) => f.place === 'database nova_api')?.ok ? await site.cells() : [];
  const databases = await Promise.all(
    cells.map((cell) =>
      attempt(`database of ${cell.name}`, async () => {
        await look.sql.rows(cell.database, (sql) => sql.selectFrom('instances').select('id').limit(1));
        return `readable; ${await grantsOf(site, cell.database)}`;
      }),
    ),
  );
  const buses = await Promise.all(
    cells
      .filter((cell) => !cell.isCell0)
      .map((cell) =>
        attempt(`message bus of ${cell.name}`, async () => {
          if (site.config.file.message_bus?.none)
            return 'none, as the site file says: nobody looks what waits there';
          // A queue that is not there takes the same right, and nobody's messages are touched.
          await look.queue.waiting(cell.database, 'compute.expunge-doctor');
          return 'answers, its queues may be read';
        }),
      ),
  );
  const hosts = await Promise.all(
    [...(await hostNames(site, cells))].map((name) => examineHost(site, name, attempt)),
  );
  return [...first, ...databases, ...buses, ...hosts.flat()];
}

/** What the kind `volumes` asks, of a server that there is not. A cloud may have no Cinder. */
async function examineCinder(look: Reader): Promise<string> {
  if (!(await look.http.has('volume'))) return 'none in the catalog: volumes cannot be looked at';
  const path = `/attachments/detail?all_tenants=1&instance_id=${NOBODY}`;
  try {
    await look.http.list('volume', path, 'attachments', { microversion: '3.28' });
  } catch (error) {
    if (!(error instanceof LookError) || !['api-404', 'api-406'].includes(error.code)) throw error;
    return 'older than Pike: volumes can be looked at one by one';
  }
  return 'attachments can be listed';
}

/** Without one there is another way, so to have none is no fault; one that is named and cannot be had is. */
async function examineToken(site: Site): Promise<string> {
  const token = await site.reader.http.serviceToken();
  if (token.available) return `can be had, with the account of ${token.from}`;
  if (site.config.serviceUser !== null)
    throw new LookError('service token', token.why, {
      code: 'no-service-token',
      hint: "volumes are then let go of only after Nova's rows",
    });
  return "none: volumes are let go of after Nova's rows (service_user in the site file)";
}

/** nova-computes of all cells, and hosts that only the site file names. */
async function hostNames(
  site: Site,
  cells: Awaited<ReturnType<Site['cells']>>,
): Promise<ReadonlySet<string>> {
  const rows = await Promise.all(
    cells
      .filter((cell) => !cell.isCell0)
      .map(async (cell): Promise<readonly Row[]> => {
        try {
          return await site.reader.sql.rows(cell.database, (sql) =>
            sql
              .selectFrom('services')
              .select('host')
              .where('binary', '=', 'nova-compute')
              .where('deleted', '=', 0),
          );
        } catch {
          // The cell's own finding has said so already.
          return [];
        }
      }),
  );
  const named = Object.keys(site.config.file.hosts ?? {}).filter((name) => name !== 'default');
  return new Set([...named, ...rows.flat().map((row) => String(row['host']))]);
}

async function examineHost(
  site: Site,
  name: string,
  attempt: (place: string, look: () => Promise<string>) => Promise<Finding>,
): Promise<Finding[]> {
  const run = site.reader.command.run;
  const reach = await attempt(`host ${name}`, async () => {
    const { out } = await run(name, ['id', '-un']);
    return `reached as ${out.trim()}`;
  });
  if (!reach.ok) return [reach];
  const { instancesPath: path = '/', containers = null } = site.reader.host(name) ?? {};
  return [
    reach,
    ...(await Promise.all(
      programsByContainer(containers).map((one) =>
        attempt(`host ${name}, container ${one.container}`, () => examineContainer(run, name, one)),
      ),
    )),
    await attempt(`host ${name}, libvirt`, async () => {
      const { exit, err } = await run(name, ['virsh', '-c', 'qemu:///system', 'version']);
      if (exit !== 0) throw notFine(name, `virsh version ended with ${exit}: ${lastLine(err)}`);
      return 'virsh answers';
    }),
    await attempt(`host ${name}, folder`, async () => {
      const { exit } = await run(name, ['test', '-d', path]);
      if (exit !== 0) throw notFine(name, `${path} is not a folder there`);
      return `${path} is there`;
    }),
    await attempt(`host ${name}, Open vSwitch`, async () => {
      const { exit, err } = await run(name, ['ovs-vsctl', '--timeout=10', 'list-br']);
      if (exit === 127) {
        if (!runsOvs(await readLinks(site.reader, name))) return 'none on this host';
        throw notFine(
          name,
          `Open vSwitch runs there, but ovs-vsctl is not there (${perhapsInContainer(name)})`,
        );
      }
      if (exit !== 0) throw notFine(name, `ovs-vsctl list-br ended with ${exit}: ${lastLine(err)}`);
      return 'ovs-vsctl answers';
    }),
  ];
}

async function examineContainer(
  run: Reader['command']['run'],
  host: string,
  { programs, probe }: ReturnType<typeof programsByContainer>[number],
): Promise<string> {
  try {
    const { exit, err } = await run(host, probe);
    if (exit !== 0) throw notFine(host, `${probe.join(' ')} ended with ${exit}: ${lastLine(err)}`);
  } catch (error) {
    const isMissing = error instanceof LookError && error.code === 'container-missing';
    if (!isMissing || !mayBeMissing(programs)) throw error;
    return `none on this host: ${programs.join(' and ')} only where volumes come by several paths`;
  }
  return `runs, has ${programs.join(', ')}`;
}

function notFine(host: string, says: string): LookError {
  return new LookError(`host ${host}`, says, { code: 'host-not-ready' });
}
