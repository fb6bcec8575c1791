/** clouds.yaml, secure.yaml and OS_*: as openstackclient reads them, as far as expunge needs them. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { isRecord } from '../parse.ts';
import type { SiteFile } from './site-file.ts';
import { readYaml } from './yaml.ts';

const text = z.union([z.string(), z.number()]).transform(String);

const cloudEntry = z.looseObject({
  auth_type: z.string().optional(),
  auth: z.record(z.string(), z.unknown()).default({}),
  region_name: text.optional(),
  interface: z.string().optional(),
  /** its older name */
  endpoint_type: z.string().optional(),
  cacert: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
  verify: z.boolean().optional(),
});

const authEntry = z.object({
  auth_url: z.url({ protocol: /^https?$/ }),
  username: text.optional(),
  user_id: text.optional(),
  password: text.optional(),
  project_name: text.optional(),
  project_id: text.optional(),
  /** a project, as Keystone's API v2.0 called it */
  tenant_name: text.optional(),
  tenant_id: text.optional(),
  user_domain_name: text.optional(),
  user_domain_id: text.optional(),
  project_domain_name: text.optional(),
  project_domain_id: text.optional(),
  domain_name: text.optional(),
  domain_id: text.optional(),
  system_scope: text.optional(),
  application_credential_id: text.optional(),
  application_credential_name: text.optional(),
  application_credential_secret: text.optional(),
});

export interface CloudAuth {
  readonly auth: Omit<z.infer<typeof authEntry>, 'tenant_name' | 'tenant_id'>;
  readonly region: string | undefined;
  readonly interface: 'public' | 'internal' | 'admin';
  readonly tls: {
    readonly cacert?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly verify: boolean;
  };
}

type ReadOptional = (path: string) => Promise<string | null>;
type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UsageError when the cloud is not described, or not with what a login needs */
export async function chooseCloud(
  file: SiteFile,
  folder: string,
  env: Environment,
  read: ReadOptional,
): Promise<CloudAuth> {
  const name = nameOfCloud(file, env);
  if (name === undefined) return parseCloud('the OS_* variables', fromEnvironment(env));
  const clouds = await firstClouds(candidates(file, folder, 'clouds.yaml'), read);
  const secure = await firstClouds(candidates(file, folder, 'secure.yaml'), read);
  const entry = clouds?.clouds[name];
  if (clouds === null || entry === undefined)
    throw new UsageError(
      clouds === null ? 'no clouds.yaml found' : `${clouds.path} has no cloud called ${name}`,
      { code: 'cloud-unknown', hint: 'set clouds_file and cloud in the site file' },
    );
  return parseCloud(`cloud ${name}`, merge(entry, secure?.clouds[name] ?? {}));
}

/** undefined: the OS_* variables describe it */
export function nameOfCloud(file: SiteFile, env: Environment): string | undefined {
  return file.cloud ?? (env['OS_CLOUD'] || undefined);
}

function candidates(file: SiteFile, folder: string, base: string): string[] {
  const beside = file.clouds_file === undefined ? [] : [join(file.clouds_file, '..', base)];
  if (file.clouds_file !== undefined && base === 'clouds.yaml') return [file.clouds_file];
  return [
    ...beside,
    join(folder, base),
    ...homes().map((home) => join(home, '.config/openstack', base)),
    join('/etc/openstack', base),
  ];
}

/** None for a user who does not stand in passwd. */
function homes(): string[] {
  try {
    return [homedir()];
  } catch {
    return [];
  }
}

async function firstClouds(
  paths: readonly string[],
  read: ReadOptional,
): Promise<{ path: string; clouds: Record<string, Record<string, unknown>> } | null> {
  for (const path of paths) {
    const content = await read(path);
    if (content === null) continue;
    const yaml = readYaml(content);
    const parsed = z
      .looseObject({ clouds: z.record(z.string(), z.record(z.string(), z.unknown())) })
      .safeParse('data' in yaml ? yaml.data : null);
    if (!parsed.success)
      throw new UsageError(`${path} is not a clouds file${'fault' in yaml ? `: ${yaml.fault}` : ''}`, {
        code: 'clouds-file-invalid',
      });
    return { path, clouds: parsed.data.clouds };
  }
  return null;
}

function merge(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const both = { ...a, ...b };
  if (isRecord(a['auth']) && isRecord(b['auth'])) both['auth'] = { ...a['auth'], ...b['auth'] };
  return both;
}

/** A variable that is empty counts as not set. */
function fromEnvironment(env: Environment): Record<string, unknown> {
  const said = (keys: readonly string[]) =>
    Object.fromEntries(
      keys.flatMap((key) => {
        const value = env[`OS_${key.toUpperCase()}`] ?? '';
        return value === '' ? [] : [[key, value] as const];
      }),
    );
  return {
    auth: said(Object.keys(authEntry.shape)),
    ...said(['region_name', 'interface', 'endpoint_type', 'cacert', 'cert', 'key']),
  };
}

function parseCloud(where: string, raw: Record<string, unknown>): CloudAuth {
  const cloud = cloudEntry.safeParse(raw);
  const auth = authEntry.safeParse(cloud.success ? cloud.data.auth : {});
  if (!cloud.success || !auth.success) {
    const key = (cloud.error ?? auth.error)?.issues[0]?.path.join('.') ?? 'auth';
    throw new UsageError(`${where}: ${key} is missing or not usable`, { code: 'cloud-incomplete' });
  }
  const { data } = cloud;
  // openstacksdk 4 `config/loader.py:_fix_backwards_interface`, `_fix_backwards_project`.
  const facing = (data.interface ?? data.endpoint_type)?.replace(/URL$/, '') ?? 'public';
  const { tenant_name, tenant_id, ...who } = auth.data;
  const project_name = who.project_name ?? tenant_name;
  const project_id = who.project_id ?? tenant_id;
  if (facing !== 'public' && facing !== 'internal' && facing !== 'admin')
    throw new UsageError(`${where}: interface must be public, internal or admin`, {
      code: 'cloud-incomplete',
    });
  return {
    auth: {
      ...who,
      ...(project_name === undefined ? {} : { project_name }),
      ...(project_id === undefined ? {} : { project_id }),
    },
    region: data.region_name,
    interface: facing,
    tls: {
      verify: data.verify ?? true,
      ...(data.cacert === undefined ? {} : { cacert: data.cacert }),
      ...(data.cert === undefined ? {} : { cert: data.cert }),
      ...(data.key === undefined ? {} : { key: data.key }),
    },
  };
}
