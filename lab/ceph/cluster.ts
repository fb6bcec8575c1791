import { randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type RunOptions, type RunResult, run, waitFor } from '../command.ts';
import { renderIni } from '../config/ini.ts';
import { type Lab, makeFolders } from '../paths.ts';
import { findPid, readLogEnd, startProcess, stopService } from '../process.ts';
import { cephConfig } from './config.ts';
import { cephAddress, cephPaths, cephPorts, cephProcesses, fsid, keyring, pools } from './paths.ts';
import { listImages } from './rbd.ts';

/** Both monitor and manager are called so: a cluster of one has no need of names. */
const id = 'lab';

/** Entities and what each may do. The users' are those that the Ceph documentation gives OpenStack's services. */
const entities: Readonly<Record<string, readonly string[]>> = {
  'mon.': ['mon', 'allow *'],
  'client.admin': ['mon', 'allow *', 'mgr', 'allow *', 'osd', 'allow *'],
  [`mgr.${id}`]: ['mon', 'allow profile mgr', 'osd', 'allow *'],
  'osd.0': ['mon', 'allow profile osd', 'mgr', 'allow profile osd', 'osd', 'allow *'],
  'client.cinder': rbdCaps(pools.cinder, pools.nova),
  'client.nova': rbdCaps(pools.nova, pools.cinder),
};

function rbdCaps(...names: readonly string[]): readonly string[] {
  const perPool = names.map((name) => `profile rbd pool=${name}`).join(', ');
  return ['mon', 'profile rbd', 'mgr', perPool, 'osd', perPool];
}

const status = z.object({
  health: z.object({ status: z.string(), checks: z.record(z.string(), z.unknown()) }),
  osdmap: z.object({ num_osds: z.number(), num_up_osds: z.number(), num_in_osds: z.number() }),
  pgmap: z.object({
    num_pgs: z.number(),
    pgs_by_state: z.array(z.object({ state_name: z.string(), count: z.number() })),
  }),
  mgrmap: z.object({ available: z.boolean() }),
});

export interface ClusterStatus {
  /** True when every placement group takes writes, which is what a client waits for. */
  readonly isUsable: boolean;
  readonly summary: string;
}

/** Makes the cluster the first time, and starts what of it does not run. Needs nothing else of the lab. */
export async function startCluster(lab: Lab): Promise<void> {
  makeFolders(lab);
  await run(['ip', 'address', 'replace', `${cephAddress}/32`, 'dev', 'lo']);
  const paths = cephPaths(lab);
  const isMade = existsSync(paths.made);
  if (!isMade) await makeMonitor(lab);
  writeFileSync(paths.conf, renderIni(cephConfig(lab)), { mode: 0o644 });
  await startMonitor(lab);
  if (!isMade) await makeOsd(lab);
  start(lab, cephProcesses.manager, 'ceph-mgr', id);
  start(lab, cephProcesses.osd, 'ceph-osd', '0');
  if (!isMade) await makePools(lab);
  await waitFor('Ceph to take writes', async () => {
    assertRuns(lab);
    return (await readClusterStatus(lab)).isUsable;
  });
  // For a moment the map has an OSD up that was killed; this question waits until there is one that answers.
  await listImages(lab, pools.nova);
  writeFileSync(paths.made, '');
}

/** Ends the daemons; without `keep` their disks and keys go too. */
export async function stopCluster(lab: Lab, options: { readonly keep: boolean }): Promise<void> {
  const politeMs = options.keep ? 20_000 : 0;
  await stopService(lab, cephProcesses.osd, politeMs);
  await stopService(lab, cephProcesses.manager, politeMs);
  await stopService(lab, cephProcesses.monitor, politeMs);
  await run(['ip', 'address', 'delete', `${cephAddress}/32`, 'dev', 'lo'], { allow: 'any' });
  if (!options.keep) rmSync(cephPaths(lab).dir, { recursive: true, force: true });
}

/** What Ceph says of itself. Throws when the monitor gives no answer. */
export async function readClusterStatus(lab: Lab): Promise<ClusterStatus> {
  const answer = status.parse(JSON.parse((await askCeph(lab, ['status', '--format', 'json'])).stdout));
  const { osdmap, pgmap, mgrmap, health } = answer;
  const active = pgmap.pgs_by_state.filter((each) => each.state_name === 'active+clean');
  const clean = active.reduce((sum, each) => sum + each.count, 0);
  const checks = Object.keys(health.checks).join(' ');
  return {
    isUsable: osdmap.num_up_osds > 0 && pgmap.num_pgs > 0 && clean === pgmap.num_pgs && mgrmap.available,
    summary: `${health.status}${checks === '' ? '' : ` (${checks})`}, ${osdmap.num_up_osds} OSD up, ${clean} of ${pgmap.num_pgs} placement groups clean`,
  };
}

