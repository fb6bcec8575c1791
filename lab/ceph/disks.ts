import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Disks, disksConfig, readDisks, writeDisks } from '../config/disks.ts';
import { renderIni } from '../config/ini.ts';
import { novaConfig } from '../config/nova.ts';
import { reviveCompute } from '../nova-services.ts';
import type { Lab } from '../paths.ts';
import { stopService } from '../process.ts';

/**
 * Starts nova-compute of the first host anew so that the disks of servers made from then on are files or images in Ceph. Nova
 * takes whatever it finds for the kind that it is set to, so there must be no server that was made with the other one; does nothing
 * when it is so already.
 */
export async function setDisks(lab: Lab, disks: Disks): Promise<void> {
  if (readDisks(lab) === disks) return;
  writeDisks(lab, disks);
  const text = renderIni(novaConfig(lab, disksConfig(lab, disks)));
  writeFileSync(join(lab.etc, 'nova.conf'), text, { mode: 0o640 });
  await stopService(lab, 'nova-compute');
  await reviveCompute(lab, { dropQueue: false });
}
