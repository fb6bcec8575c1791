/**
 * The reading half of the five doors. Code that is handed a `Reader` cannot write: there is nothing here to write with.
 *
 * Every method either answers or throws `LookError`; "could not look" never comes back as an empty answer. Within one
 * survey an identical question is asked once and its answer shared, so kinds may ask freely and stay ignorant of each other.
 */
import type { Compilable, SelectQueryBuilder } from 'kysely';
import type { BeforeImage, Check, Service } from '../plan/types.ts';
import type { Containers } from './command/containers.ts';
import type { QueueContents } from './queue/buses.ts';

/** One row, as text and numbers: dates are `YYYY-MM-DD HH:MM:SS` UTC, binary is `{base64}`. */
export type Row = Readonly<Record<string, string | number | null | { readonly base64: string }>>;

/** The part of a query builder that can only select. */
export interface Select {
  selectFrom(table: string): SelectQueryBuilder<Record<string, Record<string, unknown>>, string, object>;
}

export interface SqlReader {
  /** Rows of one select on `api` (Nova's API database), `cell:<cell uuid>`, or, where the site names it, `neutron` or `cinder`. */
  rows(database: string, build: (sql: Select) => Compilable): Promise<readonly Row[]>;
  /** Columns of the tables asked for; a table that is not there is not in the answer. */
  columns(database: string, tables: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** Whether the site says where the database is: `neutron` and `cinder` need not be named. Asks nobody. */
  names(database: string): boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

export type ServiceToken =
  | { readonly available: true; readonly from: string }
  | { readonly available: false; readonly why: string };

export interface HttpReader {
  /** GET. Statuses of 200–299 and those in `also` are answers; any other throws, with the request id. */
  get(
    service: Service,
    path: string,
    options?: { microversion?: string; also?: readonly number[] },
  ): Promise<HttpAnswer>;
  /** GET of a collection, all its pages: `key` names the array in the body (`ports`, `images`). */
  list(
    service: Service,
    path: string,
    key: string,
    options?: { microversion?: string },
  ): Promise<readonly unknown[]>;
  /** Whether the cloud's catalog has this service at all. */
  has(service: Service): Promise<boolean>;
  /** Whether an act can be sent with a service's token, with a role by which Cinder knows one. */
  serviceToken(): Promise<ServiceToken>;
}

export interface CommandAnswer {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandReader {
  /** Runs a reading command on a host. Throws only when the host or the program cannot be reached; an exit code is an answer. */
  run(host: string, argv: readonly string[]): Promise<CommandAnswer>;
}

export interface CacheReader {
  /** memcached servers of the site, `host:port`; empty when the site has none */
  readonly servers: readonly string[];
  /** The value under a key, or null. */
  get(server: string, key: string): Promise<Buffer | null>;
}

export interface QueueReader {
  /**
   * What waits in a queue of the message bus of a cell (`cell:<cell uuid>`), or null when there is no such queue. Leaves the queue as it was;
   * RabbitMQ notes of each message that it was handed out before, which Nova does not look at.
   */
  waiting(database: string, queue: string): Promise<QueueContents | null>;
}

/** Where Nova keeps a server's own disks when not in the instances folder: `[libvirt] images_type` rbd or lvm. */
export type ImageStore =
  | {
      readonly type: 'rbd';
      readonly pool: string;
      /** the Ceph user, without `client.`; null: rbd's own default */
      readonly user: string | null;
      /** null: /etc/ceph/ceph.conf */
      readonly conf: string | null;
    }
  | { readonly type: 'lvm'; readonly group: string };

/** What the site file says of one compute host. */
export interface HostFacts {
  readonly name: string;
  readonly instancesPath: string;
  /** the same as Nova and libvirt have it, whose containers may have it at another path */
  readonly novasInstancesPath: string;
  /** which programs are in containers; null: none */
  readonly containers: Containers | null;
  /** a proxy takes its connections, and takes them when the host is off too */
  readonly proxied?: boolean;
  /** where Nova keeps disks there when not in the instances folder; null: the site file does not say */
  readonly images: ImageStore | null;
}

export interface Reader {
  readonly sql: SqlReader;
  readonly http: HttpReader;
  readonly command: CommandReader;
  readonly cache: CacheReader;
  readonly queue: QueueReader;
  /** The host as the site file has it, or null when the site file does not know how to reach it. */
  host(name: string): HostFacts | null;
  /** Answers a check of a plan. @throws LookError when it could not look */
  holds(check: Check): Promise<boolean>;
  /** Reads what a step saves first: JSON that `undo` understands. */
  image(what: BeforeImage): Promise<unknown>;
  /** The same doors without the memory of earlier answers: for checks just before an act, and for verify. */
  fresh(): Reader;
}
