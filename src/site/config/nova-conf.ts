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

/** oslo.config's ini: `key = value`, `#` comments, lines that begin with white space go on from the one before. */
export function parseNovaConf(text: string): NovaConf {
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
      last = `${section}.${pair[1].trim()}`;
      values.set(last, (pair[2] ?? '').trim().replace(/^(["'])(.*)\1$/, '$2'));
    }
  }
  const downTime = Number.parseInt(values.get('DEFAULT.service_down_time') ?? '', 10);
  // The second name is that of older releases (oslo.messaging 14 `impl_rabbit.py:rabbit_opts`).
  const rabbit = (name: string, older: string) =>
    values.get(`oslo_messaging_rabbit.${name}`) ?? values.get(`oslo_messaging_rabbit.${older}`);
  return {
    apiConnection: values.get('api_database.connection'),
    connection: values.get('database.connection'),
    transportUrl: values.get('DEFAULT.transport_url'),
    rabbitTls: {
      on: /^(1|true|yes|on)$/i.test(rabbit('ssl', 'rabbit_use_ssl') ?? ''),
      ca: rabbit('ssl_ca_file', 'kombu_ssl_ca_certs') || undefined,
      cert: rabbit('ssl_cert_file', 'kombu_ssl_certfile') || undefined,
      key: rabbit('ssl_key_file', 'kombu_ssl_keyfile') || undefined,
    },
    instanceNameTemplate: values.get('DEFAULT.instance_name_template'),
    serviceDownTime: Number.isNaN(downTime) ? undefined : downTime,
    instancesPath: values.get('DEFAULT.instances_path'),
    serviceUser: readServiceUser(values),
  };
}

/** keystoneauth1 `loading/conf.py:load_from_conf_options`: another section may hold the keys, and only `password` logs in by password. */
function readServiceUser(values: ReadonlyMap<string, string>): Readonly<Record<string, string>> | undefined {
  const section = values.get('service_user.auth_section') ?? 'service_user';
  const type = values.get(`${section}.auth_type`) ?? values.get(`${section}.auth_plugin`);
  if (type !== 'password' && type !== 'v3password') return undefined;
  const found = SERVICE_USER_KEYS.flatMap((key) => {
    const value = values.get(`${section}.${key}`);
    // oslo.config writes a dollar sign twice.
    return value === undefined || value === '' ? [] : [[key, value.replaceAll('$$', '$')] as const];
  });
  return Object.fromEntries(found);
}
