import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ask, call } from './api.ts';
import { waitFor } from './command.ts';
import {
  type BackendSet,
  backendHosts,
  fullCinderConfig,
  turnOff,
  turnOn,
  volumeTypes,
} from './config/backends.ts';
import { renderIni } from './config/ini.ts';
import type { Lab } from './paths.ts';
import { findPid, readLogEnd, startProcess, stopService } from './process.ts';
import { readService } from './services.ts';
import { change } from './sql.ts';
import { startService } from './start.ts';
import { deleteVolume, listVolumes } from './storage/volumes.ts';

const types = z.object({ volume_types: z.array(z.object({ id: z.string(), name: z.string() })) });
const services = z.object({ services: z.array(z.object({ host: z.string(), state: z.string() })) });
const pools = z.object({ pools: z.array(z.object({ name: z.string() })) });

/** Gives the lab's Cinder these backends and volume types, starts cinder-volume anew and waits until volumes can be made. */
export async function addBackends(lab: Lab, set: BackendSet): Promise<void> {
  turnOn(lab, set);
  writeConfig(lab);
  await stopService(lab, 'cinder-volume');
  await forgetReports(lab, set);
  startProcess(lab, readService(lab, 'cinder-volume'));
  await waitFor(
    `cinder-volume to report ${backendHosts(set).join(' and ')}`,
    async () => {
      if (findPid(lab, 'cinder-volume') === undefined)
        throw new Error(`cinder-volume ended by itself:\n${readLogEnd(lab, 'cinder-volume')}`);
      return areBackendsUp(lab, set);
    },
    { everyMs: 1000, timeoutMs: 240_000 },
  );
  const known = await readTypes(lab, set);
  for (const { name, specs } of volumeTypes(set).filter((type) => known.every((k) => k.name !== type.name))) {
    const volumeType = { name, extra_specs: specs };
    await call(lab, 'volume', 'POST', '/types', { body: { volume_type: volumeType } });
  }
}

/** Takes backends away again, with their volumes and types. Throws when a volume is attached, and changes nothing then. */
export async function removeBackends(lab: Lab, set: BackendSet, say: (line: string) => void): Promise<void> {
  const volumes = await listVolumes(
    lab,
    volumeTypes(set).map((type) => type.name),
  );
  const used = volumes.filter((volume) => volume.isAttached);
  if (used.length > 0)
    throw new Error(`attached, so detach them first: ${used.map((volume) => volume.id).join(', ')}`);
  for (const volume of volumes) await deleteVolume(lab, volume);
  if (volumes.length > 0) say(`deleted ${volumes.length} volumes`);
  await removeTypes(lab, set);
  await stopService(lab, 'cinder-volume');
  turnOff(lab, set);
  writeConfig(lab);
  await startService(lab, 'cinder-volume');
  // As `cinder-manage service remove` does; no request of Cinder's API takes a service away. Deleted volumes point to these rows.
  const remove =
    'UPDATE services SET deleted = 1, deleted_at = UTC_TIMESTAMP() WHERE host = ? AND deleted = 0';
  await change(
    lab,
    'cinder',
    backendHosts(set).map((name) => [remove, [name]]),
  );
}

/** True when all backends of a set take requests. */
export async function areBackendsUp(lab: Lab, set: BackendSet): Promise<boolean> {
  const path = '/os-services?binary=cinder-volume';
  const listed = (await ask(lab, 'volume', 'GET', path, services)).services;
  const up = new Set(listed.filter((service) => service.state === 'up').map((service) => service.host));
  if (!backendHosts(set).every((name) => up.has(name))) return false;
  // The scheduler places nothing on a backend that has not told it what it has.
  const told = (await ask(lab, 'volume', 'GET', '/scheduler-stats/get_pools', pools)).pools;
  return backendHosts(set).every((name) => told.some((pool) => pool.name.startsWith(`${name}#`)));
}

export function assertLabUp(lab: Lab): void {
  if (findPid(lab, 'cinder-api') === undefined) throw new Error('the lab does not run: `npm run lab:up`');
}

function writeConfig(lab: Lab): void {
  writeFileSync(join(lab.etc, 'cinder.conf'), renderIni(fullCinderConfig(lab)), { mode: 0o640 });
}

async function readTypes(lab: Lab, set: BackendSet): Promise<z.infer<typeof types>['volume_types']> {
  const known = (await ask(lab, 'volume', 'GET', '/types', types)).volume_types;
  return known.filter((type) => volumeTypes(set).some(({ name }) => name === type.name));
}

/**
 * As Cinder's own delete of a type (cinder/db/sqlalchemy/api.py:volume_type_destroy, 21.3), which it refuses here: the lab's
 * cinder.conf names a default type that was never made.
 */
async function removeTypes(lab: Lab, set: BackendSet): Promise<void> {
  const gone = 'deleted = 1, deleted_at = UTC_TIMESTAMP()';
  const ids = (await readTypes(lab, set)).map((type) => type.id);
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
async function forgetReports(lab: Lab, set: BackendSet): Promise<void> {
  const statement = 'UPDATE services SET updated_at = updated_at - INTERVAL 10 MINUTE WHERE host = ?';
  await change(
    lab,
    'cinder',
    backendHosts(set).map((name) => [statement, [name]]),
  );
}
