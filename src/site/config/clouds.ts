/** clouds.yaml, secure.yaml and OS_*: as openstackclient reads them, as far as expunge needs them. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { isRecord } from '../parse.ts';
import type { SiteFile } from './site-file.ts';
import { readYaml, text } from './yaml.ts';

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
  const name = nameOfCloud(file, env);
  if (name === undefined) return parseCloud('the OS_* variables', fromEnvironment(env));
  const clouds = await firstClouds(candidates(file, folder, env, 'clouds'), read);
  const secure = await firstClouds(candidates(file, folder, env, 'secure'), read);
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

/** openstacksdk 4 `config/loader.py`: `CONFIG_FILES`, `SECURE_FILES`, and the variables that come before them */
const FORMS = ['yaml', 'yml', 'json'] as const;
const VARIABLES = { clouds: 'OS_CLIENT_CONFIG_FILE', secure: 'OS_CLIENT_SECURE_FILE' } as const;

function candidates(
  file: SiteFile,
  folder: string,
  env: Environment,
  what: keyof typeof VARIABLES,
): string[] {
  if (file.clouds_file !== undefined && what === 'clouds') return [file.clouds_file];
  const within = (of: string) => FORMS.map((form) => join(of, `${what}.${form}`));
  const named = env[VARIABLES[what]];
  return [
    ...(file.clouds_file === undefined ? [] : within(join(file.clouds_file, '..'))),
    // What lies beside the site file is meant for it; a variable may be set for something else.
    ...within(folder),
    ...(named ? [named] : []),
    ...homes().flatMap((home) => within(join(home, '.config/openstack'))),
    ...within('/etc/openstack'),
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

/** What is left empty is as if nothing were in it: a secure.yaml of comments alone, a cloud without a key. */
const cloudsFile = z.looseObject({
  clouds: z
    .record(
      z.string(),
      z
        .record(z.string(), z.unknown())
        .nullable()
        .transform((entry) => entry ?? {}),
    )
    .nullish()
    .transform((clouds) => clouds ?? {}),
});

async function firstClouds(
  paths: readonly string[],
  read: ReadOptional,
): Promise<{ path: string; clouds: Record<string, Record<string, unknown>> } | null> {
  for (const path of paths) {
    const content = await read(path);
    if (content === null) continue;
    const yaml = readYaml(content);
    const parsed = 'data' in yaml ? cloudsFile.safeParse(yaml.data ?? {}) : { success: false as const };
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
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      // Only a file can say that nobody's certificate is looked at.
      name.startsWith('OS_') && name !== 'OS_VERIFY'
        ? [[name.slice('OS_'.length).toLowerCase(), value] as const]
        : [],
    ),
  );
}

/** Keys with dashes are the same keys, and one without a value is as if it were not there. */
function normalise(raw: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(raw).flatMap(([key, value]) =>
      value === null || value === '' ? [] : [[key.replaceAll('-', '_'), value] as const],
    ),
  );
}

/**
 * Older and looser ways to say it (openstacksdk 4 `config/loader.py:_fix_backwards_auth`, `_fix_backwards_interface`): a tenant is a
 * project, `endpoint_type` is `interface`, and what belongs to `auth` may stand beside it and then counts over it (for the user and the
 * password so in osc-lib 2.6 `cli/client_config.py:OSC_Config._validate_auth`, the other way round in openstacksdk's own).
 */
function modernise(raw: Record<string, unknown>): Record<string, unknown> {
  const { endpoint_type, ...entry } = normalise(raw);
  const within = isRecord(entry['auth']) ? normalise(entry['auth']) : {};
  const said = (key: string) => entry[key] ?? within[key];
  const auth = Object.keys(authEntry.shape).flatMap((key) => {
    const value =
      said(key) ?? (/^project_(name|id)$/.test(key) ? said(key.replace('project', 'tenant')) : undefined);
    return value === undefined ? [] : [[key, value] as const];
  });
  return { interface: endpoint_type, ...entry, auth: Object.fromEntries(auth) };
}

function parseCloud(where: string, raw: Record<string, unknown>): CloudAuth {
  const cloud = cloudEntry.safeParse(modernise(raw));
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
      ...(data.cacert === undefined ? {} : { cacert: expandHome(data.cacert) }),
      ...(data.cert === undefined ? {} : { cert: expandHome(data.cert) }),
      ...(data.key === undefined ? {} : { key: expandHome(data.key) }),
    },
  };
}

/** As openstacksdk does (4 `config/cloud_region.py:get_requests_verify_args`). */
function expandHome(path: string): string {
  return path.replace(/^~(?=\/)/, homes()[0] ?? '~');
}
