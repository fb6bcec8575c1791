/** Programs that look at disks and maps and take them away: lsblk of util-linux 2.38, dmsetup, multipath-tools 0.9, cryptsetup 2.6. */
import type { CommandAnswer } from '../../site/reader.ts';
import { findImage } from '../storage/rbd.ts';
import type { World } from '../world.ts';
import { fails, sameWords, says, untaught } from './answer.ts';
import {
  answers,
  type DeviceMap,
  disksOf,
  holdersOf,
  mapsOf,
  removeDisk,
  removeMap,
  usersOf,
} from './disks.ts';
import { kernelTree, OWN_DISK, rbdMaps, resolve, scsiPath } from './kernel-tree.ts';
import { subsystemsOf } from './nvme.ts';
import { runsMultipathd } from './processes.ts';

const LSBLK_COLUMNS = 'NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT';
const LSBLK_TYPES: Readonly<Record<DeviceMap['kind'], string>> = {
  multipath: 'mpath',
  crypt: 'crypt',
  linear: 'lvm',
};
const OWN_DISK_BYTES = 53_687_091_200;

interface BlockDevice {
  readonly name: string;
  readonly kernelName: string;
  readonly parent: string;
  readonly type: string;
  readonly bytes: number;
  readonly state: string;
}

/** @throws LookError for words that are not modelled */
export function runLsblk(world: World, host: string, args: readonly string[]): CommandAnswer {
  if (sameWords(args, '-a', '-n', '-P', '-b', '-o', LSBLK_COLUMNS))
    return says(
      blockDevices(world, host)
        .map((device) => pairs(world, host, device))
        .join(''),
    );
  const device = /^\/dev\/([\w-]+)$/.exec(args[4] ?? '')?.[1];
  if (device === undefined || !sameWords(args, '-n', '-r', '-o', 'MOUNTPOINT', args[4] ?? ''))
    throw untaught(host, ['lsblk', ...args]);
  const all = blockDevices(world, host);
  if (!all.some(({ kernelName }) => kernelName === device))
    return fails(32, `lsblk: /dev/${device}: not a block device`);
  const shown = [device];
  for (const name of shown)
    shown.push(...all.filter(({ parent }) => parent === name).map(({ kernelName }) => kernelName));
  return says(shown.map((name) => `${mountPoint(world, host, name)}\n`).join(''));
}

/** Each device once for each that it lies on, those over it behind it. */
function blockDevices(world: World, host: string): readonly BlockDevice[] {
  const found: BlockDevice[] = [];
  const maps = mapsOf(world, host);
  const addMaps = (parent: string): void => {
    for (const map of maps.filter(({ below }) => below.includes(parent))) {
      const kernelName = `dm-${map.number}`;
      const { name, bytes } = map;
      found.push({ name, kernelName, parent, type: LSBLK_TYPES[map.kind], bytes, state: 'running' });
      addMaps(kernelName);
    }
  };
  const add = (name: string, type: string, bytes: number, state: string, parent = ''): void => {
    found.push({ name, kernelName: name, parent, type, bytes, state });
    addMaps(name);
  };
  for (const { name, bytes } of disksOf(world, host)) add(name, 'disk', bytes, 'running');
  add(OWN_DISK, 'disk', OWN_DISK_BYTES, '');
  add(`${OWN_DISK}1`, 'part', OWN_DISK_BYTES - 1_048_576, '', OWN_DISK);
  for (const { number, spec } of rbdMaps(world, host)) {
    const [pool = '', image = ''] = spec.split('/');
    add(`rbd${number}`, 'disk', findImage(world, pool, image)?.bytes ?? 0, '');
  }
  for (const { namespaces } of subsystemsOf(world, host))
    for (const name of namespaces) add(name, 'disk', 2 ** 30, 'live');
  // A map that has lost all that was under it.
  for (const map of maps)
    if (!found.some(({ kernelName }) => kernelName === `dm-${map.number}`))
      found.push({
        name: map.name,
        kernelName: `dm-${map.number}`,
        parent: '',
        type: LSBLK_TYPES[map.kind],
        bytes: map.bytes,
        state: 'running',
      });
  return found;
}

function pairs(world: World, host: string, device: BlockDevice): string {
  const { name, kernelName, parent, type, bytes, state } = device;
  const values = [name, kernelName, parent, type, bytes, state, mountPoint(world, host, kernelName)];
  const words = LSBLK_COLUMNS.split(',').map((column, i) => `${column}="${values[i]}"`);
  return `${words.join(' ')}\n`;
}

function mountPoint(world: World, host: string, device: string): string {
  const row = world.machines
    .prepare('SELECT target FROM mounts WHERE host = ? AND source = ? ORDER BY ordinal DESC')
    .get(host, `/dev/${device}`);
  const mounted = row ?? usersOf(world, host, device).find((user) => user.by === 'mount');
  return mounted === undefined ? '' : String(mounted['target']);
}

