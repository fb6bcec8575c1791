/** The domain's XML as libvirt writes it: that of a running domain, and the definition that is left when it stops. */

/** A device of a domain that has a name on the host. */
export interface DomainInterface {
  readonly device: string;
  /** libvirt put it into Open vSwitch itself: native plugging */
  readonly inSwitch: boolean;
  /** false: whoever made it takes it away, not libvirt (`managed='no'`) */
  readonly managed: boolean;
}

export function interfacesOf(xml: string): DomainInterface[] {
  const blocks = xml.match(/<interface[\s>][\s\S]*?<\/interface>/g) ?? [];
  return blocks.flatMap((block) => {
    const device = /<target\s[^>]*?dev='([^']*)'/.exec(block)?.[1];
    if (device === undefined) return [];
    return [
      {
        device,
        inSwitch: /<virtualport\s[^>]*?type='openvswitch'/.test(block),
        managed: !/<target\s[^>]*?managed='no'/.test(block),
      },
    ];
  });
}

/** The text of the first element of this name at the top level, e.g. `memory`. */
export function topElement(xml: string, element: string): string | null {
  return new RegExp(`^ {2}<${element}[ >](?:[^>]*>)?([^<]*)</${element}>$`, 'm').exec(xml)?.[1] ?? null;
}

/** What `virsh dumpxml` shows of a domain that runs under this number. */
export function activeXml(xml: string, id: number): string {
  return xml.replace(/^<domain type='([^']*)'(?: id='\d+')?/, `<domain type='$1' id='${id}'`);
}

/**
 * What `virsh dumpxml` shows once it is shut off: without what libvirt added when it started the domain. Compared on libvirt 9.0
 * with `dumpxml --inactive` of a server of Nova 26.
 */
export function inactiveXml(xml: string): string {
  return (
    xml
      .replace(/^<domain type='([^']*)' id='\d+'/, "<domain type='$1'")
      .replace(/^ {2}<resource>\n[\s\S]*?^ {2}<\/resource>\n/m, '')
      .replace(/^ {2}<seclabel type='dynamic'[^>]*>\n[\s\S]*?^ {2}<\/seclabel>\n/gm, '')
      .replace(/^ {2}<cpu [^>]*check='full'>\n[\s\S]*?^ {2}<\/cpu>\n/m, withoutExpansion)
      .replace(/^ {4}<disk [\s\S]*?^ {4}<\/disk>\n/gm, withoutChain)
      // Aliases that begin with ua- are the user's own, and stay.
      .replace(/^ +<alias name='(?!ua-)[^']*'\/>\n/gm, '')
      .replace(/^ +<source path='\/dev\/pts\/\d+'\/>\n/gm, '')
      .replace(/ tty='\/dev\/pts\/\d+'/g, '')
      .replace(/(<graphics type='\w+') port='\d+' autoport='yes'/g, "$1 port='-1' autoport='yes'")
      // An element that has lost all that was in it.
      .replace(/^( +<(\w+)(?: [^<>]*)?)>\n +<\/\2>\n/gm, '$1/>\n')
  );
}

function withoutExpansion(cpu: string): string {
  return cpu.replace("check='full'", "check='none'").replace(/^ +<feature [^>]*\/>\n/gm, '');
}

function withoutChain(disk: string): string {
  return disk
    .replace(/ index='\d+'/g, '')
    .replace(/^ {6}<backingStore(?:\/>|[\s\S]*?^ {6}<\/backingStore>)\n/m, '');
}
