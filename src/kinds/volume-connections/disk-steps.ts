/** Takes a volume's disks from a host in os-brick's order: what lies above them, then each disk (6.1 `linuxscsi.py:remove_connection`). */
import type { Check, DraftStep } from '../../plan/types.ts';
import { domainNotActive } from '../domain/virsh.ts';
import type { DmMap } from './block.ts';
import type { DiskFacts, VolumeDisk, VolumeMap } from './facts.ts';
import { whoHasOpen } from './programs.ts';

type Guard = DraftStep['guards'][number];

/** Seconds. os-brick waits so long for a disk to go: a path that just failed keeps the kernel busy (`wait_for_volumes_removal`). */
const PATIENCE = 30;

function commandCheck(host: string, argv: readonly string[], out: NonNullable<CommandCheck['out']>): Check {
  return { door: 'command', host, argv: [...argv], exit: [0], out };
}
type CommandCheck = Extract<Check, { door: 'command' }>;

/** Holds when the device mapper has no map of this name. */
function noMap(host: string, name: string): Check {
  return commandCheck(host, ['dmsetup', 'info', '-c', '--noheadings', '-o', 'name'], { lacksLine: name });
}

function mapColumn(host: string, column: 'uuid' | 'open', map: DmMap, value: string): Check {
  return commandCheck(host, ['dmsetup', 'info', '-c', '--noheadings', '-o', column, map.name], {
    equals: value,
  });
}

function sameMap(host: string, map: DmMap): Guard {
  return { must: `${map.name} is still the map ${map.uuid}`, check: mapColumn(host, 'uuid', map, map.uuid) };
}

function mapClosed(host: string, map: DmMap, by = 0): Guard {
  return {
    must:
      by === 0 ? `nobody has ${map.name} open` : `nobody has ${map.name} open but the maps of its partitions`,
    check: mapColumn(host, 'open', map, String(by)),
  };
}

function notRunning(host: string, uuid: string): Guard {
  return { must: "the server's domain is not active", check: domainNotActive(host, uuid) };
}

/** Guest and host must not write through it any more; the key stays with whoever has it. */
function closeStep(at: DiskFacts, crypt: DmMap, uuid: string): DraftStep {
  const { host } = at;
  return {
    id: `${stepId(at)}/crypt${among(at)}`,
    phase: 'disconnect',
    place: `host ${host}`,
    title: `close encryption ${crypt.name}`,
    why: 'It holds the disk below it, and its key lies in the memory of the host.',
    act: {
      door: 'command',
      host,
      argv: ['cryptsetup', 'close', crypt.name],
      // 4: there is no such mapping any more, as os-brick has it (6.1 `encryptors/luks.py:_close_volume`).
      exit: [0, 4],
      otherwise: [['cryptsetup', 'luksClose', crypt.name]],
    },
    guards: [notRunning(host, uuid), sameMap(host, crypt), mapClosed(host, crypt)],
    settled: noMap(host, crypt.name),
    patience: PATIENCE,
    before: [],
    needs: [],
    undo: 'recreate',
  };
}

/** multipath flushes a map before it removes it, and removes the maps of its partitions itself. */
function flushStep(at: DiskFacts, map: VolumeMap, uuid: string, needs: readonly string[]): DraftStep {
  const { host } = at;
  const ways = at.disks.map((disk) => disk.name);
  return {
    id: `${stepId(at)}/map${among(at)}`,
    phase: 'disconnect',
    place: `host ${host}`,
    title: `remove multipath map ${map.name}`,
    why: 'It holds the disks below it; without them it would wait for them for ever, and every program that touches it with it.',
    act: { door: 'command', host, argv: ['multipath', '-f', map.name], exit: [0] },
    guards: [
      notRunning(host, uuid),
      sameMap(host, map),
      mapClosed(host, map, map.partitions.length),
      ...map.partitions.map((part) => mapClosed(host, part)),
      {
        must: `${map.name} lies on no other disk than ${ways.join(', ')}`,
        check: commandCheck(
          host,
          ['find', `/sys/block/${map.kernelName}/slaves`, '-mindepth', '1', '-printf', '%f\\n'],
          { linesWithin: ways },
        ),
      },
    ],
    settled: noMap(host, map.name),
    patience: PATIENCE,
    before: [],
    needs: [...needs],
    undo: 'recreate',
  };
}

