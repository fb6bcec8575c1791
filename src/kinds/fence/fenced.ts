/** Hosts that the operator says are powered off: whether that can be, and what happens there when they are back. */
import type { Kept, Refusal } from '../../plan/types.ts';
import { mayBeUp, type Subject } from '../subject/subject.ts';

/**
 * The word of an operator is believed only as far as nothing speaks against it: a server that still runs on a host which is merely
 * unreachable would go on writing to what is given free.
 */
export function refuseFenced({ hosts }: Subject): Omit<Refusal, 'kind'>[] {
  return hosts.flatMap(({ name, fenced, service }) => {
    if (fenced === undefined) return [];
    return [
      ...(fenced.answers === null
        ? []
        : [
            {
              code: 'fenced-but-answers',
              sentence: `${name} is said to be powered off, but it is not silent: ${fenced.answers}.`,
              flag: null,
            },
          ]),
      ...(service !== null && mayBeUp(service)
        ? [
            {
              code: 'fenced-but-up',
              sentence:
                service.up === null
                  ? `${name} is said to be powered off, but whether Nova counts its nova-compute as up is not in its database: openstack compute service set --down says so there.`
                  : `${name} is said to be powered off, but Nova heard of its nova-compute at ${service.lastSeen} UTC and counts it as up.`,
              flag: null,
            },
          ]
        : []),
    ];
  });
}

/**
 * nova 26 `compute/manager.py`: `_cleanup_running_deleted_instances` when nova-compute starts and then every
 * `running_deleted_instance_poll_interval` (1800 s), on every host; `_run_pending_deletes` every `instance_delete_interval` (300 s), on
 * the host that the row names, as long as `cleaned` is 0.
 */
export function keepForReturn({ row, hosts }: Subject): Omit<Kept, 'kind'>[] {
  return hosts
    .filter(({ fenced }) => fenced !== undefined)
    .map(({ name }) => ({
      place: `host ${name}`,
      what: 'what its nova-compute does by itself when the host is back',
      why: `it may destroy the domain with its interfaces when it starts or within half an hour${row?.host === name ? ', and remove the folder within five minutes' : ''}: resume looks at what is left then, and removes that`,
    }));
}