/** `dmsetup info -c --noheadings -o <columns> [<map>]`. @throws LookError for words that are not modelled */
export function runDmsetup(world: World, host: string, args: readonly string[]): CommandAnswer {
  const [info, c, noheadings, o, columns = '', wanted, ...more] = args;
  const names = columns.split(',');
  const known = names.every((name) => ['minor', 'open', 'uuid', 'name'].includes(name));
  if (
    !sameWords([info ?? '', c ?? '', noheadings ?? '', o ?? ''], 'info', '-c', '--noheadings', '-o') ||
    !known ||
    more.length > 0
  )
    throw untaught(host, ['dmsetup', ...args]);
  const all = mapsOf(world, host);
  const maps = wanted === undefined ? all : all.filter(({ name }) => name === wanted);
  if (wanted !== undefined && maps.length === 0)
    return fails(1, `Device ${wanted} not found\nCommand failed.`);
  if (maps.length === 0) return says('No devices found\n');
  const lines = maps.map((map) => {
    const values: Readonly<Record<string, string | number>> = {
      minor: map.number,
      open: usersOf(world, host, `dm-${map.number}`).length,
      uuid: map.uuid,
      name: map.name,
    };
    return `${names.map((name) => values[name]).join(':')}\n`;
  });
  return says(lines.join(''));
}

/** `multipath -f <map>`. @throws LookError for words that are not modelled */
export function runMultipath(world: World, host: string, args: readonly string[]): CommandAnswer {
  const name = args[1] ?? '';
  if (!sameWords(args, '-f', name)) throw untaught(host, ['multipath', ...args]);
  const map = mapsOf(world, host).find((each) => each.name === name && each.kind === 'multipath');
  if (map === undefined) return fails(1, `${name} is not a multipath device`);
  if (usersOf(world, host, `dm-${map.number}`).length > 0) return fails(1, `${name}: map in use`);
  removeMap(world, host, map.number);
  return says('');
}

/** @throws LookError for words that are not modelled */
export function runMultipathd(world: World, host: string, args: readonly string[]): CommandAnswer {
  const device = /^(?:\/dev\/)?(sd[a-z]+)$/.exec(args[2] ?? '')?.[1];
  const isDelete = device !== undefined && sameWords(args, 'del', 'path', args[2] ?? '');
  if (!isDelete && !sameWords(args, 'show', 'paths', 'format', '%d'))
    throw untaught(host, ['multipathd', ...args]);
  if (!runsMultipathd(world, host)) return fails(1, '');
  if (!isDelete)
    return says(['dev', ...disksOf(world, host).map(({ name }) => name)].map((line) => `${line}\n`).join(''));
  if (!disksOf(world, host).some(({ name }) => name === device)) return fails(1, '', 'fail\n');
  dropPath(world, host, device);
  return says('ok\n');
}

/** The path goes out of its map, and the map with its last path when nobody has it open; the disk itself stays. */
function dropPath(world: World, host: string, disk: string): void {
  for (const map of holdersOf(world, host, disk)) {
    if (map.kind !== 'multipath') continue;
    const left = map.below.filter((name) => name !== disk);
    const isOpen = usersOf(world, host, `dm-${map.number}`).length > 0;
    if (left.length === 0 && !isOpen) removeMap(world, host, map.number);
    else
      world.machines
        .prepare('UPDATE maps SET below = ? WHERE host = ? AND number = ?')
        .run(JSON.stringify(left), host, map.number);
  }
}

/** `blockdev --flushbufs <device>`. @throws LookError for words that are not modelled */
export function runBlockdev(world: World, host: string, args: readonly string[]): CommandAnswer {
  const device = args[1] ?? '';
  if (!sameWords(args, '--flushbufs', device)) throw untaught(host, ['blockdev', ...args]);
  if (resolve(kernelTree(world, host), device) === null)
    return fails(1, `blockdev: cannot open ${device}: No such file or directory`);
  const disk = disksOf(world, host).find(({ name }) => device === `/dev/${name}`);
  // Without bytes to write the kernel asks the storage for nothing, and opening a disk whose unit is gone fails already.
  if (disk !== undefined && !answers(world, disk))
    return fails(1, `blockdev: cannot open ${device}: No such device or address`);
  return says('');
}

/** `cryptsetup close <name>`. @throws LookError for words that are not modelled */
export function runCryptsetup(world: World, host: string, args: readonly string[]): CommandAnswer {
  const name = args[1] ?? '';
  if (!sameWords(args, 'close', name)) throw untaught(host, ['cryptsetup', ...args]);
  const map = mapsOf(world, host).find((each) => each.name === name && each.kind === 'crypt');
  if (map === undefined) return fails(4, `Device ${name} is not active.`);
  if (usersOf(world, host, `dm-${map.number}`).length > 0) return fails(5, `Device ${name} is still in use.`);
  removeMap(world, host, map.number);
  return says('');
}

/** `tee <scsi>/delete` with 1 for input: the kernel lets go of the disk, whoever uses it. @throws LookError for anything else */
export function runTee(
  world: World,
  host: string,
  args: readonly string[],
  input: string | undefined,
): CommandAnswer {
  const [path = '', ...more] = args;
  const scsi = /^(\/sys\/devices\/.*)\/delete$/.exec(path)?.[1];
  if (scsi === undefined || more.length > 0 || input?.trim() !== '1') throw untaught(host, ['tee', ...args]);
  const disk = disksOf(world, host).find((each) => scsiPath(each) === scsi);
  if (disk === undefined) return fails(1, `tee: ${path}: No such file or directory`, input);
  removeDisk(world, host, disk.name);
  return says(input);
}
