/** `lvs` and `lvremove` of LVM 2.03, as far as expunge sends them. */
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';
import { fails, sameWords, says, untaught } from './answer.ts';

const OPTIONS = ['--noheadings', '--nosuffix', '--units', 'b', '--separator', '|', '-o'];

interface Volume {
  readonly name: string;
  readonly bytes: number;
  readonly open: boolean;
}

const COLUMNS: Readonly<Record<string, (volume: Volume) => string>> = {
  lv_name: ({ name }) => name,
  lv_size: ({ bytes }) => String(bytes),
  lv_device_open: ({ open }) => (open ? 'open' : ''),
};

function volumesOf(world: World, host: string, group: string): readonly Volume[] {
  return world.machines
    .prepare('SELECT * FROM logical_volumes WHERE host = ? AND "group" = ? ORDER BY name')
    .all(host, group)
    .map((row) => ({ name: String(row['name']), bytes: Number(row['bytes']), open: row['open'] === 1 }));
}

function hasGroup(world: World, host: string, group: string): boolean {
  const row = world.machines.prepare('SELECT images_group FROM hosts WHERE name = ?').get(host);
  return row?.['images_group'] === group;
}

/** @throws LookError for words that are not modelled */
export function runLvs(world: World, host: string, args: readonly string[]): CommandAnswer {
  const [columns = '', target = ''] = args.slice(OPTIONS.length);
  const asked = columns.split(',').map((name) => COLUMNS[name]);
  const isKnown =
    sameWords(args, ...OPTIONS, columns, target) && asked.every((column) => column !== undefined);
  if (!isKnown) throw untaught(host, ['lvs', ...args]);
  const [group = '', name] = target.split('/');
  if (!hasGroup(world, host, group))
    return fails(5, `  Volume group "${group}" not found\n  Cannot process volume group ${group}`);
  const found = volumesOf(world, host, group).filter((volume) => name === undefined || volume.name === name);
  if (name !== undefined && found.length === 0)
    return fails(5, `  Failed to find logical volume "${target}"`);
  return says(found.map((volume) => `  ${asked.map((column) => column?.(volume)).join('|')}\n`).join(''));
}

/** @throws LookError for words that are not modelled */
export function runLvremove(world: World, host: string, args: readonly string[]): CommandAnswer {
  const target = args[2] ?? '';
  const [group = '', name = ''] = target.split('/');
  if (!sameWords(args, '-f', '--', target) || name === '') throw untaught(host, ['lvremove', ...args]);
  const volume = volumesOf(world, host, group).find((each) => each.name === name);
  if (volume === undefined) return fails(5, `  Failed to find logical volume "${target}"`);
  if (volume.open) return fails(5, `  Logical volume ${target} in use.`);
  world.machines
    .prepare('DELETE FROM logical_volumes WHERE host = ? AND "group" = ? AND name = ?')
    .run(host, group, name);
  return says(`  Logical volume "${name}" successfully removed.\n`);
}
