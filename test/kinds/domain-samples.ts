/** What libvirt 9.0, iproute2 6.1 and Open vSwitch 3.1 really said on a host of Nova 26, with names made plain. */

export const SERVER = '11111111-2222-4333-8444-555555555555';
/** another server whose uuid begins alike */
export const NEIGHBOUR = '11111111-2222-4333-8444-666666666666';
export const NAME = 'instance-0000002a';
export const PORT = 'dfaeac36-448c-4a00-a71e-f3f81f979d44';
export const ROOT = '/var/lib/nova/instances';

/** What a virsh says that lists either uuids or names. */
export const ONE_AT_A_TIME = {
  exit: 1,
  err: 'error: Only one argument from --table, --name and --uuid may be specified.\n',
};

/** The question that lists the domains of a host, as `fakeReader` is asked it. */
export const LIST = 'compute1: virsh -c qemu:///system list --all --uuid --name';

export function virshQuestion(words: string, host = 'compute1'): string {
  return `${host}: virsh -c qemu:///system ${words}`;
}

export interface SampleDomain {
  readonly uuid?: string;
  readonly name?: string;
  readonly id?: number | null;
  readonly state?: string;
  readonly persistent?: boolean;
  readonly managedSave?: boolean;
  readonly project?: string;
  /** version of the Nova that wrote the definition; null: it does not say */
  readonly nova?: string | null;
  readonly disk?: string;
  readonly userName?: string;
  readonly interfaces?: string;
}

const HYBRID = `    <interface type='bridge'>
      <mac address='fa:16:3e:26:ef:4f'/>
      <source bridge='qbrdfaeac36-44'/>
      <target dev='tapdfaeac36-44'/>
      <model type='virtio'/>
    </interface>`;

export function domainXml({
  uuid = SERVER,
  name = NAME,
  id = 1,
  project = 'p1',
  nova = '26.2.2',
  disk = `${ROOT}/${SERVER}/disk`,
  userName = 'web-1',
  interfaces = HYBRID,
}: SampleDomain = {}): string {
  return `<domain type='qemu'${id === null ? '' : ` id='${id}'`}>
  <name>${name}</name>
  <uuid>${uuid}</uuid>
  <metadata>
    <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
${nova === null ? '' : `      <nova:package version="${nova}"/>\n`}      <nova:name>${userName}</nova:name>
      <nova:owner>
        <nova:user uuid="68d4272ca0464a51ac0abeec84ee1667">admin</nova:user>
        <nova:project uuid="${project}">admin</nova:project>
      </nova:owner>
      <nova:root type="image" uuid="11bf4962-045e-4b77-8e29-4ae67b7a03c6"/>
      <nova:ports>
        <nova:port uuid="${PORT}">
          <nova:ip type="fixed" address="10.9.1.240" ipVersion="4"/>
        </nova:port>
      </nova:ports>
    </nova:instance>
  </metadata>
  <memory unit='KiB'>65536</memory>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='${disk}' index='1'/>
      <backingStore type='file' index='2'>
        <format type='raw'/>
        <source file='${ROOT}/_base/cc204a7300a355cb6ecd849e8dae4badbfa624a7'/>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
${interfaces}
    <serial type='pty'>
      <source path='/dev/pts/0'/>
      <log file='${ROOT}/${SERVER}/console.log' append='off'/>
      <target type='isa-serial' port='0'/>
    </serial>
  </devices>
</domain>

`;
}

function dominfo({
  uuid = SERVER,
  name = NAME,
  id = 1,
  state = 'running',
  persistent = true,
  managedSave = false,
}: SampleDomain = {}): string {
  return `Id:             ${id ?? '-'}
Name:           ${name}
UUID:           ${uuid}
OS Type:        hvm
State:          ${state}
CPU(s):         1
CPU time:       0.5s
Max memory:     65536 KiB
Used memory:    65536 KiB
Persistent:     ${persistent ? 'yes' : 'no'}
Autostart:      disable
Managed save:   ${managedSave ? 'yes' : 'no'}
Security model: none
Security DOI:   0

`;
}

/** All that a host is asked about a domain that is there. */
export function domainAnswers(sample: SampleDomain = {}, host = 'compute1'): Record<string, string> {
  const { uuid = SERVER, name = NAME } = sample;
  return {
    [virshQuestion('list --all --uuid --name', host)]: `${uuid} ${name}\n\n`,
    [virshQuestion(`dominfo ${uuid}`, host)]: dominfo(sample),
    [virshQuestion(`dumpxml ${uuid}`, host)]: domainXml(sample),
  };
}
