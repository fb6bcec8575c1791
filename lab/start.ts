import { sleep } from './command.ts';
import type { Lab } from './paths.ts';
import { findPid, readLogEnd, startProcess } from './process.ts';
import { acceptsTcp, readService, type ServiceName } from './services.ts';

/** Starts a service and waits until it does its work; its failure is named with the end of its log. */
export async function startService(lab: Lab, name: ServiceName, timeoutMs = 120_000): Promise<void> {
  const service = readService(lab, name);
  if (findPid(lab, name) === undefined && service.port !== undefined && (await acceptsTcp(service.port))) {
    throw new Error(`${name} cannot start: another program of this machine has port ${service.port}`);
  }
  startProcess(lab, service);
  const deadline = Date.now() + timeoutMs;
  while (!(await service.isReady())) {
    assertRuns(lab, name);
    if (Date.now() > deadline)
      throw new Error(describe(lab, name, `gave no answer for ${timeoutMs / 1000} s`));
    await sleep(100);
  }
}

/** Runs `work`, and gives up at once when one of these services ends meanwhile. */
export async function whileRunning<T>(lab: Lab, names: readonly ServiceName[], work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const watch = async (): Promise<never> => {
    for (;;) {
      await sleep(1000);
      if (over.signal.aborted) return new Promise<never>(() => undefined);
      for (const name of names) assertRuns(lab, name);
    }
  };
  try {
    return await Promise.race([work, watch()]);
  } finally {
    over.abort();
  }
}

function assertRuns(lab: Lab, name: ServiceName): void {
  if (findPid(lab, name) === undefined) throw new Error(describe(lab, name, 'ended by itself'));
}

function describe(lab: Lab, name: ServiceName, what: string): string {
  return `${name} ${what}. The end of its log (${lab.log}/${name}.log):\n${readLogEnd(lab, name)}`;
}
