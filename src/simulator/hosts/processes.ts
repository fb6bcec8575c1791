/** Processes of a simulated host, as far as they have disks open, and `ps`. */
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';
import { fails, says, untaught } from './answer.ts';
import { diskSources, disksOf, linksTo } from './disks.ts';

interface Process {
  readonly pid: number;
  /** at most 15 characters, as the kernel keeps it */
  readonly comm: string;
  readonly args: string;
  /** what it has open: names of devices (`sda`), or absolute paths */
  readonly devices: readonly string[];
}

function fileSources(xml: string): readonly string[] {
  const disks = xml.match(/<disk type='file'[\s\S]*?<\/disk>/g) ?? [];
  return disks.flatMap((disk) => /<source file='([^']*)'/.exec(disk)?.[1] ?? []);
}

/** multipathd has every path open that it looks after. */
const MULTIPATHD_PID = 612;

function processesOf(world: World, host: string): readonly Process[] {
  const targets = new Map(linksTo(world, host).map(({ path, target }) => [path, target]));
  const qemus = world.machines
    .prepare(
      'SELECT uuid, name, running_id, xml FROM domains WHERE host = ? AND running_id IS NOT NULL ORDER BY running_id',
    )
    .all(host)
    .map(
      (row): Process => ({
        pid: 20_000 + Number(row['running_id']),
        comm: 'qemu-system-x86',
        args: `/usr/bin/qemu-system-x86_64 -name guest=${row['name']},debug-threads=on -S -uuid ${row['uuid']} -no-user-config`,
        devices: [
          ...diskSources(String(row['xml'])).map((path) => targets.get(path) ?? path.replace(/^\/dev\//, '')),
          ...fileSources(String(row['xml'])),
        ],
      }),
    );
  const others = world.machines
    .prepare('SELECT pid, command, device FROM openers WHERE host = ? ORDER BY pid, device')
    .all(host)
    .map(
      (row): Process => ({
        pid: Number(row['pid']),
        comm: /^(?:\S*\/)?(\S{0,15})/.exec(String(row['command']))?.[1] ?? '',
        args: String(row['command']),
        devices: [String(row['device'])],
      }),
    );
  const multipathd: Process = {
    pid: MULTIPATHD_PID,
    comm: 'multipathd',
    args: '/sbin/multipathd -d -s',
    devices: disksOf(world, host).map(({ name }) => name),
  };
  return [...(runsMultipathd(world, host) ? [multipathd] : []), ...qemus, ...others];
}

export function runsMultipathd(world: World, host: string): boolean {
  return (
    world.machines.prepare('SELECT multipathd FROM hosts WHERE name = ?').get(host)?.['multipathd'] === 1
  );
}

/** Descriptors 0 to 2 are no disks, and not shown. */
export function openFiles(
  world: World,
  host: string,
): readonly { readonly pid: number; readonly fd: number; readonly path: string }[] {
  return processesOf(world, host).flatMap(({ pid, devices }) =>
    devices.map((device, at) => ({
      pid,
      fd: 10 + at,
      path: device.startsWith('/') ? device : `/dev/${device}`,
    })),
  );
}

/** @throws LookError for words that are not modelled */
export function runPs(world: World, host: string, args: readonly string[]): CommandAnswer {
  const list = /^\d+(,\d+)*$/.exec(args[4] ?? '')?.[0];
  if (args.slice(0, 4).join(' ') !== '-ww -o pid=,comm=,args= -p' || args.length !== 5 || list === undefined)
    throw untaught(host, ['ps', ...args]);
  const wanted = new Set(list.split(',').map(Number));
  const found = new Map(
    processesOf(world, host)
      .filter(({ pid }) => wanted.has(pid))
      .map((process) => [process.pid, process]),
  );
  if (found.size === 0) return fails(1, '');
  const lines = [...found.values()]
    .sort((a, b) => a.pid - b.pid)
    .map(({ pid, comm, args: words }) => `${String(pid).padStart(7)} ${comm.padEnd(15)} ${words}\n`);
  return says(lines.join(''));
}
