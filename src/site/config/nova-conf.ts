/** The few settings of a nova.conf that say where things are. */

export interface NovaConf {
  readonly apiConnection: string | undefined;
  /** `[database] connection` of this host: the source of cell URL templates */
  readonly connection: string | undefined;
  /** `[DEFAULT] transport_url`: the source of the templates of message buses */
  readonly transportUrl: string | undefined;
  /** `[oslo_messaging_rabbit]`: holds for message buses whose URL does not say otherwise */
  readonly rabbitTls: {
    readonly on: boolean;
    readonly ca: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
  };
  readonly instanceNameTemplate: string | undefined;
  readonly serviceDownTime: number | undefined;
  /** `[DEFAULT] servicegroup_driver`: where services leave their signs of life; undefined: in the database */
  readonly servicegroupDriver: string | undefined;
  readonly instancesPath: string | undefined;
  /** who Nova's services are to each other: `[service_user]`, or the section that its `auth_section` names; undefined without a password */
  readonly serviceUser: Readonly<Record<string, string>> | undefined;
}

const SERVICE_USER_KEYS = [
  'username',
  'user_id',
  'password',
  'project_name',
  'project_id',
  'user_domain_name',
  'user_domain_id',
  'project_domain_name',
  'project_domain_id',
];

/** nova.conf's sections and keys, as `section.key`. */
type Values = ReadonlyMap<string, string>;

function inSection(name: string, key: string): string {
  return `${name === 'DEFAULT' ? name : name.toLowerCase()}.${key}`;
}

/**
 * oslo.config's ini: `key = value`, `#` comments, lines that begin with white space go on from the one before, names of sections in
 * any case of letters but for DEFAULT (`iniparser.py:BaseParser.parse`, `cfg.py:_normalize_group_name`).
 */
function parseIni(text: string): Values {
  const values = new Map<string, string>();
  let section = 'DEFAULT';
  let last: string | null = null;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const heading = /^\[([^\]]+)\]/.exec(line);
    if (heading?.[1] !== undefined) {
      section = heading[1];
      last = null;
    } else if (/^\s/.test(line) && last !== null) {
      values.set(last, `${values.get(last) ?? ''}\n${line.trim()}`);
    } else {
      const pair = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line);
      if (pair?.[1] === undefined) continue;
      last = inSection(section, pair[1].trim());
      values.set(last, (pair[2] ?? '').trim().replace(/^(["'])(.*)\1$/, '$2'));
    }
  }
  return values;
}

/** What packages set, where Nova's own default is the folder of its Python modules (nova 26 `conf/paths.py`). */
const DEFAULTS: Values = new Map([['DEFAULT.state_path', '/var/lib/nova']]);

/** A value may name one that names another; no more deeply than this, so that two that name each other end. */
const MAX_DEPTH = 8;

/**
 * The value of a key with what it refers to put in: `$name` and `${name}` of its own section or of DEFAULT, `$section.name`; a dollar
 * sign itself is written `$$` or `\$` (oslo.config 9 `cfg.py:ConfigOpts._substitute`, `StrSubWrapper`). What stands in no file, such
 * as a default of Nova's, stays as it is written.
 */
function valueIn(values: Values, section: string, key: string, depth = 0): string | undefined {
  const own = inSection(section, key);
  const raw = values.get(own) ?? DEFAULTS.get(own);
  if (raw === undefined || depth > MAX_DEPTH) return raw;
  return raw
    .replaceAll('\\$', '$$$$')
    .replaceAll(
      /\$(?:\$|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi,
      (whole, plain?: string, braced?: string) => {
        const name = plain ?? braced;
        if (name === undefined) return '$';
        const [, other = '', rest = ''] = /^([^.]+)\.(.+)$/.exec(name) ?? [];
        return (
          (rest === ''
            ? valueIn(values, section, name, depth + 1)
            : valueIn(values, other, rest, depth + 1)) ??
          valueIn(values, 'DEFAULT', name, depth + 1) ??
          whole
        );
      },
    );
}

/** @param text of one file, or of several one after the other: what comes last counts */
export function parseNovaConf(text: string): NovaConf {
  const values = parseIni(text);
  const read = (section: string, key: string) => valueIn(values, section, key);
  const downTime = Number.parseInt(read('DEFAULT', 'service_down_time') ?? '', 10);
  // The second name is that of older releases (oslo.messaging 14 `impl_rabbit.py:rabbit_opts`).
  const rabbit = (name: string, older: string) =>
    read('oslo_messaging_rabbit', name) ?? read('oslo_messaging_rabbit', older);
  return {
    apiConnection: read('api_database', 'connection'),
    connection: read('database', 'connection'),
    transportUrl: read('DEFAULT', 'transport_url'),
    rabbitTls: {
      on: /^(1|true|yes|on)$/i.test(rabbit('ssl', 'rabbit_use_ssl') ?? ''),
      ca: rabbit('ssl_ca_file', 'kombu_ssl_ca_certs') || undefined,
      cert: rabbit('ssl_cert_file', 'kombu_ssl_certfile') || undefined,
      key: rabbit('ssl_key_file', 'kombu_ssl_keyfile') || undefined,
    },
    instanceNameTemplate: read('DEFAULT', 'instance_name_template'),
    serviceDownTime: Number.isNaN(downTime) ? undefined : downTime,
    servicegroupDriver: read('DEFAULT', 'servicegroup_driver'),
    // Its default is `$state_path/instances` (nova 26 `conf/compute.py`).
    instancesPath:
      read('DEFAULT', 'instances_path') ||
      (values.has('DEFAULT.state_path') ? `${read('DEFAULT', 'state_path')}/instances` : undefined),
    serviceUser: readServiceUser(read),
  };
}

/** keystoneauth1 `loading/conf.py:load_from_conf_options`: another section may hold the keys, and only `password` logs in by password. */
function readServiceUser(
  read: (section: string, key: string) => string | undefined,
): Readonly<Record<string, string>> | undefined {
  const section = read('service_user', 'auth_section') ?? 'service_user';
  const type = read(section, 'auth_type') ?? read(section, 'auth_plugin');
  if (type !== 'password' && type !== 'v3password') return undefined;
  const found = SERVICE_USER_KEYS.flatMap((key) => {
    const value = read(section, key);
    return value === undefined || value === '' ? [] : [[key, value] as const];
  });
  return Object.fromEntries(found);
}
