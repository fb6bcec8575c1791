import { readCephStatus } from './ceph/status.ts';
import { isTurnedOn } from './config/backends.ts';
import { processes } from './node/paths.ts';
import { readNodeStatus } from './node/status.ts';
import type { Lab } from './paths.ts';
import { findPid, isFrozen } from './process.ts';
import { listServices } from './services.ts';

export interface ServiceStatus {
  readonly name: string;
  readonly pid: number | undefined;
  /** Where it listens, or what else there is to say. */
  readonly detail: string | undefined;
  readonly state: 'up' | 'frozen' | 'no answer' | 'down';
}

/** Every service of the cloud, and what of Ceph and of the second machine was asked for. */
export async function readStatus(lab: Lab): Promise<readonly ServiceStatus[]> {
  const parts = [
    readCloud(lab),
    isTurnedOn(lab, 'ceph') ? readCephStatus(lab) : [],
    findPid(lab, processes.namespace) === undefined ? [] : readNode(lab),
  ];
  return (await Promise.all(parts)).flat();
}

async function readNode(lab: Lab): Promise<readonly ServiceStatus[]> {
  return (await readNodeStatus(lab)).map((part) => ({
    name: part.name,
    pid: findPid(lab, part.name),
    detail: part.detail,
    state: part.isUp ? 'up' : 'down',
  }));
}

function readCloud(lab: Lab): Promise<readonly ServiceStatus[]> {
  return Promise.all(
    listServices(lab).map(async (service) => {
      const pid = findPid(lab, service.name);
      const detail = service.port === undefined ? undefined : `127.0.0.1:${service.port}`;
      return { name: service.name, pid, detail, state: await judge() };

      async function judge(): Promise<ServiceStatus['state']> {
        if (pid === undefined) return 'down';
        if (isFrozen(lab, service.name)) return 'frozen';
        return (await service.isReady()) ? 'up' : 'no answer';
      }
    }),
  );
}

export function renderStatus(statuses: readonly ServiceStatus[]): string {
  const line = (status: ServiceStatus): string =>
    [
      status.name.padEnd(22),
      String(status.pid ?? '-').padStart(8),
      status.state.padEnd(10),
      status.detail ?? '',
    ]
      .join('  ')
      .trimEnd();
  return statuses.map(line).join('\n');
}
