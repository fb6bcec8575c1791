/** Where Nova keeps a server's own disks when not in the instances folder: `[libvirt] images_type` rbd or lvm. */
import { PLAIN_NAME } from '../../site/plain-name.ts';
import type { ImageStore, Reader } from '../../site/reader.ts';
import { knownHost } from '../domain/host.ts';
import { type Domain, readOwnDomain } from '../domain/virsh.ts';
import type { Host, Subject } from '../subject/subject.ts';

export type RbdStore = Extract<ImageStore, { type: 'rbd' }>;
export type LvmStore = Extract<ImageStore, { type: 'lvm' }>;

/** A host, the stores that its Nova uses, and the server's domain there. */
export interface HostStores {
  readonly host: string;
  readonly stores: readonly ImageStore[];
  /** null: no such domain; undefined: libvirt did not tell, which the kind `domain` reports */
  readonly own: Domain | null | undefined;
}

/**
 * The site file says which store a host uses; without a word there, the disks that the domain still has tell.
 *
 * @throws LookError when the site file does not say how to reach the host
 */
export async function storesOf(look: Reader, host: Host, subject: Subject): Promise<HostStores> {
  const { name } = knownHost(host);
  const own = await readOwnDomain(look, name, subject);
  const said = look.host(name)?.images ?? null;
  return { host: name, own, stores: said === null ? storesOfDomain(own, subject.uuid) : [said] };
}

/** `vms/<uuid>_disk` of protocol rbd, `/dev/<group>/<uuid>_disk` (nova 26 `virt/libvirt/imagebackend.py:Rbd`, `Lvm`). */
function storesOfDomain(own: Domain | null | undefined, uuid: string): ImageStore[] {
  const rbd = (own?.rbdDisks ?? []).flatMap(({ pool, image, user }): ImageStore[] =>
    image.startsWith(`${uuid}_`) && PLAIN_NAME.test(pool) && (user === null || PLAIN_NAME.test(user))
      ? [{ type: 'rbd', pool, user, conf: null }]
      : [],
  );
  const lvm = (own?.disks ?? []).flatMap((disk): ImageStore[] => {
    const [, group, volume] = /^\/dev\/([^/]+)\/([^/]+)$/.exec(disk) ?? [];
    return group !== undefined && volume?.startsWith(`${uuid}_`) && PLAIN_NAME.test(group)
      ? [{ type: 'lvm', group }]
      : [];
  });
  return [...new Map([...rbd, ...lvm].map((store) => [JSON.stringify(store), store])).values()];
}
