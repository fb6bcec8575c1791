/** How hosts, message buses, memcached and disks fail. */
import { ActError, LookError } from '../../../src/plan/errors.ts';
import { isReading } from '../../../src/site/command/reading.ts';
import type { CommandAnswer } from '../../../src/site/reader.ts';
import type { Call, Fault } from './fault.ts';

export interface CommandCall extends Call {
  readonly argv: readonly string[];
}

export function commandCall(host: string, argv: readonly string[]): CommandCall {
  return { place: `host ${host}`, what: argv.join(' '), writes: !isReading(argv), argv };
}

function endsSsh({ place }: CommandCall, why: string): never {
  throw new LookError(place, `ssh ended with 255: ${why}`, { code: 'host-unreachable' });
}

function before(name: string, why: string): Fault<CommandCall> {
  return { name, strike: async (call) => endsSsh(call, why) };
}

function after(name: string, why: string): Fault<CommandCall> {
  return {
    name,
    async strike(call, really) {
      await really();
      endsSsh(call, why);
    },
  };
}

/** @param really what happens first, all the same */
function says(
  name: string,
  answer: CommandAnswer,
  effect: 'before' | 'after' = 'before',
): Fault<CommandCall> {
  return {
    name,
    async strike(_, really) {
      if (effect === 'after') await really();
      return answer;
    },
  };
}

const GARBAGE = '\u0000\u001b[31m}{ <<<\u0007 -rf / \u202e garbage\n\u0085\u009b2J';

export const COMMAND_FAULTS: readonly Fault<CommandCall>[] = [
  before('no route', 'ssh: connect to host cmp-1 port 22: No route to host'),
  before('exit 255 before', 'ssh: connect to host cmp-1 port 22: Connection refused'),
  after('exit 255 after', 'Connection to cmp-1 closed by remote host.'),
  before('dropped mid-command', 'client_loop: send disconnect: Broken pipe'),
  before('host key changed', 'Host key verification failed.'),
  says('sudo asks', { exit: 1, out: '', err: 'sudo: a password is required\n' }),
  says('garbage', { exit: 0, out: GARBAGE, err: GARBAGE }),
  says('garbage after', { exit: 0, out: GARBAGE, err: '' }, 'after'),
  {
    // A shell whose start-up file greets everybody.
    name: 'noise',
    async strike(_, really) {
      const answer = (await really()) as CommandAnswer;
      return { ...answer, out: `Welcome to cmp-1\n${answer.out}` };
    },
  },
  says('killed', { exit: 137, out: '', err: 'Killed\n' }),
  says('killed after', { exit: 137, out: '', err: 'Killed\n' }, 'after'),
  says('fails', { exit: 1, out: '', err: 'error: Input/output error\n' }),
  {
    name: 'timeout before',
    async strike({ place, argv }) {
      throw new LookError(place, `${argv[0]} gave no answer in 30 s`, { code: 'command-timeout' });
    },
  },
  {
    name: 'timeout after',
    async strike({ place, argv }, really) {
      await really();
      throw new LookError(place, `${argv[0]} gave no answer in 30 s`, { code: 'command-timeout' });
    },
  },
];

export interface QueueCall extends Call {
  readonly kind: 'connect' | 'visit';
  /** shows a message that no service wrote; true: it was taken for one of the server */
  readonly showGarbage: () => boolean;
}

function dropBus({ place }: QueueCall): never {
  throw new LookError(place, 'it: Channel closed', { code: 'message-bus-unreachable' });
}

export const QUEUE_FAULTS: readonly Fault<QueueCall>[] = [
  {
    name: 'refused',
    meets: ({ kind }) => kind === 'connect',
    async strike({ place }) {
      throw new LookError(place, '127.0.0.1:5672: connect ECONNREFUSED 127.0.0.1:5672', {
        code: 'message-bus-unreachable',
      });
    },
  },
  { name: 'dropped before', meets: ({ kind }) => kind === 'visit', strike: async (call) => dropBus(call) },
  {
    name: 'dropped after',
    meets: ({ kind }) => kind === 'visit',
    async strike(call, really) {
      await really();
      dropBus(call);
    },
  },
  {
    name: 'garbage',
    meets: ({ kind }) => kind === 'visit',
    async strike({ showGarbage }, really) {
      if (showGarbage()) throw new Error('a message that nobody understands was taken out');
      return really();
    },
  },
];

export interface CacheCall extends Call {
  readonly server: string;
}

export const CACHE_FAULTS: readonly Fault<CacheCall>[] = [
  {
    name: 'refused',
    async strike({ place, server, writes }) {
      const said = `connect ECONNREFUSED ${server}`;
      if (writes) throw new ActError(`${place}: ${said}`, { code: 'cache-unreachable', unknown: true });
      throw new LookError(place, said, { code: 'cache-unreachable' });
    },
  },
  {
    name: 'dropped after',
    async strike({ place, writes }, really) {
      await really();
      if (writes)
        throw new ActError(`${place}: closed the connection`, { code: 'cache-unreachable', unknown: true });
      throw new LookError(place, 'closed the connection', { code: 'cache-unreachable' });
    },
  },
  {
    name: 'garbage',
    async strike({ place, writes }) {
      if (writes) throw new ActError(`${place} answered "ERROR\\r\\n" to a delete`, { code: 'cache-delete' });
      return Buffer.from(GARBAGE);
    },
  },
];

function diskSays(code: string, message: string) {
  return Object.assign(new Error(`${code}: ${message}, write`), { code, syscall: 'write' });
}

export interface JournalCall extends Call {
  readonly kind: 'mkdir' | 'open' | 'write' | 'flush';
  /** leaves the first half of what was to be written */
  readonly tear: () => Promise<void>;
}

export const JOURNAL_FAULTS: readonly Fault<JournalCall>[] = [
  {
    name: 'disk full',
    async strike() {
      throw diskSays('ENOSPC', 'no space left on device');
    },
  },
  {
    name: 'disk full in the middle',
    meets: ({ kind }) => kind === 'write',
    async strike({ tear }) {
      await tear();
      throw diskSays('ENOSPC', 'no space left on device');
    },
  },
  {
    name: 'EIO',
    async strike() {
      throw diskSays('EIO', 'i/o error');
    },
  },
  {
    name: 'EIO after',
    meets: ({ kind }) => kind === 'write' || kind === 'flush',
    async strike(_, really) {
      await really();
      throw diskSays('EIO', 'i/o error');
    },
  },
];
