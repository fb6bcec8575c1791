/** A server's own disks on LVM: what is done with each, and why one stays. */
import type { DraftStep, Kept, Refusal } from '../../plan/types.ts';
import { type Context, inactive, size } from './common.ts';
import type { DiskFacts, LvmDisks } from './find.ts';
import { type LogicalVolume, lvs, NOT_OPEN } from './lvm.ts';

type Draft = Omit<Refusal, 'kind'>;
type Note = Omit<Kept, 'kind'>;

export function volumeStep(
  { host, store }: LvmDisks,
  volume: LogicalVolume,
  { uuid, asked }: Context,
): DraftStep {
  const path = `/dev/${store.group}/${volume.name}`;
  return {
    id: `disks/${host}/${store.group}/${volume.name}`,
    phase: 'files',
    place: `host ${host}`,
    title: `remove logical volume ${path} (${size(volume.size)})`,
    why: 'Nova made it for this server alone. Its blocks are given back as they are: see what is kept.',
    act: {
      door: 'command',
      host,
      argv: ['lvremove', '-f', '--', `${store.group}/${volume.name}`],
      exit: [0],
    },
    guards: [
      ...inactive(asked, uuid),
      {
        must: `nothing has ${path} open`,
        check: {
          door: 'command',
          host,
          argv: lvs(`${store.group}/${volume.name}`, 'lv_device_open'),
          exit: [0],
          out: { linesWithin: [...NOT_OPEN] },
        },
      },
    ],
    settled: {
      door: 'command',
      host,
      argv: lvs(store.group, 'lv_name'),
      exit: [0],
      out: { lacksLine: volume.name },
    },
    before: [],
    undo: 'never',
  };
}

export function refuseVolume({ host, store }: LvmDisks, volume: LogicalVolume, facts: DiskFacts): Draft[] {
  if (!volume.open || facts.activeOn.includes(host)) return [];
  return [
    {
      code: 'logical-volume-open',
      flag: null,
      sentence: `/dev/${store.group}/${volume.name} on ${host} is open, and the server does not run there: something is mounted or mapped above it`,
    },
  ];
}

/** nova 26 `virt/libvirt/storage/lvm.py:clear_volume` overwrites a volume before it is given back. */
export function keepBlocks({ host, store, volumes }: LvmDisks): Note[] {
  if (volumes.length === 0) return [];
  return [
    {
      place: `host ${host}`,
      what: `what was written in the blocks of ${volumes.map((v) => `/dev/${store.group}/${v.name}`).join(', ')}`,
      why: 'Nova overwrites them before it gives them back (volume_clear), expunge does not: where tenants share the group, overwrite first (blkdiscard --zeroout)',
    },
  ];
}
