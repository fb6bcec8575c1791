/** Which database is meant by `api`, `cell:<uuid>`, `neutron` and `cinder`, and the connections to them. */
import { LookError, UsageError } from '../../plan/errors.ts';
import type { SiteConfig } from '../config/load.ts';
import type { Row } from '../reader.ts';
import type { Wires } from '../wires.ts';
import { queryRows, type SessionOptions, type SqlConnection } from './connections.ts';
import { type DatabaseUrl, fillTemplate, parseDatabaseUrl } from './url.ts';

export interface CellEntry {
  readonly uuid: string;
  readonly name: string;
  readonly database: string;
  readonly isCell0: boolean;
}

/** With what `cell_mappings` says of the way to its database and its message bus: URLs, or templates of them. Not to be shown. */
type CellUrls = CellEntry & { readonly template: string; readonly bus: string };

/** Databases of other services: there only where the site file names them. */
const SERVICES = ['neutron', 'cinder'] as const;

type ServiceDatabase = (typeof SERVICES)[number];

function isService(database: string): database is ServiceDatabase {
  return SERVICES.some((name) => name === database);
}

/** nova 15+ `objects/cell_mapping.py:CELL0_UUID` */
const CELL0_UUID = '00000000-0000-0000-0000-000000000000';

export class Databases {
  readonly #config: SiteConfig;
  readonly #openConnection: Wires['sql'];
  readonly #open = new Map<string, Promise<SqlConnection>>();
  readonly #spare = new Map<string, SqlConnection>();
  #cells: Promise<ReadonlyMap<string, CellUrls>> | null = null;

  constructor(config: SiteConfig, open: Wires['sql']) {
    this.#config = config;
    this.#openConnection = open;
  }

  /** Rows of a SELECT over the shared read-only connection. @throws LookError */
  async select(database: string, sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const place = await this.placeOf(database);
    return queryRows(place, await this.#connection(database), sql, parameters);
  }

  /** A connection that may write; the caller ends it. @throws LookError */
  async openWriting(database: string, session?: SessionOptions): Promise<SqlConnection> {
    return this.#openConnection(await this.placeOf(database), await this.#url(database), false, session);
  }

  /** Whether the site says where this database is. Nova's databases always count as named: without them nothing works. */
  names(database: string): boolean {
    return !isService(database) || this.#config.file.databases?.[database] !== undefined;
  }

  /** Keeps a connection that may write for the act that was rehearsed on it. */
  keepSpare(database: string, connection: SqlConnection): void {
    const earlier = this.#spare.get(database);
    earlier?.giveUp();
    this.#spare.set(database, connection);
  }

  /** The connection kept for a database, once. */
  takeSpare(database: string): SqlConnection | undefined {
    const spare = this.#spare.get(database);
    this.#spare.delete(database);
    return spare;
  }

  /** `database nova_api`, `database neutron`, `database of cell1`: how this place is called in messages. */
  async placeOf(database: string): Promise<string> {
    const place = fixedPlace(database);
    if (place !== null) return place;
    const cell = (await this.cells()).get(database);
    return `database of ${cell?.name ?? database}`;
  }

  /** All cells of `cell_mappings`, disabled ones too: a server stuck in one is still stuck. */
  async cells(): Promise<ReadonlyMap<string, CellUrls>> {
    const reading = this.#cells ?? this.#readCells();
    this.#cells = reading;
    reading.catch((error: unknown) => {
      if (mayPass(error) && this.#cells === reading) this.#cells = null;
    });
    return reading;
  }

  async #readCells() {
    const rows = await this.select(
      'api',
      'select uuid, name, database_connection, transport_url from cell_mappings order by id',
      [],
    );
    const cells = new Map(
      rows.map((row) => {
        const uuid = String(row['uuid']);
        const isCell0 = uuid === CELL0_UUID;
        const name = row['name'] === null ? (isCell0 ? 'cell0' : uuid) : String(row['name']);
        const template = String(row['database_connection']);
        const bus = String(row['transport_url']);
        return [`cell:${uuid}`, { uuid, name, database: `cell:${uuid}`, isCell0, template, bus }] as const;
      }),
    );
    if ([...cells.values()].every(({ isCell0 }) => isCell0)) throw noCells(cells.size);
    return cells;
  }

  async #connection(database: string): Promise<SqlConnection> {
    const known = this.#open.get(database);
    if (known !== undefined) return known;
    const opening = (async () =>
      this.#openConnection(
        fixedPlace(database) ?? (await this.placeOf(database)),
        await this.#url(database),
        true,
      ))();
    this.#open.set(database, opening);
    const forget = () => {
      if (this.#open.get(database) === opening) this.#open.delete(database);
    };
    // One that broke, or could not be had, is opened anew when somebody asks again: a cluster may take a moment to find its next writer.
    opening.then(
      (connection) => connection.onLost(forget),
      (error: unknown) => {
        if (mayPass(error)) forget();
      },
    );
    return opening;
  }

  async #url(database: string): Promise<DatabaseUrl> {
    const { file, novaConf } = this.#config;
    const parse = (what: string, url: string) => parseDatabaseUrl(what, url, file.databases?.ca_file);
    if (database === 'api') {
      const own = file.databases?.nova_api;
      const url = own ?? novaConf?.apiConnection;
      if (url === undefined)
        throw new UsageError('the site file says nothing about the nova_api database', {
          code: 'no-api-database',
          hint: 'set databases.nova_api, or nova_conf to a nova.conf with [api_database] connection',
        });
      return parse(own === undefined ? "nova.conf's [api_database] connection" : 'databases.nova_api', url);
    }
    if (isService(database)) {
      const url = file.databases?.[database];
      if (url === undefined)
        throw new UsageError(`the site file says nothing about the ${database} database`, {
          code: `no-${database}-database`,
          hint: `set databases.${database} in the site file`,
        });
      return parse(`databases.${database}`, url);
    }
    const cell = (await this.cells()).get(database);
    if (cell === undefined)
      throw new LookError(database, 'cell_mappings has no such cell', { code: 'no-such-cell' });
    const what = `database of ${cell.name}`;
    const url = parse(what, fillTemplate(what, cell.template, novaConf?.connection));
    return {
      ...url,
      user: file.databases?.cell_user ?? url.user,
      password: file.databases?.cell_password ?? url.password,
    };
  }

  async close(): Promise<void> {
    for (const spare of this.#spare.values()) spare.giveUp();
    await Promise.allSettled([...this.#open.values()].map(async (c) => (await c).end()));
    this.#open.clear();
  }
}

/**
 * Servers and hosts stand in the databases of cells: with none of them every server would be one that Nova does not know, healthy ones too,
 * and nothing would keep it from being removed. Before Ocata there need not be any (nova 15 `cmd/status.py:_check_cellsv2`, which from then
 * on wants cell0 and another one).
 */
function noCells(known: number): LookError {
  return new LookError(
    'database nova_api',
    `cell_mappings names no cell${known === 0 ? ' at all' : ' but cell0'}, so of no server can be told whether Nova knows it`,
    {
      code: 'no-cells',
      hint: 'is this the right database? expunge needs Ocata or newer; nova-manage cell_v2 list_cells shows what should stand there',
    },
  );
}

/** Not so a login that was refused: asked again and again, it locks the account. */
function mayPass(error: unknown): boolean {
  return !(error instanceof UsageError);
}

/** How a database is called that needs no look into cell_mappings; null: one of a cell. */
function fixedPlace(database: string): string | null {
  if (database === 'api') return 'database nova_api';
  return isService(database) ? `database ${database}` : null;
}
