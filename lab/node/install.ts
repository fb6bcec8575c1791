import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../command.ts';
import { install } from '../install.ts';
import { type Lab, makeFolders } from '../paths.ts';
import { type NodePaths, nodePaths } from './paths.ts';

/** The kernels of Debian 12 and 13 end at once on processors with a large register state (`ptrace set fp regs failed`). */
const fromUnstable = ['user-mode-linux', 'libc6'] as const;

/** Programs for the node alone, and what they link to that a machine may lack. */
const tools = ['multipath-tools', 'liburcu8', 'ethtool', 'patchelf'] as const;

/** Installs the lab's packages that are missing; fetches the node's kernel and programs and unpacks them below the lab's folder. */
export async function installNode(lab: Lab, say: (line: string) => void): Promise<void> {
  // The node boots on the machine's own root: what is installed here, it has.
  await install(say);
  const paths = nodePaths(lab);
  const done = join(paths.kernel, 'done');
  const wanted = [...fromUnstable, ...tools].join(' ');
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return;
  say(`fetching ${wanted}`);
  makeFolders(lab);
  // What an interrupted run left is not mended but made again.
  rmSync(paths.kernel, { recursive: true, force: true });
  const mirror = await readMirror();
  await unpack(paths, 'unstable', mirror.uri, 'unstable', fromUnstable);
  await unpack(paths, 'tools', mirror.uri, mirror.codename, tools);
  mergeUsr(paths.tools);
  await placeKernel(paths);
  writeFileSync(done, wanted);
}

/** The mirror and the release that this machine's own Debian packages come from. */
async function readMirror(): Promise<{ readonly uri: string; readonly codename: string }> {
  const format = '$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)';
  const { stdout } = await run(['apt-get', 'indextargets', '--format', format, 'Created-By: Packages']);
  for (const line of stdout.split('\n')) {
    const [origin, label, codename, uri] = line.split('|');
    const release = codename !== undefined && /^[a-z]+$/.test(codename);
    if (origin === 'Debian' && label === 'Debian' && release && uri !== undefined) return { uri, codename };
  }
  throw new Error('apt has no list of a Debian release on this machine: run `apt-get update` first');
}

/** Downloads packages with lists and caches of its own, and unpacks them into one folder. */
async function unpack(
  paths: NodePaths,
  folder: string,
  mirror: string,
  suite: string,
  names: readonly string[],
): Promise<void> {
  const apt = join(paths.kernel, 'apt', suite);
  const debs = join(apt, 'debs');
  for (const each of ['lists/partial', 'cache/archives/partial', 'debs'])
    mkdirSync(join(apt, each), { recursive: true });
  const sources = join(apt, 'sources.list');
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(sources, `deb [signed-by=${keys}] ${mirror} ${suite} main\n`);
  const settings = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    // The lab's folder is root's, and apt's own user cannot write there.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  const options = ['-q', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
  const env = readProxies();
  await run(['apt-get', ...options, 'update'], { env });
  await run(['apt-get', ...options, 'download', ...names], { env, cwd: debs });
  const target = join(paths.kernel, folder);
  for (const deb of readdirSync(debs)) await run(['dpkg', '-x', join(debs, deb), target]);
  rmSync(apt, { recursive: true });
}

/** Moves `lib` below `usr`: laid over the machine's files, a folder of that name would hide its link to `usr/lib`. */
function mergeUsr(folder: string): void {
  for (const name of ['bin', 'sbin', 'lib'].filter((each) => existsSync(join(folder, each))))
    moveInto(join(folder, name), join(folder, 'usr', name));
}

function moveInto(from: string, to: string): void {
  if (!existsSync(to)) {
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
    return;
  }
  for (const name of readdirSync(from)) moveInto(join(from, name), join(to, name));
  rmSync(from, { recursive: true });
}

/** Points the kernel at the C library that came with it: called through that loader by hand it does not start. */
async function placeKernel(paths: NodePaths): Promise<void> {
  const unstable = join(paths.kernel, 'unstable');
  const libraries = join(unstable, 'usr/lib/x86_64-linux-gnu');
  const [release, ...more] = readdirSync(join(unstable, 'usr/lib/uml/modules'));
  if (release === undefined || more.length > 0)
    throw new Error(`user-mode-linux brought modules for ${[release, ...more].join(', ') || 'no kernel'}`);
  renameSync(join(unstable, 'usr/lib/uml/modules', release), paths.modules);
  renameSync(join(unstable, 'usr/bin/linux.uml'), paths.linux);
  const loader = join(libraries, 'ld-linux-x86-64.so.2');
  const patchelf = join(paths.tools, 'usr/bin/patchelf');
  await run([patchelf, '--set-interpreter', loader, '--set-rpath', libraries, paths.linux]);
  const { stdout } = await run([paths.linux, '--version']);
  if (stdout.trim() !== release)
    throw new Error(`the kernel says that it is ${stdout.trim()}, its modules are for ${release}`);
}

/** apt needs the caller's own way out; nothing else of the caller's environment. */
function readProxies(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]);
  const set = names.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(set.filter((pair): pair is readonly [string, string] => pair[1] !== undefined));
}
