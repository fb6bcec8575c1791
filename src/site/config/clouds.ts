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
  cacert: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
  verify: z.boolean().optional(),
});

const authEntry = z.looseObject({
  auth_url: z.url({ protocol: /^https?$/ }),
  username: text.optional(),
  user_id: text.optional(),
  password: text.optional(),
  project_name: text.optional(),
  project_id: text.optional(),
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
  readonly auth: z.infer<typeof authEntry>;
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
  const name = file.cloud ?? env['OS_CLOUD'];
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

function candidates(file: SiteFile, folder: string, base: string): string[] {
  const beside = file.clouds_file === undefined ? [] : [join(file.clouds_file, '..', base)];
  if (file.clouds_file !== undefined && base === 'clouds.yaml') return [file.clouds_file];
  return [
    ...beside,
    join(folder, base),
    join(homedir(), '.config/openstack', base),
    join('/etc/openstack', base),
  ];
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

function fromEnvironment(env: Environment): Record<string, unknown> {
  const auth: Record<string, string> = {};
  for (const key of Object.keys(authEntry.shape)) {
    const value = env[`OS_${key.toUpperCase()}`];
    if (value !== undefined && value !== '') auth[key] = value;
  }
  return {
    auth,
    region_name: env['OS_REGION_NAME'],
    interface: env['OS_INTERFACE']?.replace(/URL$/, ''),
    cacert: env['OS_CACERT'],
    cert: env['OS_CERT'],
    key: env['OS_KEY'],
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
  const facing = data.interface?.replace(/URL$/, '') ?? 'public';
  if (facing !== 'public' && facing !== 'internal' && facing !== 'admin')
    throw new UsageError(`${where}: interface must be public, internal or admin`, {
      code: 'cloud-incomplete',
    });
  return {
    auth: auth.data,
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
