import { waitFor } from '../command.ts';
import type { Lab } from '../paths.ts';
import type { Claims } from './claims.ts';
import { runOnNode } from './power.ts';

/** A bridge in the kernel's datapath, with a port. */
export async function trySwitch(lab: Lab, { claim }: Claims): Promise<void> {
  const bridge = 'br-try';
  try {
    await runOnNode(lab, ['ovs-vsctl', '--timeout=20', 'add-br', bridge]);
    await runOnNode(lab, [
      ...['ovs-vsctl', '--timeout=20', 'add-port', bridge, 'try0'],
      ...['--', 'set', 'Interface', 'try0', 'type=internal'],
    ]);
    const { stdout } = await runOnNode(lab, ['ovs-dpctl', 'show']);
    const holds = stdout.includes('system@ovs-system') && /port \d+: try0 \(internal\)/.test(stdout);
    claim('Open vSwitch has its ports in the kernel', holds, stdout.split('\n')[0] ?? '');
  } finally {
    await runOnNode(lab, ['ovs-vsctl', '--timeout=20', '--if-exists', 'del-br', bridge]);
  }
}

/** A real QEMU on an iSCSI disk, defined, started, held by the kernel as a user of the disk, and taken away. */
export async function tryDomain(lab: Lab, disk: string, { claim }: Claims): Promise<void> {
  const name = 'try-domain';
  const begun = Date.now();
  await runOnNode(lab, ['dd', 'of=/tmp/domain.xml', 'status=none'], { input: renderDomain(name, disk) });
  await runOnNode(lab, ['virsh', 'define', '/tmp/domain.xml']);
  try {
    const started = await runOnNode(lab, ['virsh', 'start', name], { allow: 'any' });
    const state = await runOnNode(lab, ['virsh', 'domstate', name], { allow: 'any' });
    const seconds = ((Date.now() - begun) / 1000).toFixed(0);
    const running = state.stdout.trim() === 'running';
    claim(
      'libvirt runs a domain on an iSCSI disk',
      running,
      running ? `after ${seconds} s` : started.stderr.trim(),
    );
    const users = await runOnNode(lab, ['fuser', disk], { allow: [1] });
    claim('the disk is in use', users.stdout.trim() !== '', `${disk} by process ${users.stdout.trim()}`);
  } finally {
    await runOnNode(lab, ['virsh', 'destroy', name], { allow: 'any' });
    await runOnNode(lab, ['virsh', 'undefine', name], { allow: 'any' });
  }
  await waitFor('the domain to be gone', async () => {
    return (await runOnNode(lab, ['virsh', 'domstate', name], { allow: [1] })).code === 1;
  });
}

function renderDomain(name: string, disk: string): string {
  return `<domain type='qemu'>
  <name>${name}</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source dev='${disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
`;
}
