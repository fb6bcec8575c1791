/** Reads the files that describe a site. The environment comes in as a value: this room does not read it. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, messageOf, UsageError } from '../../plan/errors.ts';
import type * as z from '../../plan/zod.ts';
import { type CloudAuth, chooseCloud, nameOfCloud } from './clouds.ts';
import { findExposed, type ReadFile } from './exposed.ts';
import { type NovaConf, parseNovaConf } from './nova-conf.ts';
import { chooseServiceUser, type ServiceUser } from './service-user.ts';
import { type SiteFile, siteFile } from './site-file.ts';
import { readYaml } from './yaml.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything known of one cloud before the first connection. */
export interface SiteConfig {
  readonly name: string;
  readonly file: SiteFile;
  readonly auth: CloudAuth;
  readonly novaConf: NovaConf | null;
  /** null: nobody is named that could ask for a service's token */
  readonly serviceUser: ServiceUser | null;
  /** files with secrets in them that others on this machine can read */
  readonly exposed: readonly string[];
}

const DEFAULT_FILE = 'expunge.yaml';

/**
 * Finds and parses the site file, clouds.yaml with secure.yaml, and nova.conf when named.
 *
 * @param path from `--site`; without it `./expunge.yaml`, then `/etc/expunge/expunge.yaml`
 * @throws UsageError naming file, key and fault
 */
export async function loadSite(path: string | undefined, env: Environment): Promise<SiteConfig> {
  const found = path === undefined ? await findSiteFile() : path;
  const read: ReadFile[] = [];
  const note = <T extends string | null>(of: string, mask: ReadFile['mask'], text: T): T => {
    if (text !== null) read.push({ path: of, text, mask });
    return text;
  };
  const file = parseSiteFile(found, note(found, 0o077, await readText(found, 'site file')));
  const { nova_conf } = file;
  const [auth, novaConf] = await Promise.all([
    chooseCloud(file, dirname(found), env, async (of) => note(of, 0o077, await readOptional(of))),
    nova_conf === undefined
      ? null
      : readNovaConf(nova_conf).then((files) =>
          // Packages give nova.conf to Nova's group, which is to read it.
          parseNovaConf(files.map(({ path: of, text }) => note(of, 0o007, text)).join('\n[DEFAULT]\n')),
        ),
  ]);
  const serviceUser = chooseServiceUser(file.service_user, novaConf, auth);
  return {
    name: nameOfCloud(file, env) ?? 'environment',
    file,
    auth,
    novaConf,
    serviceUser,
    exposed: await findExposed(read),
  };
}

/**
 * nova.conf and, in the order of their names, what lies in `nova.conf.d` beside it: Nova reads that folder by itself since Ocata
 * (oslo.config 3.20 `cfg.py:find_config_dirs`), and where a deployment puts everything, it has no more in nova.conf.
 */
async function readNovaConf(path: string): Promise<readonly { path: string; text: string }[]> {
  const names = await readdir(`${path}.d`).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw new UsageError(`cannot read ${path}.d: ${firstLine(error)}`, { code: 'file-unreadable' });
  });
  const more = names.filter((name) => name.endsWith('.conf') && !name.startsWith('.')).sort();
  const paths = [path, ...more.map((name) => join(`${path}.d`, name))];
  return Promise.all(paths.map(async (of) => ({ path: of, text: await readText(of, 'nova_conf') })));
}

async function findSiteFile(): Promise<string> {
  for (const candidate of [join(process.cwd(), DEFAULT_FILE), join('/etc/expunge', DEFAULT_FILE)])
    if ((await readOptional(candidate)) !== null) return candidate;
  throw new UsageError('no site file: neither ./expunge.yaml nor /etc/expunge/expunge.yaml is there', {
    code: 'no-site-file',
    hint: 'name one with --site FILE',
  });
}

function parseSiteFile(path: string, text: string): SiteFile {
  const read = readYaml(text);
  if ('fault' in read)
    throw new UsageError(`${path} is not YAML: ${read.fault}`, { code: 'site-file-unreadable' });
  const parsed = siteFile.safeParse(read.data ?? {});
  if (parsed.success) return parsed.data;
  throw new UsageError(`${path}: ${explainIssue(parsed.error)}`, {
    code: 'site-file-invalid',
    hint: 'docs/reference.md lists every key',
  });
}

/** The first fault of a parse, with the path of its key. */
export function explainIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'invalid';
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys')
    return `unknown key ${issue.keys.map((k) => (at ? `${at}.${k}` : k)).join(', ')}`;
  return at ? `${at}: ${issue.message}` : issue.message;
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the ${what} ${path}: ${firstLine(error)}`, { code: 'file-unreadable' });
  }
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw new UsageError(`cannot read ${path}: ${firstLine(error)}`, { code: 'file-unreadable' });
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}
