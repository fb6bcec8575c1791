/** Block devices, layers and maps as kernels and programs of several versions list them. */
import { describe, expect, test } from 'vitest';
import { acts, openQuestion, own, planOf, scene, scsiPath } from './volume-connections-samples.ts';

const BLOCK = 'compute1: find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
const LAYERS = 'compute1: lsblk -a -n -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT';
const MAPS = 'compute1: dmsetup info -c --noheadings -o minor,open,uuid,name';
const DISK = 'NAME="sdb" KNAME="sdb" PKNAME="" TYPE="disk" SIZE="1073741824" STATE="running" MOUNTPOINT=""';
const MAP = { name: 'mpatha', kernelName: 'dm-12', type: 'mpath', on: ['sdb'], uuid: 'mpath-3a' };

describe('a block device is a disk of the session', () => {
  test.each([
    [
      'only as the kernel has it, below /sys/devices',
      `/elsewhere${scsiPath({ sid: 1, lun: 1 })}/block/sdb`,
      'sdb',
    ],
    ['not by a path that leads back', '../devices/platform/../session1/target2:0:0/2:0:0:1/block/sdb', 'sdb'],
    [
      'not under a name that is no plain one',
      `..${scsiPath({ sid: 1, lun: 1 }).slice(4)}/block/sd b`,
      'sd b',
    ],
    ['not by a path with spaces', '../devices/x y/session1/target2:0:0/2:0:0:1/block/sdb', 'sdb'],
  ])('%s', async (_, target, name) => {
    const plan = await planOf({ ...scene, changes: { [BLOCK]: `${name}\t${target}\n` } }, own);
    expect(acts(plan).filter((act) => act.startsWith('tee'))).toEqual([]);
  });

  test('what is no disk of SCSI is none, also as a part of the volume’s map: the map is not taken away then', async () => {
    const maps = [{ ...MAP, on: ['sdb', 'vda'] }];
    const changes = { [`compute1: ${openQuestion(['sdb', 'dm-12'])}`]: '' };
    const plan = await planOf({ ...scene, maps, changes }, own);
    expect(acts(plan).filter((act) => act.startsWith('tee'))).toEqual([
      `tee ${scsiPath({ sid: 1, lun: 1 })}/delete <<<1`,
    ]);
    expect(plan.steps[0]?.guards.at(-1)).toMatchObject({
      must: 'mpatha lies on no other disk than sdb',
      check: { out: { linesWithin: ['sdb'] } },
    });
  });

  test('a host’s own disks need no initiator', async () => {
    const local = 'sda\t../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda\n';
    const missing = {
      'compute1: iscsiadm -m session': { exit: 127 },
      'compute1: iscsiadm -m node': { exit: 127 },
    };
    expect(await planOf({ changes: { [BLOCK]: local, ...missing } }, own)).toMatchObject({
      steps: [],
      unknown: [],
    });
  });

  test('an initiator that is not there may be in a container where others are, and have records', async () => {
    const missing = {
      'compute1: iscsiadm -m session': { exit: 127 },
      'compute1: iscsiadm -m node': { exit: 127 },
    };
    const hosts = { compute1: '/var/lib/nova/instances' };
    const containers = { compute1: { engine: 'podman', programs: { virsh: 'nova_virtqemud' } } } as const;
    const { unknown } = await planOf({ changes: missing }, own, [], { hosts, containers });
    expect(unknown).toEqual([
      {
        place: 'host compute1',
        why: 'iscsiadm is not there (in a container? then hosts.compute1.containers must say so)',
      },
    ]);
  });
});

describe('what lies on a disk', () => {
  const volume = (name: string, kernelName: string, on: readonly string[]) =>
    ({ name, kernelName, type: 'lvm', on, uuid: `LVM-${name}` }) as const;

  test('is seen beside another that lies on it alone, by an lsblk that names each once', async () => {
    const maps = [volume('vg-one', 'dm-1', ['vda', 'sdb']), volume('vg-two', 'dm-2', ['sdb'])];
    const plan = await planOf({ ...scene, maps, listedOnce: true }, own);
    expect(plan.refusals.map((r) => r.sentence)).toEqual([
      expect.stringContaining('lvm vg-two on compute1 lies on sdb'),
      expect.stringContaining('lvm vg-one on compute1 lies on sdb'),
    ]);
  });

  test.each([
    `warning: ${DISK}`,
    `${DISK} more`,
    'sdb disk',
    'NAME="sdb" KNAME="" PKNAME="" TYPE="disk" SIZE="1" STATE="running" MOUNTPOINT=""',
  ])('lsblk says %j: unknown, not a host without it', async (line) => {
    const plan = await planOf({ ...scene, changes: { [LAYERS]: `${line}\n` } }, own);
    expect(plan.unknown).toMatchObject([
      { why: expect.stringContaining('what lsblk says is not understood') },
    ]);
  });
});

describe('a map', () => {
  test('is known by its number and name, of several digits and with colons', async () => {
    const changes = {
      [MAPS]: '  253:1:LVM-ab:vg:root\n  12:10:mpath-3a:mpath:a\n',
      [`compute1: ${openQuestion(['sdb', 'dm-12'])}`]: '',
    };
    const plan = await planOf({ ...scene, maps: [MAP], changes }, own);
    expect(acts(plan)[0]).toBe('multipath -f mpath:a');
  });

  test('that went while the host was looked at leaves none, and what lay on the disk then is refused', async () => {
    const changes = { [MAPS]: 'No devices found\n', [`compute1: ${openQuestion(['sdb'])}`]: '' };
    const plan = await planOf({ ...scene, maps: [MAP], changes }, own);
    expect([plan.unknown, plan.codes]).toEqual([[], ['connection-held']]);
  });

  test.each(['what is this', 'note 12:0:mpath-3a:mpatha', '12:0:mpath-3a:'])(
    'dmsetup says %j: unknown',
    async (line) => {
      const plan = await planOf({ ...scene, maps: [MAP], changes: { [MAPS]: `${line}\n` } }, own);
      expect(plan.unknown).toMatchObject([
        { why: expect.stringContaining('what dmsetup says is not understood') },
      ]);
    },
  );
});
