/** How hosts and services fare: what worlds and tests set. */
import { setMeta, type World } from '../world.ts';
import { restartInterruptedDeletes } from './nova-compute.ts';
import { silence } from './services.ts';

/** nova-compute hangs: it takes no request and reports nothing, and Nova already counts it as down. */
export function freezeCompute(world: World, host: string): void {
  setCompute(world, host, 'frozen');
  silence(world, 'nova-compute', host);
}

/**
 * RabbitMQ has closed the connection of a frozen nova-compute and put back what that had not confirmed. Tried on the lab (RabbitMQ 3.10, heartbeat 60 s):
 * after less than three minutes; and the process, when it goes on, finds its connection reset and takes the messages anew.
 */
export function giveUpCompute(world: World, host: string): void {
  if (readCompute(world, host) !== 'frozen') throw new Error(`nova-compute on ${host} is not frozen`);
  setCompute(world, host, 'hung');
}

/** nova-compute has ended without a word, and Nova already counts it as down. */
export function killCompute(world: World, host: string): void {
  setCompute(world, host, 'dead');
  silence(world, 'nova-compute', host);
}

/**
 * A frozen nova-compute goes on, with everything that has waited for it. A dead one is started: it first ends the deletes that it had
 * in hand, looks at once for domains of deleted servers, and then takes what has waited.
 */
export function reviveCompute(world: World, host: string): void {
  const was = readCompute(world, host);
  setCompute(world, host, 'alive');
  if (was !== 'dead') return;
  restartInterruptedDeletes(world, host);
  world.machines.prepare('UPDATE hosts SET reaped_at = NULL WHERE name = ?').run(host);
}

/** Nothing answers there any more, neither ssh nor agents; what runs on the host goes on running. */
export function cutHost(world: World, host: string): void {
  readCompute(world, host);
  world.machines.prepare('UPDATE hosts SET reachable = 0 WHERE name = ?').run(host);
  silence(world, 'nova-compute', host);
}

export function restoreHost(world: World, host: string): void {
  readCompute(world, host);
  world.machines.prepare('UPDATE hosts SET reachable = 1 WHERE name = ?').run(host);
}

/** nova-conductor has ended: it reports nothing, and no nova-compute gets at the database. */
export function killConductor(world: World): void {
  setMeta(world, 'conductor', 'dead');
  silence(world, 'nova-conductor');
}

export function reviveConductor(world: World): void {
  setMeta(world, 'conductor', 'alive');
}

/** @throws Error when the world has no such host */
function readCompute(world: World, host: string): string {
  const row = world.machines.prepare('SELECT compute FROM hosts WHERE name = ?').get(host);
  if (row === undefined) throw new Error(`the world has no host ${host}`);
  return String(row['compute']);
}

function setCompute(world: World, host: string, compute: 'alive' | 'frozen' | 'hung' | 'dead'): void {
  readCompute(world, host);
  world.machines.prepare('UPDATE hosts SET compute = ? WHERE name = ?').run(compute, host);
}
