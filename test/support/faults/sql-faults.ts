/** How a database fails, in MySQL's own words and codes. */
import { LookError, UsageError } from '../../../src/plan/errors.ts';
import type { Call, Fault } from './fault.ts';

export interface SqlCall extends Call {
  readonly kind: 'connect' | 'select' | 'run' | 'commit';
  /** hangs up: what comes over this line afterwards fails too */
  readonly lose: () => void;
}

function refuse(code: string, message: string, errno?: number) {
  return async (): Promise<never> => {
    throw Object.assign(new Error(message), { code, errno });
  };
}

/** What the client says of a line that is gone. */
function lost(): never {
  throw Object.assign(new Error('Connection lost: The server closed the connection.'), {
    code: 'PROTOCOL_CONNECTION_LOST',
  });
}

const isStatement = ({ kind }: SqlCall) => kind === 'select' || kind === 'run';
const writes = ({ writes }: SqlCall) => writes;

export const SQL_FAULTS: readonly Fault<SqlCall>[] = [
  {
    name: 'refused',
    meets: ({ kind }) => kind === 'connect',
    async strike({ place }) {
      throw new LookError(place, 'the database says: connect ECONNREFUSED 127.0.0.1:3306', {
        code: 'database-econnrefused',
        hint: 'nothing listens there: is the database up, is the address right?',
      });
    },
  },
  {
    name: 'access denied',
    meets: ({ kind }) => kind === 'connect',
    async strike({ place }) {
      throw new UsageError(
        `${place}: the database says: Access denied for user 'nova'@'10.0.0.7' (using password: YES)`,
        { code: 'database-er-access-denied-error' },
      );
    },
  },
  {
    name: 'right denied',
    meets: isStatement,
    strike: refuse('ER_TABLEACCESS_DENIED_ERROR', "SELECT command denied to user 'nova'@'%'", 1142),
  },
  {
    name: 'deadlock',
    meets: ({ kind }) => kind === 'run' || kind === 'commit',
    strike: refuse(
      'ER_LOCK_DEADLOCK',
      'Deadlock found when trying to get lock; try restarting transaction',
      1213,
    ),
  },
  {
    name: 'lock wait timeout',
    meets: isStatement,
    strike: refuse('ER_LOCK_WAIT_TIMEOUT', 'Lock wait timeout exceeded; try restarting transaction', 1205),
  },
  {
    name: 'lost before',
    meets: ({ kind }) => kind !== 'connect',
    async strike({ lose }) {
      lose();
      lost();
    },
  },
  {
    name: 'lost before COMMIT',
    meets: ({ kind }) => kind === 'commit',
    async strike({ lose }) {
      lose();
      lost();
    },
  },
  {
    name: 'lost after COMMIT',
    meets: ({ kind }) => kind === 'commit',
    async strike({ lose }, really) {
      await really();
      lose();
      lost();
    },
  },
  {
    name: 'no answer',
    meets: ({ kind }) => kind !== 'connect',
    async strike({ lose }) {
      lose();
      throw Object.assign(new Error('Query inactivity timeout'), { code: 'PROTOCOL_SEQUENCE_TIMEOUT' });
    },
  },
  {
    name: 'read-only replica',
    meets: writes,
    strike: refuse(
      'ER_OPTION_PREVENTS_STATEMENT',
      'The MariaDB server is running with the --read-only option so it cannot execute this statement',
      1290,
    ),
  },
  {
    name: 'read-only transaction',
    meets: writes,
    strike: refuse(
      'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
      'Cannot execute statement in a READ ONLY transaction',
      1792,
    ),
  },
];
