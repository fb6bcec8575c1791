/** Database URLs in SQLAlchemy's form, and the templates that cell_mappings may hold. */
import { UsageError } from '../../plan/errors.ts';
import { fillNames, isTemplate, parseQuery } from '../service-url.ts';

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

/** The parts of a URL as they are written, nothing unquoted; `host` without the brackets of an IPv6 address. */
interface WrittenUrl {
  readonly scheme: string;
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly query: string;
}

/**
 * As SQLAlchemy takes a URL apart, which is not how browsers do: in a password `/`, `#` and `?` stand for themselves, and up to
 * SQLAlchemy 1.3 so does `@` (`engine/url.py:_parse_rfc1738_args`; compared with 1.4.46).
 */
const WRITTEN =
  /^(?<scheme>[\w+]+):\/\/(?:(?<user>[^:/]*?)(?::(?<password>.*?))?@)?(?:\[(?<ipv6>[^/?\]]+)\]|(?<host>[^/:?@]*))(?::(?<port>\d*))?(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/s;

function takeApart(url: string): WrittenUrl | null {
  const found = WRITTEN.exec(url.trim())?.groups;
  if (found === undefined) return null;
  const {
    scheme = '',
    user = '',
    password = '',
    ipv6,
    host = '',
    port = '',
    database = '',
    query = '',
  } = found;
  return { scheme, user, password, host: ipv6 ?? host, port, database, query };
}

/**
 * `mysql+pymysql://user:p%40ss@host:3306/nova?charset=utf8&ssl_ca=/etc/ca.pem`
 *
 * With an authority PyMySQL asks whose certificate it is, unless `ssl_check_hostname=false` (PyMySQL 1.0
 * `connections.py:Connection._create_ssl_ctx`; SQLAlchemy 1.4 `dialects/mysql/mysqldb.py:MySQLDialect_mysqldb.create_connect_args`). So does expunge.
 *
 * @param authority as if the URL had it as its `ssl_ca`
 * @throws UsageError without the URL in its text, since it holds a password
 */
export function parseDatabaseUrl(what: string, url: string, authority?: string): DatabaseUrl {
  const invalid = (why: string) =>
    new UsageError(`${what}: ${why}`, {
      code: 'database-url-invalid',
      hint: 'the form is mysql://user:password@host:port/name',
    });
  const kind = /^\s*(\w[\w+]*):/.exec(url)?.[1];
  if (kind === undefined) throw invalid('is not a database URL');
  if (!/^(mysql|mariadb)(\+\w+)?$/.test(kind)) throw invalid(`${kind} databases are not supported`);
  const written = takeApart(url);
  if (written === null || Number(written.port) > 65_535) throw invalid('is not a database URL');
  const database = unquote(written.database);
  if (database === '') throw invalid('names no database');
  const query = parseQuery(written.query);
  if (authority !== undefined) query.set('ssl_ca', authority);
  const tls = [...query.keys()].some((k) => k.startsWith('ssl'))
    ? {
        ...named('ca', query.get('ssl_ca')),
        ...named('cert', query.get('ssl_cert')),
        ...named('key', query.get('ssl_key')),
        verifyHost:
          query.has('ssl_ca') && !/^(false|no|off|0|f|n)$/i.test(query.get('ssl_check_hostname') ?? ''),
      }
    : undefined;
  return {
    host: written.host || 'localhost',
    port: written.port === '' ? 3306 : Number(written.port),
    user: unquote(written.user),
    password: unquote(written.password),
    database,
    socketPath: query.get('unix_socket') ?? undefined,
    tls,
  };
}

function named<K extends string>(key: K, path: string | null): { readonly [k in K]?: string } {
  return path === null ? {} : ({ [key]: path } as { readonly [k in K]: string });
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
 * nova 18+ `objects/cell_mapping.py:CellMapping._format_url`: `{scheme} {username} {password} {hostname} {port} {path}
 * {query} {fragment}`; `path` has no leading slash.
 *
 * @throws UsageError when the template needs a nova.conf that the site file does not name, or that has no URL either
 */
export function fillTemplate(what: string, template: string, connection: string | undefined): string {
  if (!isTemplate(template)) return template;
  if (connection === undefined)
    throw new UsageError(`${what}: its URL in cell_mappings is a template`, {
      code: 'cell-url-template',
      hint: 'name a nova.conf with a [database] connection as nova_conf in the site file',
    });
  const source = takeApart(connection);
  if (source === null)
    throw new UsageError(`${what}: nova.conf's [database] connection is not a database URL`, {
      code: 'database-url-invalid',
    });
  const [, query = '', fragment = ''] = /^([^#]*)#?(.*)$/s.exec(source.query) ?? [];
  const parts: Record<string, string> = {
    scheme: source.scheme,
    username: source.user,
    password: source.password,
    hostname: inBrackets(source.host),
    port: source.port,
    path: source.database,
    query,
    fragment,
  };
  return fillNames(template, (name) => parts[name]);
}

/** An IPv6 address as a URL has it. */
function inBrackets(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
