import { z } from 'zod';
import { ask } from './api.ts';
import { waitFor } from './command.ts';
import { host, type Lab } from './paths.ts';
import { findPid, isFrozen, signalService, stopService } from './process.ts';
import { purgeQueue } from './rabbitmq.ts';
import { change } from './sql.ts';
import { startService } from './start.ts';

export type NovaService = 'nova-compute' | 'nova-conductor' | 'nova-scheduler';

/** The queue in which requests for a service wait while it does not take them. */
const queues: Readonly<Record<NovaService, string>> = {
  'nova-compute': `compute.${host}`,
  'nova-conductor': 'conductor',
  'nova-scheduler': 'scheduler',
};

/** Stops a service in its tracks: its connections stay open, its requests pile up, and nobody takes them. */
function freeze(lab: Lab, name: NovaService): void {
  if (findPid(lab, name) === undefined) throw new Error(`${name} does not run, it cannot be frozen`);
  signalService(lab, name, 'SIGSTOP');
}

/** Lets a frozen service go on, with everything that has waited for it. */
async function thaw(lab: Lab, name: NovaService): Promise<void> {
  // Only a report made after this moment counts.
  await forgetReports(lab, name);
  signalService(lab, name, 'SIGCONT');
  await waitServiceUp(lab, name);
}

/** Ends a service without a word, as a power cut does. */
export async function kill(lab: Lab, name: NovaService): Promise<void> {
  await stopService(lab, name, 0);
}

/** Ends what is left of a service, frozen or not, and starts a fresh one; with `dropQueue` nothing waits for it. */
export async function revive(
  lab: Lab,
  name: NovaService,
  options: { readonly dropQueue?: boolean } = {},
): Promise<void> {
  const healthy = findPid(lab, name) !== undefined && !isFrozen(lab, name);
  if (!healthy) {
    await stopService(lab, name, 0);
    if (options.dropQueue ?? true) await purgeQueue(lab, queues[name]);
    await forgetReports(lab, name);
    await startService(lab, name);
  }
  await waitServiceUp(lab, name);
}

/**
 * Makes Nova take a frozen or killed service for down. Its last report is moved into the past instead of waiting out
 * `service_down_time`: nobody is left to report again, so the outcome is the same, 20 seconds earlier.
 */
export async function waitServiceDown(lab: Lab, name: NovaService): Promise<void> {
  if (findPid(lab, name) !== undefined && !isFrozen(lab, name)) throw new Error(`${name} still runs`);
  await forgetReports(lab, name);
  await waitFor(`Nova to report ${name} down`, async () => (await readState(lab, name)) === 'down');
}

export async function waitServiceUp(lab: Lab, name: NovaService): Promise<void> {
  await waitFor(`Nova to report ${name} up`, async () => {
    if (findPid(lab, name) === undefined) throw new Error(`${name} ended by itself`);
    return (await readState(lab, name)) === 'up';
  });
}

/** Only a report that a service makes after this moment counts. */
export async function forgetReports(lab: Lab, name: NovaService, of: string = host): Promise<void> {
  const statement =
    'UPDATE services SET last_seen_up = last_seen_up - INTERVAL 10 MINUTE WHERE `binary` = ? AND host = ? AND deleted = 0';
  await change(lab, 'nova', [[statement, [name, of]]]);
}

async function readState(lab: Lab, name: NovaService): Promise<string | undefined> {
  const shape = z.object({ services: z.array(z.object({ binary: z.string(), state: z.string() })) });
  const path = `/os-services?binary=${name}&host=${host}`;
  const { services } = await ask(lab, 'compute', 'GET', path, shape);
  return services[0]?.state;
}

export const freezeCompute = (lab: Lab): void => freeze(lab, 'nova-compute');
export const thawCompute = (lab: Lab): Promise<void> => thaw(lab, 'nova-compute');
export const killCompute = (lab: Lab): Promise<void> => kill(lab, 'nova-compute');
export const reviveCompute = (lab: Lab, options: { readonly dropQueue?: boolean } = {}): Promise<void> =>
  revive(lab, 'nova-compute', options);
