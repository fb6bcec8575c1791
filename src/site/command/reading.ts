/** Which commands only read. The reading door runs nothing else, whoever asks. */
import { PLAIN_NAME } from '../plain-name.ts';

type Rule = (args: readonly string[]) => boolean;

const VIRSH_READS = new Set([
  'list',
  'domname',
  'domuuid',
  'dominfo',
  'domstate',
  'dumpxml',
  'snapshot-list',
  'checkpoint-list',
  'version',
]);
const OVS_READS = new Set([
  'list',
  'find',
  'get',
  'iface-to-br',
  'port-to-br',
  'list-br',
  'list-ports',
  'br-exists',
  '--version',
]);
/** An option that is not known might take the word after it, and what looks like a reading word is then none. */
const OVS_OPTION = /^--(?:timeout=\d+|format=\w+|columns=[\w,]+|if-exists)$/;
const IP_OPTIONS = new Set(['-o', '-d', '-j', '-s']);
/** `find` can delete, execute and write: only tests and -printf are let through. */
const FIND_WORDS = new Set([
  '-mindepth',
  '-maxdepth',
  '-name',
  '-lname',
  '-path',
  '-regex',
  '-regextype',
  '-prune',
  '-o',
  '-printf',
  '-type',
  '-xdev',
  '(',
  ')',
]);
const DMSETUP_COLUMNS = /^(?:minor|open|uuid|name)(?:,(?:minor|open|uuid|name))*$/;

const RBD_READS = new Set(['ls', 'info', 'status', 'children', 'snap ls', 'showmapped']);
const RBD_OPTION = /^(?:--id|--conf|-p|--format)$/;

/** The words that are no options, of a program whose options each take the word after them; an option that is not known is a word. */
function words(args: readonly string[], option: RegExp): string[] {
  return args.filter((arg, i) => !option.test(arg) && !option.test(args[i - 1] ?? ''));
}

function anything(): boolean {
  return true;
}

const RULES: Readonly<Record<string, Rule>> = {
  virsh: (args) => {
    const rest = args[0] === '-c' ? args.slice(2) : args;
    return VIRSH_READS.has(rest[0] ?? '') && !rest.includes('--security-info');
  },
  ip: (args) => {
    const words = args.filter((a) => !IP_OPTIONS.has(a));
    return words[0] === 'link' && words[1] === 'show';
  },
  'ovs-vsctl': (args) =>
    splitOvs(args).every((command) => OVS_READS.has(command.find((a) => !OVS_OPTION.test(a)) ?? '')),
  find: (args) =>
    args.filter((a) => a.startsWith('-') || a === '(' || a === ')').every((a) => FIND_WORDS.has(a)),
  rbd: (args) => {
    const [verb, noun] = words(args, RBD_OPTION);
    return RBD_READS.has(verb === 'snap' ? `snap ${noun}` : (verb ?? ''));
  },
  // Nothing else that LVM has begins with lvs; options of it that write are in no release.
  lvs: anything,
  /** Only asks: `pkill` is another program. */
  pgrep: (args) => args.length === 2 && args[0] === '-f',
  findmnt: anything,
  iscsiadm: readsInitiator,
  lsblk: anything,
  dmsetup: ([what, form, headings, o, columns = '', ...map]) =>
    [what, form, headings, o].join(' ') === 'info -c --noheadings -o' &&
    DMSETUP_COLUMNS.test(columns) &&
    map.every((name) => !name.startsWith('-')),
  nvme: (args) => args.join(' ') === 'list-subsys -o json',
  ps: (args) => args[0] === '-ww' && args[1] === '-o' && args[3] === '-p' && args.length === 5,
  cat: (args) => args.length > 0 && args.every((a) => /^\/sys\/devices\/rbd\/\d+\/(?:pool|name)$/.test(a)),
  docker: triesContainer,
  podman: triesContainer,
  realpath: anything,
  stat: anything,
  test: anything,
  ls: anything,
  id: anything,
  true: anything,
};

/** Whether a container runs, and which folder a path of it is. What a program does in one is judged before it is sent there. */
function triesContainer([exec, u, user, container = '', ...program]: readonly string[]): boolean {
  const path = program.at(-1) ?? '';
  const reads =
    program.join(' ') === 'true' ||
    (path.startsWith('/') && program.slice(0, -1).join(' ') === 'stat -L -c %d:%i --');
  return [exec, u, user].join(' ') === 'exec -u root' && PLAIN_NAME.test(container) && reads;
}

/** Sessions, records, or one record by target and portal. `-S` shows passwords, and `-o` and `--op` change. */
function readsInitiator(args: readonly string[]): boolean {
  const [, mode, t, iqn, p, portal, ...more] = args;
  if (args[0] !== '-m' || more.length > 0) return false;
  if (args.length === 2) return mode === 'session' || mode === 'node';
  const plain = [iqn, portal].every((word) => word !== undefined && /^[^-]/.test(word));
  return mode === 'node' && t === '-T' && p === '-p' && plain;
}

/** ovs-vsctl takes several commands in one call, parted by `--`. */
function splitOvs(args: readonly string[]): string[][] {
  const commands: string[][] = [[]];
  for (const arg of args) {
    if (arg === '--') commands.push([]);
    else commands.at(-1)?.push(arg);
  }
  const filled = commands.filter((c) => c.length > 0);
  // `ovs-vsctl --timeout=10 -- list …`: options alone before the first `--` belong to what follows.
  const [first, ...rest] = filled;
  if (first?.every((a) => OVS_OPTION.test(a)) && rest.length > 0) return rest;
  return filled;
}

export function isReading(argv: readonly string[]): boolean {
  const [program, ...args] = argv;
  if (program === undefined || !Object.hasOwn(RULES, program)) return false;
  return RULES[program]?.(args) ?? false;
}
