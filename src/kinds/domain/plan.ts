import type { BeforeImage, DraftStep, Manual } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import type { DomainFacts } from './find.ts';
import { keepDomains, refuseDomains, wipeCommand } from './refusals.ts';
import { type Domain, domainNotActive, virsh } from './virsh.ts';

/** Without `--security-info`: the console's password is not saved. */
function savedXml(host: string, uuid: string): BeforeImage {
  return { door: 'command', host, argv: virsh('dumpxml', uuid) };
}

/** nova 26 `virt/libvirt/driver.py:_destroy` does the same by virDomainDestroy: the plug is pulled. */
function stopStep(host: string, uuid: string, domain: Domain): DraftStep {
  return {
    id: `domain/${host}/stop`,
    phase: 'stop',
    place: `host ${host}`,
    title: `stop domain ${domain.name}`,
    why: 'While it runs it writes to its disks and holds its interfaces.',
    act: { door: 'command', host, argv: virsh('destroy', uuid), exit: [0] },
    guards: [
      {
        must: `the domain with this server's uuid is still called ${domain.name}`,
        check: {
          door: 'command',
          host,
          argv: virsh('domname', uuid),
          exit: [0],
          out: { equals: domain.name },
        },
      },
    ],
    settled: domainNotActive(host, uuid),
    before: domain.persistent ? [] : [savedXml(host, uuid)],
    undo: 'recreate',
  };
}

/**
 * Nova undefines with the managed-save and NVRAM flags (nova 26 `virt/libvirt/guest.py:delete_configuration`), and libvirt then
 * refuses a domain that has snapshot or checkpoint metadata: one of the ways in which a delete gets stuck. A daemon that does not
 * know one of the flags refuses the whole call; it is asked again without the youngest.
 */
function undefineStep(host: string, uuid: string, domain: Domain): DraftStep {
  const flags = ['--managed-save', '--snapshots-metadata'];
  return {
    id: `domain/${host}/undefine`,
    phase: 'undefine',
    place: `host ${host}`,
    title: `undefine domain ${domain.name}`,
    why: 'A defined domain can be started again, by hand or when the host boots.',
    act: {
      door: 'command',
      host,
      argv: virsh('undefine', uuid, ...flags, '--checkpoints-metadata', '--nvram', '--tpm'),
      exit: [0],
      otherwise: [
        virsh('undefine', uuid, ...flags, '--checkpoints-metadata', '--nvram'),
        virsh('undefine', uuid, ...flags, '--nvram'),
        virsh('undefine', uuid, ...flags),
      ],
    },
    guards: [{ must: 'the domain is not active', check: domainNotActive(host, uuid) }],
    settled: {
      door: 'command',
      host,
      argv: virsh('list', '--all', '--uuid'),
      exit: [0],
      out: { lacksLine: uuid },
    },
    before: [savedXml(host, uuid)],
    undo: 'recreate',
  };
}

function describe({ name, state, persistent, managedSave }: Domain): string {
  return `domain ${name}, ${state}${persistent ? '' : ', transient'}${managedSave ? ', with a saved state' : ''}`;
}

/** Also for whoever lifts the refusal: when the domain is gone, nothing else names the device. */
function wipeByHand(host: string, { name, memories }: Domain): Omit<Manual, 'kind'>[] {
  return memories.map((device) => ({
    place: `host ${host}`,
    what: `persistent memory ${device} of domain ${name}`,
    how: `once the domain is gone, and before another server gets it: ${wipeCommand(device)}`,
  }));
}

/** Steps are planned even where a refusal stands: a domain that may not be touched is not a domain that is gone. */
export function planDomains(facts: DomainFacts, subject: Subject): KindPlan {
  const found = facts.hosts.flatMap(({ host, own }) => (own === null ? [] : [{ host, own }]));
  return {
    steps: found.flatMap(({ host, own }) => [
      ...(own.active ? [stopStep(host, subject.uuid, own)] : []),
      ...(own.persistent ? [undefineStep(host, subject.uuid, own)] : []),
    ]),
    remains: found.map(({ host, own }) => ({ place: `host ${host}`, what: describe(own) })),
    refusals: facts.hosts.flatMap((at) => refuseDomains(at, subject)),
    kept: facts.hosts.flatMap((at) => keepDomains(at, subject)),
    manual: found.flatMap(({ host, own }) => wipeByHand(host, own)),
  };
}