/** The `ceph` command as its administrator. */
function askCeph(lab: Lab, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const argv = ['ceph', '--conf', cephPaths(lab).conf, '--connect-timeout', '10', ...args];
  return run(argv, { timeoutMs: 60_000, ...options });
}

async function makeMonitor(lab: Lab): Promise<void> {
  const paths = cephPaths(lab);
  // What an interrupted run left is not mended but made again.
  await stopCluster(lab, { keep: false });
  await run(['ip', 'address', 'replace', `${cephAddress}/32`, 'dev', 'lo']);
  // Clients of other users find the config here; the keys are for root alone.
  mkdirSync(paths.dir, { recursive: true, mode: 0o755 });
  for (const folder of [paths.keys, paths.monitor, paths.manager, paths.osd, paths.run])
    mkdirSync(folder, { mode: 0o700 });
  writeFileSync(paths.conf, renderIni(cephConfig(lab)), { mode: 0o644 });
  const all = await makeKeys(lab);
  const map = join(paths.dir, 'monmap');
  const addresses = `[v2:${cephAddress}:${cephPorts.monitorV2},v1:${cephAddress}:${cephPorts.monitorV1}]`;
  await run(['monmaptool', '--create', '--fsid', fsid, '--addv', id, addresses, map]);
  const mkfs = ['ceph-mon', '--mkfs', '--conf', paths.conf, '-i', id];
  // It takes all users from the keyring, so none has to be made later.
  await run([...mkfs, '--monmap', map, '--keyring', all]);
  for (const file of [all, map]) rmSync(file);
}

/** A key for each entity, in a file of its own; gives the file that has them all. */
async function makeKeys(lab: Lab): Promise<string> {
  const paths = cephPaths(lab);
  const all = join(paths.keys, 'all');
  writeFileSync(all, '', { mode: 0o600 });
  for (const [name, caps] of Object.entries(entities)) {
    const pairs = Array.from({ length: caps.length / 2 }, (_, at) => caps.slice(at * 2, at * 2 + 2));
    const file = keyring(lab, name);
    const options = pairs.flatMap((pair) => ['--cap', ...pair]);
    await run(['ceph-authtool', '--create-keyring', file, '--gen-key', '-n', name, ...options]);
    chmodSync(file, 0o600);
    writeFileSync(all, readFileSync(file), { flag: 'a' });
  }
  copyFileSync(keyring(lab, 'osd.0'), join(paths.osd, 'keyring'));
  return all;
}

async function startMonitor(lab: Lab): Promise<void> {
  start(lab, cephProcesses.monitor, 'ceph-mon', id);
  await waitFor('the monitor of Ceph', async () => {
    assertRuns(lab, [cephProcesses.monitor]);
    return (await askCeph(lab, ['mon', 'stat'], { allow: 'any' })).code === 0;
  });
}

async function makeOsd(lab: Lab): Promise<void> {
  const paths = cephPaths(lab);
  const uuid = randomUUID();
  await askCeph(lab, ['osd', 'new', uuid, '0']);
  await run(['ceph-osd', '--mkfs', '--conf', paths.conf, '-i', '0', '--osd-uuid', uuid]);
}

async function makePools(lab: Lab): Promise<void> {
  for (const pool of Object.values(pools)) {
    await askCeph(lab, ['osd', 'pool', 'create', pool, '8', '8']);
    await askCeph(lab, ['osd', 'pool', 'application', 'enable', pool, 'rbd']);
  }
}

function start(lab: Lab, name: string, program: string, daemonId: string): void {
  startProcess(lab, {
    name,
    argv: [`/usr/bin/${program}`, '-f', '--conf', cephPaths(lab).conf, '-i', daemonId],
  });
}

function assertRuns(lab: Lab, names: readonly string[] = Object.values(cephProcesses)): void {
  for (const name of names) {
    if (findPid(lab, name) === undefined)
      throw new Error(`${name} ended by itself. The end of its log:\n${readLogEnd(lab, name)}`);
  }
}
