import { LookError } from '../../plan/errors.ts';
import type { Host } from '../subject/subject.ts';

/** A compute host that the site file knows. */
export interface KnownHost {
  readonly name: string;
  readonly instancesPath: string;
}

/**
 * A host of the subject as one that can be asked.
 *
 * @throws LookError when the site file does not say how to reach it: what it holds is then not known
 */
export function knownHost(host: Host): KnownHost {
  if (host.instancesPath === null)
    throw new LookError(`host ${host.name}`, 'the site file does not say how to reach it', {
      code: 'host-unknown',
      hint: `add hosts.${host.name} or hosts.default`,
    });
  return { name: host.name, instancesPath: host.instancesPath };
}

/** Lower-case, as Nova, Neutron, libvirt and Open vSwitch all write it. Only such text goes into an argv. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
