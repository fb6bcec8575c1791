/**
 * The few parts of a domain's XML that say whose domain it is and what it uses.
 *
 * libvirt writes this XML itself, in one form: whatever a user could name (`<nova:name>`, the project's name) stands in it with
 * `<` escaped, so no element can be forged by a name. That is why a handful of expressions is enough, and quick to start.
 */

export interface RbdDisk {
  readonly pool: string;
  readonly image: string;
  readonly user: string | null;
}

export interface DomainXml {
  readonly name: string | null;
  readonly uuid: string | null;
  /** what its disks are backed by: path, device, or `pool/image` */
  readonly disks: readonly string[];
  /** those of them that are images in Ceph, with the user that qemu signs in as */
  readonly rbdDisks: readonly RbdDisk[];
  /** devices of persistent memory that it was given whole (nova 26 `virt/libvirt/config.py:LibvirtConfigGuestVPMEM`) */
  readonly memories: readonly string[];
  /** project of the owner that Nova wrote into the metadata, where that is the owner */
  readonly project: string | null;
  /** Neutron ports named in the metadata (nova 26 `LibvirtConfigGuestMetaNovaPort`) and in `<virtualport>` of Open vSwitch */
  readonly ports: readonly string[];
  /** names of its interfaces on the host */
  readonly taps: readonly string[];
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};

function plainText(text: string): string {
  return text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** The value of the first attribute of these names in a tag. */
function attribute(tag: string, names: string): string | undefined {
  const found = new RegExp(`\\s(?:${names})=(?:'([^']*)'|"([^"]*)")`).exec(tag);
  return found === null ? undefined : plainText(found[1] ?? found[2] ?? '');
}

function blocks(xml: string, element: string): string[] {
  return xml.match(new RegExp(`<${element}[\\s>][\\s\\S]*?</${element}>`, 'g')) ?? [];
}

function tags(xml: string, element: string): string[] {
  return xml.match(new RegExp(`<${element}(?=[\\s/>])[^>]*>`, 'g')) ?? [];
}

function values(of: readonly (string | undefined)[]): string[] {
  return [...new Set(of.filter((value) => value !== undefined))];
}

/** `<auth username='nova'>` and `<source protocol='rbd' name='vms/<uuid>_disk'>` of one disk. */
function rbdDisk(disk: string): RbdDisk[] {
  const [own = ''] = disk.split('<backingStore');
  const [source = ''] = tags(own, 'source');
  if (attribute(source, 'protocol') !== 'rbd') return [];
  const [, pool, image] = /^([^/]+)\/(.+)$/.exec(attribute(source, 'name') ?? '') ?? [];
  if (pool === undefined || image === undefined) return [];
  const user = tags(own, 'auth').map((tag) => attribute(tag, 'username'))[0] ?? null;
  return [{ pool, image, user }];
}

/**
 * nova 26 `virt/libvirt/config.py:LibvirtConfigGuestMetaNovaOwner`. Up to Ocata Nova wrote the project of who had asked last, an
 * administrator's after a hard reboot, a migration or an evacuation (nova 2015.1 to 15.1.0 `virt/libvirt/driver.py:
 * _get_guest_config_meta`), and what it wrote stays until the definition is made anew. `<nova:package>` says which release that was.
 */
function owner(xml: string): string | null {
  const [version] = tags(xml, 'nova:package').map((tag) => attribute(tag, 'version'));
  const major = Number.parseInt(version ?? '', 10);
  // 2015.1 is Kilo, the first that wrote it at all.
  if (!(major >= 16 && major < 2015)) return null;
  return tags(xml, 'nova:project').map((tag) => attribute(tag, 'uuid'))[0] ?? null;
}

/** `<memory model='nvdimm'><source><path>/dev/dax0.0</path>` */
function memories(xml: string): string[] {
  return blocks(xml, 'memory').flatMap((memory) => {
    if (attribute(/^<[^>]*>/.exec(memory)?.[0] ?? '', 'model') !== 'nvdimm') return [];
    return plainText(/<path>([^<]*)<\/path>/.exec(memory)?.[1] ?? '') || [];
  });
}

export function parseDomainXml(xml: string): DomainXml {
  const interfaces = blocks(xml, 'interface');
  return {
    name: plainText(/^ {2}<name>([^<]*)<\/name>$/m.exec(xml)?.[1] ?? '') || null,
    uuid: /^ {2}<uuid>([0-9a-f-]{36})<\/uuid>$/m.exec(xml)?.[1] ?? null,
    disks: values(
      blocks(xml, 'disk').map((disk) => {
        // The chain below (`_base/…`) is shared by servers: only what the disk itself is counts.
        const [own = ''] = disk.split('<backingStore');
        const [source = ''] = tags(own, 'source');
        return attribute(source, 'file|dev|name|dir');
      }),
    ),
    rbdDisks: blocks(xml, 'disk').flatMap(rbdDisk),
    memories: memories(xml),
    project: owner(xml),
    ports: values([
      ...tags(xml, 'nova:port').map((tag) => attribute(tag, 'uuid')),
      ...interfaces.flatMap((i) => tags(i, 'parameters').map((tag) => attribute(tag, 'interfaceid'))),
    ]),
    taps: values(interfaces.flatMap((i) => tags(i, 'target').map((tag) => attribute(tag, 'dev')))),
  };
}
