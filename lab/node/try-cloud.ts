import type { Lab } from '../paths.ts';
import { deleteServer, waitForStatus } from '../servers.ts';
import { takeTurn } from '../turn.ts';
import { type Claims, makeClaims } from './claims.ts';
import { enrolNode, isEnrolled, withdrawNode } from './cloud.ts';
import { nodeName } from './paths.ts';
import { runOnNode } from './power.ts';
import { requestNodeServer } from './server.ts';

/**
 * Has the cloud boot a server on the node, looks at what it is there, and has Nova delete it; false when something is not so. A
 * node that the cloud does not know is enrolled for that time, so that nobody else's servers land on it.
 */
export async function tryCloud(lab: Lab, say: (line: string) => void): Promise<boolean> {
  await takeTurn(lab);
  const claims = makeClaims(say);
  const stays = await isEnrolled(lab);
  try {
    await enrolNode(lab, say);
    await tryServer(lab, claims);
  } finally {
    if (!stays) await withdrawNode(lab);
  }
  if (!stays) claims.claim('withdrawn, the cloud knows it no more', !(await isEnrolled(lab)));
  return claims.allHold();
}

async function tryServer(lab: Lab, { claim }: Claims): Promise<void> {
  const begun = Date.now();
  const server = await requestNodeServer(lab, `try-${nodeName}-${begun.toString(36)}`);
  try {
    await waitForStatus(lab, server, 'ACTIVE');
    claim(
      'a server boots on the node',
      true,
      `${server.id} after ${((Date.now() - begun) / 1000).toFixed(0)} s`,
    );
    const domains = await runOnNode(lab, ['virsh', 'domstate', server.id], { allow: [1] });
    claim('its domain runs there', domains.stdout.trim() === 'running', domains.stdout.trim());
    const ovs = await runOnNode(lab, [
      ...['ovs-vsctl', '--timeout=20', '--bare', '--columns=name,ofport', 'find', 'Interface'],
      `external_ids:vm-uuid=${server.id}`,
    ]);
    const [tap = '', ofport = ''] = ovs.stdout.trim().split('\n');
    claim('its port is in the switch', tap.startsWith('tap') && Number(ofport) > 0, `${tap} ${ofport}`);
    const datapath = await runOnNode(lab, ['ovs-dpctl', 'show']);
    claim("and in the kernel's datapath", tap !== '' && datapath.stdout.includes(`: ${tap}`));
  } finally {
    await deleteServer(lab, server);
  }
  const left = await runOnNode(lab, ['virsh', 'domstate', server.id], { allow: [1] });
  claim("Nova's delete takes it away", left.code === 1);
}
