import type { Lab } from './paths.ts';
import { findPid, isFrozen } from './process.ts';
import { listServices } from './services.ts';

export interface ServiceStatus {
  readonly name: string;
  readonly pid: number | undefined;
  readonly port: number | undefined;
  readonly state: 'up' | 'frozen' | 'no answer' | 'down';
}

export function readStatus(lab: Lab): Promise<readonly ServiceStatus[]> {
  return Promise.all(
    listServices(lab).map(async (service) => {
      const pid = findPid(lab, service.name);
      return { name: service.name, pid, port: service.port, state: await judge() };

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
      status.name.padEnd(18),
      String(status.pid ?? '-').padStart(8),
      status.state.padEnd(10),
      status.port === undefined ? '' : `127.0.0.1:${status.port}`,
    ]
      .join('  ')
      .trimEnd();
  return statuses.map(line).join('\n');
}
