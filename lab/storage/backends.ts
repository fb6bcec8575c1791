import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ask, call } from '../api.ts';
import { run, waitFor } from '../command.ts';
import { cinderConfig } from '../config/cinder.ts';
import { type Ini, renderIni } from '../config/ini.ts';
import { nodeName, processes } from '../node/paths.ts';
import { readPower } from '../node/power.ts';
import { removeTarget, startTargets } from '../node/target.ts';
import type { Lab } from '../paths.ts';
import { findPid, readLogEnd, startProcess, stopService } from '../process.ts';
import { readService } from '../services.ts';
import { change } from '../sql.ts';
import { startService } from '../start.ts';
import { takeTurn } from '../turn.ts';
import {
  backendHosts,
  storageConfig,
  storageFolder,
  targetPrefix,
  tgtSocket,
  volumeTypes,
} from './config.ts';
import { deleteVolume, listVolumes } from './volumes.ts';

type Say = (line: string) => void;

const types = z.object({ volume_types: z.array(z.object({ id: z.string(), name: z.string() })) });
const services = z.object({ services: z.array(z.object({ host: z.string(), state: z.string() })) });
const pools = z.object({ pools: z.array(z.object({ name: z.string() })) });

/**
 * Gives the lab's Cinder both backends, and waits until volumes can be made. Once more, it exports anew what is in use: after
 * tgtd or cinder-volume ended. The lab and the node must be up.
 */
export async function startStorage(lab: Lab, say: Say): Promise<void> {
  assertUp(lab);
  if (readPower(lab) !== 'on') throw new Error(`${nodeName} does not run: \`node lab/node.ts up\` boots it`);
  await takeTurn(lab);
  await startTargets(lab);
  writeConfig(lab, storageConfig(lab));
  await stopService(lab, 'cinder-volume');
  await forgetReports(lab);
  startProcess(lab, {
    ...readService(lab, 'cinder-volume'),
    // Python finds the driver by it, and must leave no compiled files beside the sources.
    env: { PYTHONPATH: import.meta.dirname, PYTHONDONTWRITEBYTECODE: '1' },
  });
  await waitFor("cinder-volume to report the storage's backends", async () => {
    if (findPid(lab, 'cinder-volume') === undefined)
      throw new Error(`cinder-volume ended by itself:\n${readLogEnd(lab, 'cinder-volume')}`);
    return areBackendsUp(lab);
  });
  const known = await readTypes(lab);
  for (const name of volumeTypes.filter((type) => known.every((each) => each.name !== type))) {
    const volumeType = { name, extra_specs: { volume_backend_name: name } };
    await call(lab, 'volume', 'POST', '/types', { body: { volume_type: volumeType } });
  }
  say(`volume types ${volumeTypes.join(' and ')} are there`);
}

/** Takes volumes, types, backends and targets away again. Throws when a volume is attached, and changes nothing then. */
export async function stopStorage(lab: Lab, say: Say): Promise<void> {
  assertUp(lab);
  await takeTurn(lab);
  const volumes = await listVolumes(lab);
  const used = volumes.filter((volume) => volume.isAttached);
  if (used.length > 0)
    throw new Error(`attached, so detach them first: ${used.map((volume) => volume.id).join(', ')}`);
  for (const volume of volumes) await deleteVolume(lab, volume);
  if (volumes.length > 0) say(`deleted ${volumes.length} volumes`);
  await removeTypes(lab);
  await stopService(lab, 'cinder-volume');
  writeConfig(lab, cinderConfig(lab));
  await startService(lab, 'cinder-volume');
  // As `cinder-manage service remove` does; no request of Cinder's API takes a service away. Deleted volumes point to these rows.
  const remove =
    'UPDATE services SET deleted = 1, deleted_at = UTC_TIMESTAMP() WHERE host = ? AND deleted = 0';
  await change(
    lab,
    'cinder',
    backendHosts.map((name) => [remove, [name]]),
  );
  await removeTargets(lab);
  rmSync(storageFolder(lab), { recursive: true, force: true });
  say("the lab's Cinder is as it was");
}

/** True when both backends take requests. */
export async function areBackendsUp(lab: Lab): Promise<boolean> {
  const path = '/os-services?binary=cinder-volume';
  const listed = (await ask(lab, 'volume', 'GET', path, services)).services;
  const up = new Set(listed.filter((service) => service.state === 'up').map((service) => service.host));
  if (!backendHosts.every((name) => up.has(name))) return false;
  // The scheduler places nothing on a backend that has not told it what it has.
  const told = (await ask(lab, 'volume', 'GET', '/scheduler-stats/get_pools', pools)).pools;
  return backendHosts.every((name) => told.some((pool) => pool.name.startsWith(`${name}#`)));
}

function assertUp(lab: Lab): void {
  if (findPid(lab, 'cinder-api') === undefined) throw new Error('the lab does not run: `npm run lab:up`');
}

function writeConfig(lab: Lab, ini: Ini): void {
  writeFileSync(join(lab.etc, 'cinder.conf'), renderIni(ini), { mode: 0o640 });
}

async function readTypes(lab: Lab): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const known = (await ask(lab, 'volume', 'GET', '/types', types)).volume_types;
  return known.filter((type) => volumeTypes.some((name) => name === type.name));
}

/**
 * As Cinder's own delete of a type (cinder/db/sqlalchemy/api.py:volume_type_destroy, 21.3), which it refuses here: the lab's
 * cinder.conf names a default type that was never made.
 */
async function removeTypes(lab: Lab): Promise<void> {
  const gone = 'deleted = 1, deleted_at = UTC_TIMESTAMP()';
  const ids = (await readTypes(lab)).map((type) => type.id);
  await change(
    lab,
    'cinder',
    ids.flatMap((id) => [
      [`UPDATE volume_type_extra_specs SET ${gone} WHERE volume_type_id = ? AND deleted = 0`, [id]],
      [`UPDATE volume_types SET ${gone} WHERE id = ? AND deleted = 0`, [id]],
    ]),
  );
}

/** Only a report made after this moment counts. */
async function forgetReports(lab: Lab): Promise<void> {
  const statement = 'UPDATE services SET updated_at = updated_at - INTERVAL 10 MINUTE WHERE host = ?';
  await change(
    lab,
    'cinder',
    backendHosts.map((name) => [statement, [name]]),
  );
}

/** The storage's targets, and tgtd itself when nobody else has a target. */
async function removeTargets(lab: Lab): Promise<void> {
  if (findPid(lab, processes.target) === undefined) return;
  const env = { TGT_IPC_SOCKET: tgtSocket(lab) };
  const show = ['/usr/sbin/tgtadm', '--lld', 'iscsi', '--op', 'show', '--mode', 'target'];
  const targets = parseTargets((await run(show, { env, timeoutMs: 15_000 })).stdout);
  for (const target of targets.filter((each) => each.iqn.startsWith(targetPrefix)))
    await removeTarget(lab, { ...target, files: [] });
  if (targets.every((each) => each.iqn.startsWith(targetPrefix))) await stopService(lab, processes.target, 0);
}

/** tgt's number and the name of each target, of `tgtadm --op show --mode target`. */
export function parseTargets(text: string): readonly { readonly number: number; readonly iqn: string }[] {
  return [...text.matchAll(/^Target (\d+): (\S+)$/gm)].map((match) => ({
    number: Number(match[1]),
    iqn: match[2] ?? '',
  }));
}
