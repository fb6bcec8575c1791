import type { Reader } from '../../site/reader.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { knownHost } from './host.ts';
import { type HostDomains, readDomains } from './virsh.ts';

export interface DomainsOnHost extends HostDomains {
  readonly host: string;
  /** as libvirt has it: its container may have it at another path than the host */
  readonly instancesPath: string;
}

export interface DomainFacts {
  /** hosts where libvirt answered; those without a domain of the server too */
  readonly hosts: readonly DomainsOnHost[];
}

/**
 * Every host that ever had to do with the server is asked, not only `instances.host`: a shut-off source of a resize, a zombie of
 * an evacuation and the target of a failed migration are domains with the same uuid elsewhere.
 */
export async function findDomains(look: Reader, subject: Subject): Promise<Found<DomainFacts>> {
  const { facts, unknown } = await lookAt(subject.hosts, async (host): Promise<DomainsOnHost> => {
    const { name, instancesPath } = knownHost(host);
    const novas = look.host(name)?.novasInstancesPath ?? instancesPath;
    return { host: name, instancesPath: novas, ...(await readDomains(look, name, subject)) };
  });
  return { facts: { hosts: facts }, unknown };
}
