import type { Lab } from '../paths.ts';
import { findPid, isFrozen } from '../process.ts';
import type { ServiceStatus } from '../status.ts';
import { readClusterStatus } from './cluster.ts';
import { cephAddress, cephPorts, cephProcesses } from './paths.ts';

/** The daemons, and with the monitor what the cluster says of itself. */
export async function readCephStatus(lab: Lab): Promise<readonly ServiceStatus[]> {
  const summary = await readSummary(lab);
  return Object.values(cephProcesses).map((name) => {
    const pid = findPid(lab, name);
    const isMonitor = name === cephProcesses.monitor;
    return { name, pid, state: judge(), detail: isMonitor ? summary.text : undefined };

    function judge(): ServiceStatus['state'] {
      if (pid === undefined) return 'down';
      if (isFrozen(lab, name)) return 'frozen';
      return summary.isUsable ? 'up' : 'no answer';
    }
  });
}

async function readSummary(lab: Lab): Promise<{ readonly isUsable: boolean; readonly text: string }> {
  const at = `${cephAddress}:${cephPorts.monitorV1}`;
  // A frozen or dead monitor would let the question wait until its end.
  const runs = findPid(lab, cephProcesses.monitor) !== undefined && !isFrozen(lab, cephProcesses.monitor);
  if (!runs) return { isUsable: false, text: at };
  try {
    const { isUsable, summary } = await readClusterStatus(lab);
    return { isUsable, text: `${at}, ${summary}` };
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error)
      .split('\n')
      .slice(-1);
    return { isUsable: false, text: `${at}, ${line}` };
  }
}
