/**
 * A reader that gives the answers a test wrote down. It fails on a question that was not foreseen, and `unasked()` names the
 * answers that nobody asked for.
 */
import { LookError } from '../../src/plan/errors.ts';
import type { Check, Service } from '../../src/plan/types.ts';
import type { Containers } from '../../src/site/command/containers.ts';
import type { QueueContents } from '../../src/site/queue/buses.ts';
import type {
  CommandAnswer,
  HttpAnswer,
  ImageStore,
  Reader,
  Row,
  ServiceToken,
} from '../../src/site/reader.ts';
import { compileSelect } from '../../src/site/sql/compile.ts';

export interface FakeAnswers {
  /** `'network /v2.0/ports?device_id=…'` → body, or an answer with a status */
  readonly http?: Readonly<Record<string, { status?: number; body?: unknown } | LookError>>;
  /** `'compute1: virsh list --all'` → output, or exit code and outputs */
  readonly command?: Readonly<Record<string, string | Partial<CommandAnswer> | LookError>>;
  /** `'memcached1:11211 key'` → value */
  readonly cache?: Readonly<Record<string, string | Buffer | LookError>>;
  /** `'cell:c1 compute.compute1'` → what waits there; null: no such queue */
  readonly queue?: Readonly<Record<string, QueueContents | LookError | null>>;
  readonly servers?: readonly string[];
  /** services that the catalog does not have */
  readonly serviceToken?: ServiceToken;
  readonly without?: readonly Service[];
  /** the compiled SQL with its parameters written in place of `?` → rows; `database: sql` */
  readonly sql?: Readonly<Record<string, readonly Row[] | LookError>>;
  readonly columns?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly hosts?: Readonly<Record<string, string>>;
  /** of those that have programs in some */
  readonly containers?: Readonly<Record<string, Containers>>;
  /** of `neutron` and `cinder`, those that the site names */
  readonly databases?: readonly string[];
  readonly images?: Readonly<Record<string, ImageStore>>;
}

export function fakeReader(answers: FakeAnswers): Reader & { unasked(): string[] } {
  const asked = new Set<string>();
  function answer<T>(of: Readonly<Record<string, T | LookError>> | undefined, question: string): T {
    asked.add(question);
    const known = of?.[question];
    if (known === undefined) throw new Error(`the test did not foresee: ${question}`);
    if (known instanceof Error) throw known;
    return known;
  }
  const all = () =>
    [answers.http, answers.command, answers.sql, answers.queue].flatMap((of) => Object.keys(of ?? {}));
  const reader: Reader & { unasked(): string[] } = {
    unasked: () => all().filter((question) => !asked.has(question)),
    sql: {
      async rows(database, build) {
        return answer(answers.sql, `${database}: ${compileSelect(build).text}`);
      },
      async columns(database, tables) {
        const of = answers.columns?.[database] ?? {};
        return new Map(tables.flatMap((t) => (of[t] ? [[t, new Set(of[t])] as const] : [])));
      },
      names: (database) => answers.databases?.includes(database) ?? false,
    },
    http: {
      async get(service, path, options) {
        const known = answer(answers.http, `${service} ${path}`);
        const found: HttpAnswer = { status: known.status ?? 200, body: known.body ?? {} };
        if (found.status >= 300 && !options?.also?.includes(found.status))
          throw new LookError(service, `answered ${found.status}`, { code: `api-${found.status}` });
        return found;
      },
      async list(service, path, key) {
        const { status = 200, body } = answer(answers.http, `${service} ${path}`);
        if (status >= 300) throw new LookError(service, `answered ${status}`, { code: `api-${status}` });
        return (body as Record<string, unknown[]>)[key] ?? [];
      },
      async has(service) {
        return !answers.without?.includes(service);
      },
      async serviceToken() {
        return answers.serviceToken ?? { available: false, why: 'the test has none' };
      },
    },
    command: {
      async run(host, argv) {
        const known = answer(answers.command, `${host}: ${argv.join(' ')}`);
        const { exit = 0, out = '', err = '' } = typeof known === 'string' ? { out: known } : known;
        return { exit, out, err };
      },
    },
    cache: {
      servers: answers.servers ?? [],
      async get(server, key) {
        const known = answers.cache?.[`${server} ${key}`];
        if (known instanceof LookError) throw known;
        return known === undefined ? null : Buffer.from(known);
      },
    },
    queue: {
      async waiting(database, queue) {
        return answer(answers.queue, `${database} ${queue}`);
      },
    },
    host(name) {
      const path = answers.hosts?.[name];
      const images = answers.images?.[name] ?? null;
      const containers = answers.containers?.[name] ?? null;
      return path === undefined
        ? null
        : { name, instancesPath: path, novasInstancesPath: path, containers, images };
    },
    async holds(check: Check): Promise<boolean> {
      throw new Error(`the test did not foresee a check: ${JSON.stringify(check)}`);
    },
    async image(what) {
      throw new Error(`the test did not foresee a before-image: ${JSON.stringify(what)}`);
    },
    fresh: () => reader,
  };
  return reader;
}
