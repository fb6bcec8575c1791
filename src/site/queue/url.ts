/** URLs of a message bus in oslo.messaging's form, and the templates of them that cell_mappings may hold. */
import { LookError } from '../../plan/errors.ts';
import type { NovaConf } from '../config/nova-conf.ts';
import { fillNames, isTemplate, parseQuery } from '../service-url.ts';

/** One way to the bus: the brokers of a cluster are as good as each other. */
interface Broker {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface BusUrl {
  /** in the order of the URL; at least one */
  readonly brokers: readonly [Broker, ...Broker[]];
  readonly vhost: string;
  /** paths of files; undefined: not encrypted */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
}

const PORT = 5672;

/**
 * `rabbit://user:p%40ss@host1:5672,user:p%40ss@host2:5672/vhost?ssl=1&ssl_ca_file=/etc/ca.pem`, as oslo.messaging 14
 * `transport.py:TransportURL.parse` and `_drivers/impl_rabbit.py` take it apart: user `guest` where none is named, vhost `/` where the
 * path is empty, and what the query says goes before nova.conf's `[oslo_messaging_rabbit]`.
 *
 * @throws LookError without the URL in its text, since it holds passwords
 */
export function parseBusUrl(place: string, url: string, defaults?: NovaConf['rabbitTls']): BusUrl {
  const [, scheme = '', net = '', path = '', query = ''] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?/i.exec(url.trim()) ?? [];
  if (scheme === '') throw invalid(place, 'its URL is none of a message bus');
  if (scheme !== 'rabbit')
    throw new LookError(place, `it is of the kind ${scheme}, and only rabbit can be looked at`, {
      code: 'message-bus-kind',
    });
  const [first = localBroker(), ...others] = net
    .split(',')
    .filter((each) => each !== '')
    .map((each) => parseBroker(place, each));
  return {
    brokers: [first, ...others],
    vhost: unquote(place, path) || '/',
    tls: parseTls(parseQuery(query), defaults),
  };
}

function localBroker(): Broker {
  return { host: 'localhost', port: PORT, user: 'guest', password: 'guest' };
}

function parseBroker(place: string, text: string): Broker {
  const at = text.lastIndexOf('@');
  const [user = 'guest', password = 'guest'] =
    at < 0 ? [] : splitOnce(text.slice(0, at), ':').map((part) => unquote(place, part));
  const [, bracketed, plain, port = ''] =
    /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]*))(?::(\d*))?$/i.exec(text.slice(at + 1)) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw invalid(place, 'its URL names no host and port');
  return { host: host || 'localhost', port: Number(port) || PORT, user, password };
}

function splitOnce(text: string, mark: string): string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** As Python's `unquote`: a percent sign that begins no escape stands for itself. */
function unquote(place: string, text: string): string {
  try {
    return decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    throw invalid(place, 'an escape in its URL is no text');
  }
}

function parseTls(query: URLSearchParams, defaults: NovaConf['rabbitTls'] | undefined): BusUrl['tls'] {
  const ssl = query.get('ssl');
  if (!(ssl === null ? defaults?.on : /^(1|true|yes|on)$/i.test(ssl))) return undefined;
  const ca = query.get('ssl_ca_file') ?? defaults?.ca;
  const cert = query.get('ssl_cert_file') ?? defaults?.cert;
  const key = query.get('ssl_key_file') ?? defaults?.key;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function invalid(place: string, why: string): LookError {
  return new LookError(place, why, {
    code: 'message-bus-url',
    hint: 'the form is rabbit://user:password@host:port/vhost: see message_bus in docs/reference.md',
  });
}

/**
 * Fills a cell's template from this host's own `[DEFAULT] transport_url`.
 *
 * nova 18+ `objects/cell_mapping.py:CellMapping._format_url`: `{scheme} {username} {password} {hostname} {port} {path} {query}
 * {fragment}`, and for a URL of several hosts `{username1} {password1} {hostname1} {port1}` and so on. Nothing is unquoted on the way.
 *
 * @throws LookError when the template needs a nova.conf that the site file does not name, or that does not have what it needs
 */
export function fillBusTemplate(place: string, template: string, transportUrl: string | undefined): string {
  if (!isTemplate(template)) return template;
  if (transportUrl === undefined)
    throw new LookError(place, 'its URL in cell_mappings is a template', {
      code: 'message-bus-template',
      hint: 'name a nova.conf with a [DEFAULT] transport_url as nova_conf in the site file, or set message_bus',
    });
  const [, scheme = '', net = '', path = '', query = '', fragment = ''] =
    /^([^:]+):\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(?:#(.*))?$/.exec(transportUrl) ?? [];
  const parts = new Map(Object.entries({ scheme, path, query, fragment }));
  const hosts = net.split(',');
  for (const [index, host] of hosts.entries()) {
    const at = host.lastIndexOf('@');
    const [username = '', password = ''] = at < 0 ? [] : splitOnce(host.slice(0, at), ':');
    const [, hostname = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host.slice(at + 1)) ?? [];
    for (const [name, value] of Object.entries({ username, password, hostname, port })) {
      if (hosts.length === 1) parts.set(name, value);
      parts.set(`${name}${index + 1}`, value);
    }
  }
  return fillNames(template, (name) => {
    const part = parts.get(name);
    if (part !== undefined) return part;
    throw new LookError(
      place,
      `its URL in cell_mappings wants {${name}}, which nova.conf's transport_url lacks`,
      {
        code: 'message-bus-template',
      },
    );
  });
}