/**
 * By the kernel's own path of the SCSI device, session and LUN in it: `sdb` may be another disk by the time the act arrives. A disk
 * that was used by itself is flushed first; below a map the map was. One that is offline cannot be, and would keep the flush waiting.
 */
function deleteStep(at: DiskFacts, disk: VolumeDisk, uuid: string, needs: readonly string[]): DraftStep {
  const { host } = at;
  const device = `/dev/${disk.name}`;
  const watched = at.watched.filter((line) => line.endsWith(`\t${device}`));
  const first = [
    ...(watched.length > 0 ? [{ argv: ['multipathd', 'del', 'path', disk.name], exit: [0, 1] }] : []),
    ...(at.multipath === null && disk.running
      ? [{ argv: ['blockdev', '--flushbufs', device], exit: [0] }]
      : []),
  ];
  return {
    id: `${stepId(at)}/${disk.name}`,
    phase: 'disconnect',
    place: `host ${host}`,
    title: `remove disk ${disk.name} of volume ${at.volumeId}`,
    why: 'Once the storage gives its LUN to another volume, this disk would be that one, under the name of this.',
    act: {
      door: 'command',
      host,
      ...(first.length === 0 ? {} : { first }),
      argv: ['tee', `${disk.scsi}/delete`],
      input: '1',
      exit: [0],
    },
    guards: [notRunning(host, uuid), ...sameDisk(host, disk), ...unusedDisk(at, disk)],
    settled: { door: 'command', host, argv: ['test', '!', '-e', disk.scsi], exit: [0], no: [1] },
    patience: PATIENCE,
    before: [],
    needs: [...needs],
    undo: 'recreate',
  };
}

function sameDisk(host: string, disk: VolumeDisk): Guard[] {
  const leadsTo = (path: string, target: string): Check => ({
    door: 'command',
    host,
    argv: ['realpath', '-e', path],
    exit: [0],
    no: [1],
    out: { equals: target },
  });
  const kernel: Guard = {
    must: `${disk.name} is still the disk that was looked at`,
    check: leadsTo(`/sys/block/${disk.name}`, `${disk.scsi}/block/${disk.name}`),
  };
  if (disk.link === null) return [kernel];
  const named = {
    must: `${disk.link} leads to ${disk.name}`,
    check: leadsTo(disk.link, `/dev/${disk.name}`),
  };
  return [kernel, named];
}

function unusedDisk(at: DiskFacts, disk: VolumeDisk): Guard[] {
  const { host } = at;
  const { name } = disk;
  return [
    {
      must: `nothing lies on ${name}: no map, no volume group, no RAID`,
      check: commandCheck(
        host,
        ['find', `${disk.scsi}/block/${name}`, '-path', '*/holders/*', '-printf', '%f\\n'],
        { linesWithin: [] },
      ),
    },
    {
      must: `${name} is not mounted`,
      check: commandCheck(host, ['lsblk', '-n', '-r', '-o', 'MOUNTPOINT', `/dev/${name}`], {
        linesWithin: [],
      }),
    },
    {
      must: `no program has ${name} open`,
      check: {
        door: 'command',
        host,
        argv: whoHasOpen([name]),
        // 1: a process ended while it was looked at.
        exit: [0, 1],
        out: { linesWithin: [...at.watched] },
      },
    },
  ];
}

export function stepId({ host, volumeId }: { readonly host: string; readonly volumeId: string }): string {
  return `volume-connections/${host}/${volumeId}`;
}

/** Of further disks of one volume map and encryption have steps of their own. */
function among({ further, disks }: DiskFacts): string {
  return further ? `-of-${disks.map((disk) => disk.name).join('-')}` : '';
}

/** Each waits for what lies above it. */
export function diskSteps(at: DiskFacts, uuid: string): DraftStep[] {
  const close = at.crypt === null ? [] : [closeStep(at, at.crypt, uuid)];
  const closed = close.map((step) => step.id);
  const flush = at.multipath === null ? [] : [flushStep(at, at.multipath, uuid, closed)];
  const above = [...closed, ...flush.map((step) => step.id)];
  return [...close, ...flush, ...at.disks.map((disk) => deleteStep(at, disk, uuid, above))];
}
