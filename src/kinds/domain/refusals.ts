/** When the domain that was found is perhaps not this server, which no flag lifts, perhaps not stuck, or has what only a hand can clean. */
import type { Kept, Refusal } from '../../plan/types.ts';
import { EARLIER_RUN, type Subject } from '../subject/subject.ts';
import type { DomainsOnHost } from './find.ts';
import type { Domain } from './virsh.ts';

type Draft = Omit<Refusal, 'kind'>;

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/**
 * The server that a disk belongs to by its name: `<instances_path>/<uuid>/disk`, or `<uuid>_disk` on rbd and LVM
 * (nova 26 `virt/libvirt/utils.py:get_instance_path`, `virt/libvirt/imagebackend.py:Rbd`). Volumes and `_base` belong to none.
 */
export function serverOfDisk(disk: string, instancesPath: string): string | null {
  const root = `${instancesPath.replace(/\/+$/, '')}/`;
  const folder = disk.startsWith(root)
    ? new RegExp(`^(${UUID})(?:_resize|_del)?/`).exec(disk.slice(root.length))
    : null;
  const image = new RegExp(`(?:^|/)(${UUID})_disk(?:\\.[a-z0-9]+)?$`).exec(disk);
  return folder?.[1] ?? image?.[1] ?? null;
}

/** What Nova runs on the host (nova 26 `privsep/libvirt.py:cleanup_vpmem`). */
export function wipeCommand(device: string): string {
  return `daxio -z -o ${device}`;
}

function foreignTrait(own: Domain, at: DomainsOnHost, subject: Subject): string | null {
  const disk = own.disks.find((d) => {
    const server = serverOfDisk(d, at.instancesPath);
    return server !== null && server !== subject.uuid;
  });
  if (disk !== undefined) return `its disk ${disk} belongs to another server`;
  if (own.project !== null && subject.projectId !== null && own.project !== subject.projectId)
    return `its metadata names project ${own.project}, the server's is ${subject.projectId}`;
  return null;
}

/** While the row lives, an active domain elsewhere may be the real one: a migration that ended badly, an evacuation. */
function isElsewhere(at: DomainsOnHost, { row }: Subject): boolean {
  if (at.own?.active !== true || row === null || row.archived || row.deleted !== 0) return false;
  return row.host !== null && row.host !== at.host;
}

/**
 * Nova has no trace of the server, nor a nova-compute on the host that it runs on: so it looks, too, where the API database is another
 * region's or another cloud's, and the server is healthy there. What an earlier run has seen of it was Nova's.
 */
function isUnknownToNova(at: DomainsOnHost, { row, mapping, buildRequest, hosts }: Subject): boolean {
  if (at.own?.active !== true || row !== null || mapping !== null || buildRequest !== null) return false;
  const host = hosts.find(({ name }) => name === at.host);
  return host !== undefined && host.service === null && !host.because.includes(EARLIER_RUN);
}

/**
 * A namesake is dangerous when it uses what is about to be removed, or when it stands exactly where Nova says that this server
 * runs: the database was rebuilt, or somebody defined the domain anew. Anywhere else it is a bystander, and so it is beside an archived row:
 * its number may be another server's by now. MySQL up to 5.7 and MariaDB up to 10.2.3 forget, when they are started, the highest number
 * that a table had, and go on from the highest that is left in it.
 */
function isDangerous(at: DomainsOnHost, subject: Subject): boolean {
  if (at.namesake === null) return false;
  const { row } = subject;
  return at.namesake.usesOurs || (at.own === null && row?.host === at.host && !row.archived);
}

export function refuseDomains(at: DomainsOnHost, subject: Subject): Draft[] {
  const refusals: Draft[] = [];
  const foreign = at.own === null ? null : foreignTrait(at.own, at, subject);
  if (at.own !== null && foreign !== null)
    refusals.push({
      code: 'domain-not-novas',
      flag: null,
      sentence: `domain ${at.own.name} on ${at.host} has this server's uuid, but ${foreign}`,
    });
  if (at.own !== null && at.own.memories.length > 0)
    refusals.push({
      code: 'memory-by-hand',
      flag: 'even-manual',
      sentence: `domain ${at.own.name} on ${at.host} has persistent memory, which keeps what the server wrote for whoever gets it next: once the server is stopped it is to be wiped there, as Nova does: ${at.own.memories.map(wipeCommand).join('; ')}`,
    });
  if (at.own !== null && isElsewhere(at, subject))
    refusals.push({
      code: 'domain-elsewhere',
      flag: null,
      sentence: `the server is ${at.own.state} on ${at.host}, but Nova says that it is on ${subject.row?.host}: stop it there, or correct instances.host`,
    });
  if (at.own !== null && isUnknownToNova(at, subject))
    refusals.push({
      code: 'domain-unknown-to-nova',
      flag: 'even-healthy',
      sentence: `domain ${at.own.name} is ${at.own.state} on ${at.host}, and no cell of this Nova knows that host or the server: is it the Nova of this region?`,
    });
  if (at.namesake !== null && isDangerous(at, subject))
    refusals.push({
      code: 'domain-other-uuid',
      flag: null,
      sentence: `domain ${subject.domainName} on ${at.host} has uuid ${at.namesake.uuid}, not this server's${at.namesake.usesOurs ? ', and uses what is its own' : ''}`,
    });
  return refusals;
}

export function keepDomains(at: DomainsOnHost, subject: Subject): Omit<Kept, 'kind'>[] {
  if (at.namesake === null || isDangerous(at, subject)) return [];
  return [
    {
      place: `host ${at.host}`,
      what: `domain ${subject.domainName}`,
      why: `its uuid is ${at.namesake.uuid}: another server with the same name`,
    },
  ];
}
