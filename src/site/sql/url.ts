/** Database URLs in SQLAlchemy's form, and the templates that cell_mappings may hold. */
import { UsageError } from '../../plan/errors.ts';

export interface DatabaseUrl {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly socketPath: string | undefined;
  readonly tls:
    | {
        readonly ca?: string;
        readonly cert?: string;
        readonly key?: string;
        /** the certificate must be of the host that is connected to */
        readonly verifyHost: boolean;
      }
    | undefined;
}

/**
 * `mysql+pymysql://user:p%40ss@host:3306/nova?charset=utf8&ssl_ca=/etc/ca.pem`
 *
 * With an authority PyMySQL asks whose certificate it is, unless `ssl_check_hostname=false` (PyMySQL 1.0
 * `connections.py:Connection._create_ssl_ctx`; SQLAlchemy 1.4 `dialects/mysql/mysqldb.py:MySQLDialect_mysqldb.create_connect_args`). So does expunge.
 *
 * @throws UsageError without the URL in its text, since it holds a password
 */
export function parseDatabaseUrl(what: string, url: string): DatabaseUrl {
  const invalid = (why: string) =>
    new UsageError(`${what}: ${why}`, {
      code: 'database-url-invalid',
      hint: 'the form is mysql://user:password@host:port/name',
    });
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw invalid('is not a database URL');
  }
  if (!/^(mysql|mariadb)(\+\w+)?:$/.test(parsed.protocol))
    throw invalid(`${parsed.protocol.slice(0, -1)} databases are not supported`);
  const database = unquote(parsed.pathname.replace(/^\//, ''));
  if (database === '') throw invalid('names no database');
  const query = parsed.searchParams;
  const tls = [...query.keys()].some((k) => k.startsWith('ssl'))
    ? {
        ...(query.get('ssl_ca') === null ? {} : { ca: query.get('ssl_ca') as string }),
        ...(query.get('ssl_cert') === null ? {} : { cert: query.get('ssl_cert') as string }),
        ...(query.get('ssl_key') === null ? {} : { key: query.get('ssl_key') as string }),
        verifyHost:
          query.has('ssl_ca') && !/^(false|no|off|0|f|n)$/i.test(query.get('ssl_check_hostname') ?? ''),
      }
    : undefined;
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: parsed.port === '' ? 3306 : Number(parsed.port),
    user: unquote(parsed.username),
    password: unquote(parsed.password),
    database,
    socketPath: query.get('unix_socket') ?? undefined,
    tls,
  };
}

/** As Python's `unquote`: a percent sign that begins no escape stands for itself. */
function unquote(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}

/**
 * Fills a cell's URL template from this host's own `[database] connection`.
 *
 * nova 18+ `objects/cell_mapping.py:CellMapping._format_db_url`: `{scheme} {username} {password} {hostname} {port} {path}
 * {query} {fragment}`; `path` has no leading slash.
 *
 * @throws UsageError when the template needs a nova.conf that the site file does not name, or that has no URL either
 */
export function fillTemplate(what: string, template: string, connection: string | undefined): string {
  if (!/\{\w+\}/.test(template)) return template;
  if (connection === undefined)
    throw new UsageError(`${what}: its URL in cell_mappings is a template`, {
      code: 'cell-url-template',
      hint: 'name a nova.conf with a [database] connection as nova_conf in the site file',
    });
  if (!URL.canParse(connection))
    throw new UsageError(`${what}: nova.conf's [database] connection is not a database URL`, {
      code: 'database-url-invalid',
    });
  const source = new URL(connection);
  const parts: Record<string, string> = {
    scheme: source.protocol.slice(0, -1),
    username: source.username,
    password: source.password,
    hostname: source.hostname,
    port: source.port,
    path: source.pathname.replace(/^\//, ''),
    query: source.search.replace(/^\?/, ''),
    fragment: source.hash.replace(/^#/, ''),
  };
  const filled = template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => parts[name] ?? whole);
  // A connection without a port leaves "host:/nova", which Python's parser takes and URL does not need.
  return filled.replace(/:\/(?!\/)/, '/');
}
