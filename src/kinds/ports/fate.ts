import type { Decisions } from '../../plan/types.ts';
import type { Subject } from '../subject/subject.ts';
import type { Port } from './port.ts';
import { deletesAll } from './release.ts';

export interface Fate {
  readonly act: 'delete' | 'unbind';
  /** one sentence, without the full stop */
  readonly why: string;
}

/**
 * What becomes of a port. Nova deletes the ports that it made and unbinds those that were there before the server; it knows
 * them by `preserve_on_delete` in `network_info` (Kilo and later; nova 26 `network/neutron.py:_get_preexisting_port_ids`),
 * and takes every port for its own where that record is lost.
 *
 * expunge does not repeat that mistake. Without the record a port is deleted only when it can be nobody's but Nova's: made while
 * the server was being built, and without a name (`_create_port_minimal` gives none).
 */
export function decideFate(port: Port, subject: Subject, decisions: Decisions): Fate {
  if (decisions.ports === 'delete') return { act: 'delete', why: 'asked for by --ports delete' };
  if (decisions.ports === 'keep') return { act: 'unbind', why: 'asked for by --ports keep' };
  if (deletesAll(subject.era)) return { act: 'delete', why: 'Nova of this release deletes every port' };
  const recorded = subject.vifs.find((vif) => vif.portId === port.id);
  if (recorded?.preserveOnDelete === true)
    return { act: 'unbind', why: 'made before the server and given to it: Nova unbinds such a port' };
  if (recorded?.preserveOnDelete === false) return { act: 'delete', why: 'made by Nova for this server' };
  return fateByTime(port, subject);
}

/** `network_info` says nothing of this port: the times of making are compared, and doubt keeps it. */
function fateByTime(port: Port, { row }: Subject): Fate {
  const server = row?.createdAt ?? null;
  if (port.createdAt === null || server === null)
    return {
      act: 'unbind',
      why: "network_info does not say who made it and its age is not known, so it may be a user's",
    };
  if (port.createdAt <= server)
    return { act: 'unbind', why: 'network_info does not say who made it, and it is older than the server' };
  if (port.name !== '')
    return { act: 'unbind', why: 'network_info does not say who made it, and Nova does not name its ports' };
  if (row?.launchedAt && port.createdAt > row.launchedAt)
    return {
      act: 'unbind',
      why: "network_info does not say who made it, and it came after the server was built, so it may be a user's",
    };
  return { act: 'delete', why: 'made while Nova built the server, and without a name, as Nova makes them' };
}
