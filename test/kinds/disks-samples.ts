/** Images in a Ceph pool and logical volumes of a host or two, as rbd 16.2 and lvs tell of them, and what is planned of them. */
import { disks } from '../../src/kinds/disks/index.ts';
import type { LvmStore, RbdStore } from '../../src/kinds/disks/stores.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import type { ImageStore } from '../../src/site/reader.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';
import { domainXml, LIST, NAME, SERVER, virshQuestion } from './domain-samples.ts';

export const STORE: RbdStore = { type: 'rbd', pool: 'vms', user: 'nova', conf: null };
export const DISK = `${SERVER}_disk`;
/** as rbd 16.2 names a client */
export const WATCHER = { address: '10.0.0.11:0/3517', client: 4217, cookie: 94 };
export const LS = 'compute1: rbd --id nova -p vms ls --format json';

export const GROUP: LvmStore = { type: 'lvm', group: 'vg0' };
export const LVS =
  'compute1: lvs --noheadings --nosuffix --units b --separator | -o lv_name,lv_size,lv_device_open vg0';

interface SampleDisk {
  readonly pool?: string;
  readonly image?: string;
  readonly user?: string | null;
}

export function rbdXml({ pool = 'vms', image = DISK, user = 'nova' }: SampleDisk = {}): string {
  const auth = `      <auth username='${user}'>
        <secret type='ceph' uuid='457eb676-33da-42ec-9a8c-9293d545c337'/>
      </auth>
`;
  return `    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
${user === null ? '' : auth}      <source protocol='rbd' name='${pool}/${image}' index='1'>
        <host name='10.0.0.1' port='6789'/>
      </source>
      <target dev='vda' bus='virtio'/>
    </disk>`;
}

/** images in the same pool that are not the server's */
const OTHERS = ['99999999-2222-4333-8444-555555555555_disk', `backup-of-${DISK}`];

interface Image {
  readonly name?: string;
  readonly id?: string;
  readonly size?: number;
  readonly snapshots?: readonly {
    readonly name: string;
    readonly protected: boolean | 'true' | 'false';
    readonly children?: readonly object[];
  }[];
  readonly watchers?: readonly (typeof WATCHER)[];
}

/** What rbd 16.2 answers of one pool. */
export function rbdAnswers(
  images: readonly Image[],
  { host = 'compute1', access = '--id nova ' } = {},
): Record<string, string> {
  const ask = (words: string) => `${host}: rbd ${access}-p vms ${words} --format json`;
  const all = images.map(({ name = DISK, id = '10342b866ac0', size = 2 ** 30, ...image }) => ({
    name,
    id,
    size,
    ...image,
  }));
  return {
    [ask('ls')]: JSON.stringify([...OTHERS, ...all.map((i) => i.name)]),
    ...Object.fromEntries(
      all.flatMap(({ name, id, size, snapshots = [], watchers = [] }) => [
        [ask(`info ${name}`), JSON.stringify({ name, id, size, objects: 256 })],
        [
          ask(`snap ls ${name}`),
          // Taken before the server was resized.
          JSON.stringify(
            snapshots.map((s) => ({ id: 4, name: s.name, size: size / 2, protected: s.protected })),
          ),
        ],
        [
          `${host}: rbd ${access}-p vms status ${name}`,
          watchers.length === 0
            ? 'Watchers: none\n'
            : `Watchers:\n${watchers.map((w) => `\twatcher=${w.address} client.${w.client} cookie=${w.cookie}\n`).join('')}`,
        ],
        ...snapshots.map((s) => [ask(`children ${name}@${s.name}`), JSON.stringify(s.children ?? [])]),
      ]),
    ),
  };
}

/** libvirt without the domain, or with it. */
export function libvirt(
  state: 'gone' | 'running' | 'shut off',
  { host = 'compute1', disk = rbdXml() } = {},
): Record<string, string> {
  const list = LIST.replace('compute1', host);
  if (state === 'gone') return { [list]: '' };
  const active = state === 'running';
  return {
    [list]: `${SERVER} ${NAME}\n`,
    [virshQuestion(`dominfo ${SERVER}`, host)]:
      `Id:             ${active ? 3 : '-'}\nName:           ${NAME}\nState:          ${state}\nPersistent:     yes\nManaged save:   no\n`,
    [virshQuestion(`dumpxml ${SERVER}`, host)]: domainXml({
      id: active ? 3 : null,
      interfaces: disk,
      disk: '/x',
    }),
  };
}

/** A server that may be on these hosts. */
export function on(names: readonly string[], changes: Partial<Subject> = {}): Subject {
  const hosts = names.map((name) => ({ name, because: [], instancesPath: '/i', service: null }));
  return subject({ hosts, ...changes });
}

export async function look(
  command: NonNullable<FakeAnswers['command']>,
  images: Record<string, ImageStore> = { compute1: STORE },
  of: Subject = subject(),
) {
  const hosts = Object.fromEntries(['compute1', 'compute2', 'compute3'].map((name) => [name, '/i']));
  const { facts, unknown } = await disks.find(fakeReader({ command, images, hosts }), of);
  return { ...disks.plan(facts, of, decisions()), unknown };
}

/** The commands that are planned, as one would type them. */
export function acts(plan: { steps: readonly { act: object }[] }) {
  return plan.steps.map((s) => ('argv' in s.act ? (s.act.argv as string[]).join(' ') : ''));
}

/** A question that must end with 0, or an act that ends so. */
export function command(...argv: readonly string[]) {
  return { door: 'command', host: 'compute1', argv, exit: [0] };
}

/** What must hold of the server's domain before a disk goes. */
export function notActive(host = 'compute1') {
  const list = { ...command('virsh', '-c', 'qemu:///system', 'list', '--uuid'), host };
  return {
    must: `the server's domain is not active on ${host}`,
    check: { ...list, out: { lacksLine: SERVER } },
  };
}
