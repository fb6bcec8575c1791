import { allocations } from './allocations/index.ts';
import { buildRequest } from './build-request/index.ts';
import { consoleTokens } from './console-tokens/index.ts';
import { disks } from './disks/index.ts';
import { domain } from './domain/index.ts';
import { fence } from './fence/index.ts';
import { files } from './files/index.ts';
import { interfaces } from './interfaces/index.ts';
import type { Kind } from './kind.ts';
import { mapping } from './mapping/index.ts';
import { ports } from './ports/index.ts';
import { quota } from './quota/index.ts';
import { rows } from './rows/index.ts';
import { shelveSnapshot } from './shelve-snapshot/index.ts';
import { volumeConnections } from './volume-connections/index.ts';
import { volumes } from './volumes/index.ts';
import { waitingRequests } from './waiting-requests/index.ts';

/**
 * Every kind of remains, in the order of work: the chapters of the procedure.
 *
 * The facts of a kind are nobody's business but its own, hence `unknown`: `erase` binds find and plan of one kind together.
 */
export const KINDS: readonly Kind<unknown>[] = [
  erase(fence),
  erase(waitingRequests),
  erase(consoleTokens),
  erase(domain),
  erase(interfaces),
  erase(volumeConnections),
  erase(files),
  erase(disks),
  erase(volumes),
  erase(ports),
  erase(shelveSnapshot),
  erase(allocations),
  erase(rows),
  erase(buildRequest),
  erase(quota),
  erase(mapping),
];

function erase<F>(kind: Kind<F>): Kind<unknown> {
  return { ...kind, plan: (facts, subject, decisions) => kind.plan(facts as F, subject, decisions) };
}
