import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Recording } from '../../src/simulator/recorded/types.ts';
import { ask, call } from '../api.ts';
import { run } from '../command.ts';
import { messageBus } from '../config/ini.ts';
import { settle } from '../delta.ts';
import { host, type Lab } from '../paths.ts';
import { setPlugging } from '../plugging.ts';
import { findPid, isFrozen } from '../process.ts';
import { countMessages } from '../rabbitmq.ts';
import { type Scenario, scenarios } from '../scenarios/index.ts';
import { createServer, giveUp, type LabServer } from '../servers.ts';
import { findDifference, type Moment } from './difference.ts';
import type { TableFacts } from './facts.ts';
import { readMachine } from './machine.ts';
import type { Played } from './recording.ts';
import { type RawRows, readRows } from './rows.ts';

type Part = Pick<Scenario, 'name' | 'title' | 'make' | 'break' | 'mend'>;

const nothing = (): Promise<void> => Promise.resolve();

/** The states that can be recorded: two healthy ones, and every scenario's. */
export const states: readonly Part[] = [
  {
    name: 'healthy',
    title: 'running, with nothing the matter',
    make: (lab, name) => createServer(lab, { name }),
    break: nothing,
    mend: nothing,
  },
  {
    name: 'healthy-native',
    title: 'running, its taps directly in br-int',
    make: (lab, name) => createServer(lab, { name, plugging: 'native' }),
    break: nothing,
    mend: (lab) => setPlugging(lab, 'hybrid'),
  },
  ...scenarios,
];

/** Brings a server into a state, and has `record` look at it before everything is mended and the server is gone. */
export async function play<T>(
  lab: Lab,
  state: Part,
  facts: readonly TableFacts[],
  name: string,
  record: (played: Played) => T,
): Promise<T> {
  // What the agent does anew when it is started again is not the server's.
  if (/native/.test(state.name)) await setPlugging(lab, 'native');
  const before = await readMoment(lab, facts);
  const server = await state.make(lab, name);
  let ports: readonly string[] = [];
  try {
    await state.break(lab, server);
    await settle(lab);
    const after = await readStill(lab, facts, before);
    ports = listPorts(after.rows, server);
    const { name: stateName, title } = state;
    const compute = readCompute(lab);
    const waiting = await readWaiting(lab, after, server);
    return record({ name: stateName, title, server, before, after, compute, waiting });
  } finally {
    await state.mend(lab);
    await giveUp(lab, server);
    await removeRemains(lab, server, ports);
  }
}

export async function readMoment(lab: Lab, facts: readonly TableFacts[]): Promise<Moment> {
  const at = new Date();
  const [rows, machine] = await Promise.all([readRows(lab, facts), readMachine(lab)]);
  return { rows, host: machine, at };
}

/** A moment in which nobody is in the middle of anything that concerns what was added. */
async function readStill(lab: Lab, facts: readonly TableFacts[], before: Moment): Promise<Moment> {
  const added = (moment: Moment): string => {
    const { rows, host: things } = findDifference(before, moment, facts).added;
    return JSON.stringify([[...rows], things]);
  };
  let last = await readMoment(lab, facts);
  for (let tries = 0; tries < 20; tries++) {
    await sleep(1000);
    const next = await readMoment(lab, facts);
    if (added(next) === added(last)) return next;
    last = next;
  }
  throw new Error('what was added still changes after 20 looks');
}

function readCompute(lab: Lab): Recording['compute'] {
  if (findPid(lab, 'nova-compute') === undefined) return 'dead';
  return isFrozen(lab, 'nova-compute') ? 'frozen' : 'alive';
}

/** Which request the API sends with which task: nova 26 `compute/api.py:_delete`, `:shelve`. */
const requests: Readonly<Record<string, string>> = {
  deleting: 'terminate_instance',
  shelving: 'shelve_instance',
  shelving_image_pending_upload: 'shelve_instance',
};

/**
 * What waits for nova-compute. A frozen one has been handed its requests already, and nobody else can read them: then the queue
 * says how many there are, and the server's task which one it is.
 */
async function readWaiting(lab: Lab, { rows }: Moment, server: LabServer): Promise<Recording['waiting']> {
  const queue = `compute.${host}`;
  const count = await countMessages(lab, queue);
  const script = join(import.meta.dirname, 'waiting.py');
  const login = new URL(messageBus);
  const { stdout } = await run([
    '/usr/bin/python3',
    script,
    login.host,
    login.username,
    login.password,
    queue,
  ]);
  const methods = stdout.split('\n').filter((line) => line !== '');
  if (methods.length === count) return methods.map((method) => ({ method }));
  const row = (rows.get('nova.instances') ?? []).find((each) => each['uuid'] === server.id);
  const method = requests[String(row?.['task_state'])];
  if (methods.length > 0 || count !== 1 || method === undefined)
    throw new Error(
      `${count} requests wait for nova-compute while ${server.name} is in ${row?.['task_state']}`,
    );
  return [{ method }];
}

const withIds = z.array(z.looseObject({ id: z.string() }));

/** Also of ports that are gone: Nova's `virtual_interfaces` keep their ids. */
function listPorts(rows: RawRows, { id, prePort }: LabServer): readonly string[] {
  const known = (rows.get('nova.virtual_interfaces') ?? [])
    .filter((row) => row['instance_uuid'] === id)
    .map((row) => String(row['uuid']));
  return [...new Set([...(prePort === undefined ? [] : [prePort]), ...known])];
}

/** What Nova leaves to its users, the port that they made and their images; and what a half delete leaves on the host. */
async function removeRemains(lab: Lab, server: LabServer, ports: readonly string[]): Promise<void> {
  for (const port of ports) {
    await call(lab, 'network', 'DELETE', `/ports/${port}`, { allow: [404] });
    const suffix = port.slice(0, 11);
    for (const device of [`qvo${suffix}`, `tap${suffix}`])
      await run(['ovs-vsctl', '--timeout=10', '--', '--if-exists', 'del-port', 'br-int', device]);
    // 1: there is none.
    for (const device of [`qbr${suffix}`, `qvo${suffix}`])
      await run(['ip', 'link', 'delete', device], { allow: [1] });
  }
  const shape = z.object({ images: withIds });
  for (const name of [`${server.name}-mine`, `${server.name}-shelved`])
    for (const { id } of (await ask(lab, 'image', 'GET', `/images?name=${name}`, shape)).images)
      await call(lab, 'image', 'DELETE', `/images/${id}`, { allow: [404] });
  await settle(lab);
}
