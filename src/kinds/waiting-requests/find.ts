import { LookError } from '../../plan/errors.ts';
import type { WaitingRequest } from '../../site/queue/request.ts';
import type { Reader } from '../../site/reader.ts';
import { type Found, reason } from '../kind.ts';
import { number } from '../subject/parse.ts';
import type { Host, Subject } from '../subject/subject.ts';
import { type Claim, readClaims } from '../volume-connections/claims.ts';

/** What the message bus says of the requests for one nova-compute. */
export interface HostQueue {
  readonly host: string;
  /** `compute.<host>` */
  readonly queue: string;
  /** why the bus could not be asked; null: it was */
  readonly unasked: string | null;
  /** those that are to work on this server and on nothing else, in their order */
  readonly requests: readonly WaitingRequest[];
  /** messages that are not understood and may be about this server */
  readonly unclear: number;
  /** some nova-compute is connected: what it has been handed cannot be seen */
  readonly connected: boolean;
  /** a process of nova-compute is on the host; null: not looked, or it could not be */
  readonly running: boolean | null;
  /** `services.report_count`, which goes up with every sign of life; null: Nova knows no such service */
  readonly reports: number | null;
  /** other servers of the host that have a volume of this one connected there; only looked for while a delete may come late */
  readonly sharing: readonly Pick<Claim, 'server' | 'volumeId'>[];
}

export interface WaitingRequestFacts {
  /** only of hosts whose nova-compute does not count as up: of the others' queues nothing stays for long */
  readonly queues: readonly HostQueue[];
}

/**
 * Nova-compute takes from `compute.<host>`, its topic and its own name (nova 26 `service.py:Service.start`; oslo.messaging 14
 * `_drivers/amqpdriver.py:AMQPDriverBase.listen`).
 */
export async function findWaitingRequests(
  look: Reader,
  subject: Subject,
): Promise<Found<WaitingRequestFacts>> {
  const { cell } = subject;
  if (cell === null || cell.isCell0) return { facts: { queues: [] }, unknown: [] };
  const silent = subject.hosts.filter(({ service }) => service?.up !== true);
  const queues = await Promise.all(silent.map((host) => readQueue(look, subject, cell.database, host)));
  return { facts: { queues }, unknown: [] };
}

async function readQueue(look: Reader, subject: Subject, database: string, host: Host): Promise<HostQueue> {
  const queue = `compute.${host.name}`;
  const [contents, running] = await Promise.all([
    askBus(look, database, queue),
    mayHaveDelete(subject, host.name) ? findProcess(look, host) : null,
  ]);
  const all = contents.found?.requests ?? [];
  const requests = all.filter(({ server }) => server === subject.uuid);
  const unclear = all.filter(
    ({ method, mentions }) => method === null && mentions?.includes(subject.uuid) !== false,
  );
  const seen = { unasked: contents.why, connected: (contents.found?.consumers ?? 0) > 0, running };
  return {
    host: host.name,
    queue,
    ...seen,
    requests,
    unclear: unclear.length,
    reports: requests.length === 0 ? null : await readReports(look, database, host.name),
    sharing: isLate({ host: host.name, ...seen }, subject) ? await findSharing(look, host.name, subject) : [],
  };
}

/** A delete may still run that no step of the plan takes away. */
export function isLate(
  { host, unasked, connected, running }: Pick<HostQueue, 'host' | 'unasked' | 'connected' | 'running'>,
  subject: Subject,
): boolean {
  return mayHaveDelete(subject, host) && (unasked !== null || connected || running === true);
}

/** What librbd reaches inside of qemu is not connected to the host: nobody can disconnect it from another (nova 26 `virt/libvirt/volume/net.py`). */
async function findSharing(look: Reader, host: string, subject: Subject): Promise<HostQueue['sharing']> {
  const own = new Set(subject.volumes.flatMap(({ volumeId, deleted }) => (deleted ? [] : [volumeId])));
  if (own.size === 0) return [];
  const claims = await readClaims(look, host, subject);
  return claims
    .filter(({ volumeId, connection }) => own.has(volumeId) && connection.type !== 'rbd')
    .map(({ server, volumeId }) => ({ server, volumeId }));
}

/** A delete was asked for, and this host's nova-compute was to do it. */
function mayHaveDelete({ row }: Subject, host: string): boolean {
  if (row === null || row.deleted !== 0 || row.host !== host) return false;
  return row.taskState === 'deleting' || row.taskState === 'soft-deleting';
}

/**
 * A bus that cannot be asked is no unknown place, which would stop a purge: nothing of the server is there, and what a late request could
 * still do is weighed in `plan.ts`, which in every case says that nobody looked.
 */
async function askBus(look: Reader, database: string, queue: string) {
  try {
    return { found: await look.queue.waiting(database, queue), why: null };
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    return { found: null, why: `${error.place}: ${reason(error)}` };
  }
}

/**
 * A stopped or hung nova-compute keeps what it was handed, even when the broker has long given up on it: the kernel holds it for the
 * process. The pattern does not match itself where `sudo` or a shell has it among its arguments.
 */
async function findProcess(look: Reader, host: Host): Promise<boolean | null> {
  if (host.instancesPath === null) return null;
  try {
    const { exit } = await look.command.run(host.name, ['pgrep', '-f', '(^|/)nova-compute( |$)']);
    return exit === 0 ? true : exit === 1 ? false : null;
  } catch (error) {
    // Other kinds report a host that does not answer.
    if (error instanceof LookError) return null;
    throw error;
  }
}

async function readReports(look: Reader, database: string, host: string): Promise<number | null> {
  const [row] = await look.sql.rows(database, (sql) =>
    sql
      .selectFrom('services')
      .select('report_count')
      .where('host', '=', host)
      .where('binary', '=', 'nova-compute')
      .where('deleted', '=', 0),
  );
  return row === undefined ? null : number(row, 'report_count');
}
