/** Instances folders of a host or two, and what is planned of them. */
import { files } from '../../src/kinds/files/index.ts';
import type { Host, Subject } from '../../src/kinds/subject/subject.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';
import { ROOT, SERVER } from './domain-samples.ts';

export const LOCAL = '/ ext4 /dev/vda\n/sys sysfs sysfs\n/run/netns ext4 /dev/vda[/run/netns]\n';
export const NFS = `/ ext4 /dev/vda\n${ROOT} nfs4 store:/nova\n`;

interface Sample {
  readonly host?: string;
  readonly found?: string;
  readonly mounts?: string;
  readonly root?: string;
}

/** Answers of one host, as findutils 4.9 and util-linux 2.38 give them. */
export function answers({
  host = 'compute1',
  found = `${SERVER}\td\t65024\t\n`,
  mounts = LOCAL,
  root = ROOT,
}: Sample = {}): Record<string, string> {
  return {
    [`${host}: realpath -e -- ${ROOT}`]: `${root}\n`,
    [`${host}: findmnt -n -r -o TARGET,FSTYPE,SOURCE`]: mounts,
    [`${host}: find ${ROOT}/. -maxdepth 1 ( -name . -o -name ${SERVER} -o -name ${SERVER}_resize -o -name ${SERVER}_del ) -printf %f\\t%y\\t%D\\t%l\\n`]: `.\td\t65024\t\n${found}`,
  };
}

export const host: Host = { name: 'compute1', because: [], instancesPath: ROOT, service: null };

/** A server that may be on these hosts. */
export function on(names: readonly string[], changes: Partial<Subject> = {}): Subject {
  return subject({ hosts: names.map((name) => ({ ...host, name })), ...changes });
}

export async function look(command: FakeAnswers['command'], of: Subject = on(['compute1'])) {
  const { facts, unknown } = await files.find(fakeReader({ command: command ?? {} }), of);
  return { ...files.plan(facts, of, decisions()), unknown };
}

/** The commands that are planned, as one would type them. */
export function acts(plan: { steps: readonly { act: object }[] }) {
  return plan.steps.map((s) => ('argv' in s.act ? (s.act.argv as string[]).join(' ') : ''));
}
