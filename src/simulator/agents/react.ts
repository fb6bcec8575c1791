/** What happens in a cloud by itself. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ServiceDatabase, World } from '../world.ts';
import { settleNetwork } from './network-agent.ts';
import { DELETE_WRITES, takeWaiting } from './nova-compute.ts';
import { reapDeleted } from './reaper.ts';
import { conductorIsAlive, reportComputes, reportController } from './services.ts';
import { tryTogether } from './together.ts';

/** Databases in which a change by somebody else may call for a reaction. What `nova` says is only looked at when it is due. */
const WATCHED: readonly ServiceDatabase[] = ['neutron'];

interface Rest {
  /** what the watched databases were like when nothing was left to do */
  readonly stamp: string;
  /** until when nothing is to be done, if they stay so; milliseconds since 1970 */
  readonly until: number;
}

const rests = new WeakMap<World, Rest>();

/**
 * Lets services and agents do what they do by themselves up to this moment: nova-compute takes its requests, reports, and looks for
 * domains of deleted servers; the network agent follows switch and Neutron. Called before and after every operation on a world.
 *
 * Does nothing while a client of the sql wire is in the middle of a transaction, and catches up later.
 *
 * @throws Error when something is asked of a service that it was not taught, by name
 */
export function react(world: World): void {
  const rest = rests.get(world);
  if (rest !== undefined && world.now().getTime() < rest.until && rest.stamp === readStamp(world)) return;
  tryTogether(world, DELETE_WRITES, () => {
    const until = reactToAll(world);
    // Still locked: what others write from here on is not in the stamp.
    rests.set(world, { stamp: readStamp(world), until });
  });
}

/** @returns the next moment at which something is due */
function reactToAll(world: World): number {
  const hosts = world.machines
    .prepare('SELECT name, compute, agent FROM hosts WHERE reachable = 1 ORDER BY name')
    .all();
  const computes = conductorIsAlive(world)
    ? hosts.filter((host) => host['compute'] === 'alive').map((host) => String(host['name']))
    : [];
  const due = [reportController(world), reportComputes(world, computes)];
  for (const host of computes) {
    takeWaiting(world, host);
    due.push(reapDeleted(world, host));
  }
  for (const host of hosts) if (host['agent'] === 1) settleNetwork(world, String(host['name']));
  return Math.min(...due);
}

const questions = new WeakMap<DatabaseSync, StatementSync>();

/** Changes when anybody has written: `data_version` counts what others commit, `total_changes` what this connection writes. */
function readStamp(world: World): string {
  return [world.machines, ...WATCHED.map((name) => world.db(name))]
    .map((database) => Object.values(ask(database).get() ?? {}).join(' '))
    .join(' ');
}

function ask(database: DatabaseSync): StatementSync {
  const known = questions.get(database);
  if (known !== undefined) return known;
  const made = database.prepare('SELECT data_version, total_changes() FROM pragma_data_version');
  questions.set(database, made);
  return made;
}
