import { waitFor } from '../command.ts';
import type { Lab } from '../paths.ts';
import { runOnNode } from './power.ts';
import type { Target } from './target.ts';

/** Finds the target at a portal and logs in there, as os-brick does for Nova. */
export async function login(lab: Lab, target: Target, portal: string): Promise<void> {
  await runOnNode(lab, ['iscsiadm', '-m', 'discovery', '-t', 'sendtargets', '-p', portal]);
  await runOnNode(lab, ['iscsiadm', '-m', 'node', '-T', target.iqn, '-p', portal, '--login']);
}

/** Logs out of the target everywhere and forgets it. */
export async function logout(lab: Lab, target: Target): Promise<void> {
  // 21: there is no such session or record.
  const allow = { allow: [21] };
  await runOnNode(lab, ['iscsiadm', '-m', 'node', '-T', target.iqn, '--logout'], allow);
  await runOnNode(lab, ['iscsiadm', '-m', 'node', '-T', target.iqn, '-o', 'delete'], allow);
}

/** The node's sessions, one line each, as iscsiadm prints them: `tcp: [1] 10.77.0.1:3260,1 iqn… (non-flash)`. */
export async function readSessions(lab: Lab): Promise<readonly string[]> {
  const { stdout } = await runOnNode(lab, ['iscsiadm', '-m', 'session'], { allow: [21] });
  return stdout.split('\n').filter((line) => line !== '');
}

/** The device of a unit (`/dev/sda`), by the link that udev makes; waits for it. */
export async function waitForDisk(lab: Lab, target: Target, portal: string, lun: number): Promise<string> {
  const link = `/dev/disk/by-path/ip-${portal}-iscsi-${target.iqn}-lun-${lun}`;
  let device = '';
  await waitFor(
    `${link} on the node`,
    async () => {
      const answer = await runOnNode(lab, ['readlink', '-e', link], { allow: [1] });
      device = answer.stdout.trim();
      return device !== '';
    },
    { timeoutMs: 30_000 },
  );
  return device;
}

/** A map of multipathd: its name (the disk's WWID), and its paths with their states as `multipathd` names them. */
export interface MultipathMap {
  readonly name: string;
  readonly paths: readonly { readonly device: string; readonly state: string }[];
}

export async function readMaps(lab: Lab): Promise<readonly MultipathMap[]> {
  const { stdout } = await runOnNode(lab, ['multipathd', 'show', 'paths', 'raw', 'format', '%w|%d|%t|%m']);
  return parseMaps(stdout);
}

/** From lines `WWID|sdX|active|MAP`; a path without a map is in none. */
export function parseMaps(text: string): readonly MultipathMap[] {
  const maps = new Map<string, { device: string; state: string }[]>();
  for (const line of text.split('\n').filter((each) => each.includes('|'))) {
    const [, device = '', state = '', name = ''] = line.split('|').map((field) => field.trim());
    if (name === '' || name === '[orphan]') continue;
    maps.set(name, [...(maps.get(name) ?? []), { device, state }]);
  }
  return [...maps].map(([name, paths]) => ({ name, paths }));
}
