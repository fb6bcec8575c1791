/** What happens in a cloud by itself. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { readMeta, type ServiceDatabase, type World } from '../world.ts';
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
  /** until when nothing is to be done, if they stay so; by this machine's clock, for the cloud's own is in a watched database */
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
  if (rest !== undefined && Date.now() < rest.until && rest.stamp === readStamp(world)) return;
  tryTogether(world, DELETE_WRITES, () => {
    const until = onThisMachine(world, reactToAll(world));
    // Still locked: what others write from here on is not in the stamp.
    rests.set(world, { stamp: readStamp(world), until });
  });
}

/** When a moment of the cloud's clock comes on this machine's, as long as nobody moves the cloud's. */
function onThisMachine(world: World, due: number): number {
  const left = due - world.now().getTime();
  if (readMeta(world, 'frozen_at') === null) return Date.now() + left;
  return left > 0 ? Number.POSITIVE_INFINITY : 0;
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

interface Questions {
  /** counts what others commit */
  readonly theirs: StatementSync;
  /** counts what this connection writes */
  readonly ours: StatementSync;
}

const questions = new WeakMap<DatabaseSync, Questions>();

/** Changes when anybody has written. */
function readStamp(world: World): string {
  return [world.machines, ...WATCHED.map((name) => world.db(name))]
    .map((database) => {
      const { theirs, ours } = ask(database);
      return `${theirs.get()?.['data_version']} ${ours.get()?.['ours']}`;
    })
    .join(' ');
}

function ask(database: DatabaseSync): Questions {
  const known = questions.get(database);
  if (known !== undefined) return known;
  const made = {
    theirs: database.prepare('PRAGMA data_version'),
    ours: database.prepare('SELECT total_changes() AS ours'),
  };
  questions.set(database, made);
  return made;
}
