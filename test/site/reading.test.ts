import { describe, expect, test } from 'vitest';
import { isReading } from '../../src/site/command/reading.ts';

/** Words parted by single blanks. */
const words = (line: string) => line.split(' ');

describe('reads', () => {
  test.each([
    'virsh -c qemu:///system list --all --uuid',
    'virsh -c qemu:///system domuuid instance-0000002a',
    'virsh -c qemu:///system dumpxml --inactive 11111111-2222-4333-8444-555555555555',
    'virsh -c qemu:///system snapshot-list --name instance-0000002a',
    'virsh list',
    'virsh version',
    'ip -o link show',
    'ip link show dev tapaaaaaaaa-00',
    'ovs-vsctl --timeout=10 list-br',
    'ovs-vsctl --timeout=10 --format=json -- --columns=_uuid,name list Interface -- --columns=name,ports list Bridge',
    'ovs-vsctl --timeout=10 --if-exists get Interface tapx external_ids',
    'ovs-vsctl --if-exists get Interface tapx external_ids:vm-uuid',
    'ovs-vsctl port-to-br del-port',
    'find /var/lib/nova/instances/. -maxdepth 1 ( -name . -o -name abc ) -printf %f\\n',
    'findmnt -n -r -o TARGET,FSTYPE,SOURCE',
    'realpath -e -- /var/lib/nova/instances',
    'test ! -e /var/lib/nova/instances/abc',
    'stat /x',
    'pgrep -f (^|/)nova-compute',
    'id -un',
    'true',
    'find /proc -regextype posix-extended -maxdepth 3 ! -regex /proc/[0-9]+ -prune -o ( -lname */sdb ) -printf %h',
    'find /sys/devices/x -path */holders/* -printf %f\\n',
    'iscsiadm -m session',
    'iscsiadm -m node',
    'iscsiadm -m node -T iqn.2010-10.org:x -p [fd00::1]:3260',
    'lsblk -a -n -P -b -o NAME,KNAME',
    'dmsetup info -c --noheadings -o minor,open,uuid,name',
    'dmsetup info -c --noheadings -o uuid mpatha',
    'nvme list-subsys -o json',
    'rbd showmapped --format json',
    'ps -ww -o pid=,comm=,args= -p 1,2',
    'cat /sys/devices/rbd/0/pool /sys/devices/rbd/0/name',
  ])('%s', (line) => {
    expect(isReading(words(line))).toBe(true);
  });
});

describe('may change something, or tell a secret', () => {
  test.each([
    'pkill -f nova-compute',
    'pgrep -F /etc/shadow',
    'virsh -c qemu:///system destroy instance-0000002a',
    'virsh destroy list',
    'virsh undefine x',
    'virsh shutdown x',
    'virsh dumpxml --security-info x',
    'virsh -c qemu:///system dumpxml x --security-info',
    'virsh -c list destroy x',
    'virsh --connect qemu:///system list',
    'virsh -c qemu:///system',
    'virsh qemu-monitor-command x quit',
    'virsh',
    'ip link delete qbraaaaaaaa-00',
    'ip link del show',
    'ip link set tapx down',
    'ip addr show',
    'ip -n ns link delete x',
    'ip -batch link show',
    'ip -force -batch link show',
    'ip netns exec link show',
    'ovs-vsctl --timeout=10 -- --if-exists del-port br-int tapx',
    'ovs-vsctl list x -- del-port br-int tapx',
    'ovs-vsctl del-port list',
    'ovs-vsctl --db list del-port tapx',
    'ovs-vsctl --may-exist add-port br-int x',
    'ovs-vsctl set Interface x a=b',
    'ovs-vsctl -t 10 list Interface',
    'ovs-vsctl emer-reset',
    'ovs-vsctl list x -- --if-exists',
    'find /x -delete',
    'find /x -name y -delete',
    'find /x -exec rm {} +',
    'find /x -execdir rm {} +',
    'find /x -ok rm {} ;',
    'find /x -fprintf /etc/passwd x',
    'find /x -fls /y',
    'find -delete',
    'rm -rf /x',
    'sh -c true',
    'bash',
    'sudo true',
    'cat /etc/shadow',
    'cat /sys/devices/rbd/0/name /etc/shadow',
    'cat /sys/devices/rbd/0/../../../../etc/shadow',
    'cat',
    'find /sys -path x -delete',
    'iscsiadm -m session -r 1 --logout',
    'iscsiadm -m session -P 3',
    'iscsiadm -m node -S',
    'iscsiadm -m node -T iqn.x -p 10.0.0.1:3260 -S',
    'iscsiadm -m node -T iqn.x -p 10.0.0.1:3260 --logout',
    'iscsiadm -m node -T iqn.x -p 10.0.0.1:3260 --op delete',
    'iscsiadm -m node -T -S -p 10.0.0.1:3260',
    'iscsiadm -m node -L all',
    'iscsiadm -m discoverydb -o show',
    'dmsetup remove mpatha',
    'dmsetup info -c --noheadings -o name --force',
    'dmsetup table --showkeys',
    'multipath -f mpatha',
    'multipathd del path sdb',
    'nvme disconnect -n nqn.x',
    'nvme list-subsys -o json /dev/nvme0',
    'rbd unmap /dev/rbd0',
    'tee /sys/x/delete',
    'blockdev --flushbufs /dev/sdb',
    'umount /x',
    'ps aux',
    '/usr/bin/virsh list',
    'constructor',
    '__proto__',
    'toString x',
    '',
  ])('%j', (line) => {
    expect(isReading(words(line))).toBe(false);
  });

  test('nothing at all', () => {
    expect(isReading([])).toBe(false);
  });

  test('several commands in one word', () => {
    expect(isReading(['virsh', 'list; destroy x'])).toBe(false);
    expect(isReading(['ovs-vsctl', 'list x', '--', 'del-port', 'y'])).toBe(false);
    expect(isReading(['true; rm -rf /'])).toBe(false);
  });
});
