/** RabbitMQ over AMQP 0-9-1: the network's end of the queue door. */
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { Channel, ChannelModel, GetMessage } from 'amqplib';
import { hasCode, LookError, messageOf } from '../../plan/errors.ts';
import { net } from '../builtins.ts';
import type { BusMessage } from './request.ts';
import type { BusUrl } from './url.ts';

/** One connection to a message bus, whatever is at its other end. */
export interface BusConnection {
  /**
   * Shows every message that waits in a queue, in order. One for which `take` says true is taken out for good, all others are back in
   * their places afterwards. Messages that were handed to a consumer and not confirmed are not shown.
   *
   * @returns how many consumers the queue had, null when that cannot be told; or null when there is no such queue
   * @throws LookError when the bus did not do it; what was to be taken out may be gone or not
   */
  visit(
    queue: string,
    take: (message: BusMessage) => boolean,
  ): Promise<{ readonly consumers: number | null } | null>;
  /** Calls back when the other end has gone away. */
  onLost(callback: () => void): void;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 3_000;
const VISIT_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * A quorum queue counts how often a message was given back, and drops it at its limit: 20 by default since RabbitMQ 4.0. Half of
 * that belongs to others.
 */
const MAX_RETURNS = 10;

/**
 * Opens a connection to the first broker that takes it.
 *
 * @throws LookError with the last one's words, or those of one that answered and refused
 */
export async function openBus(place: string, url: BusUrl): Promise<BusConnection> {
  const { default: amqp } = await import('amqplib');
  const tls = url.tls === undefined ? {} : tlsOptions(place, url.tls);
  let last: LookError | undefined;
  for (const { host, port, user, password } of url.brokers) {
    const broker = { protocol: url.tls === undefined ? 'amqp' : 'amqps', hostname: host, port };
    try {
      const connection = await amqp.connect(
        { ...broker, username: user, password, vhost: encodeURIComponent(url.vhost) },
        {
          timeout: CONNECT_TIMEOUT_MS,
          clientProperties: { connection_name: 'expunge' },
          ...tls,
          ...(net().isIP(host) === 0 ? { servername: host } : {}),
        },
      );
      return wrap(place, connection);
    } catch (error) {
      const told = explainBusError(place, `${host}:${port}`, error);
      // One that is there and refuses says more than one that is not there.
      if (last === undefined || last.code === 'message-bus-unreachable') last = told;
    }
  }
  throw last ?? new LookError(place, 'its URL names no broker', { code: 'message-bus-url' });
}

/**
 * oslo.messaging checks who signed the certificate when it was told of an authority, and by default never whose it is
 * (`impl_rabbit.py:_fetch_ssl_params`, `ssl_enforce_hostname_verification`). Without an authority it checks nothing; here the system's count.
 */
function tlsOptions(place: string, { ca, cert, key }: NonNullable<BusUrl['tls']>): object {
  try {
    return {
      ...(ca === undefined ? {} : { ca: [readFileSync(ca)], checkServerIdentity: () => undefined }),
      ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
      ...(key === undefined ? {} : { key: readFileSync(key) }),
    };
  } catch (error) {
    throw new LookError(place, `a TLS file cannot be read: ${String((error as Error).message)}`, {
      code: 'message-bus-tls',
      hint: 'set message_bus.ca_file in the site file',
    });
  }
}

function wrap(place: string, connection: ChannelModel): BusConnection {
  // Unheard, a broker that hangs up would end the process; whoever asks next learns of it.
  connection.on('error', () => {});
  return {
    async visit(queue, take) {
      let channel: Channel | undefined;
      try {
        channel = await connection.createChannel();
        channel.on('error', () => {});
        return await withinTime(place, VISIT_TIMEOUT_MS, visit(place, channel, queue, take));
      } catch (error) {
        if (isNoQueue(error)) return null;
        if (error instanceof LookError && error.code === 'message-bus-slow') cut(connection);
        throw explainBusError(place, 'it', error);
      } finally {
        // What was not confirmed goes back to its place. A channel that an error has closed has given it back already.
        await channel?.close().catch(() => {});
      }
    },
    onLost(callback) {
      connection.once('close', callback);
    },
    async close() {
      await withinTime(place, CLOSE_TIMEOUT_MS, connection.close()).catch(() => cut(connection));
    },
  };
}

/**
 * RabbitMQ says NOT_FOUND of a queue that it does not have, and also of one that it has and cannot get at: a durable one whose node is
 * down, or whose process crashed (RabbitMQ 3.10 `rabbit_amqqueue.erl:not_found`, `absent`). What waits in that one comes back with its node.
 */
function isNoQueue(error: unknown): boolean {
  return hasCode(error, 404) && error instanceof Error && /NOT_FOUND - no queue /.test(error.message);
}

/** All of it is taken first: what was given back at once would come again. */
async function visit(
  place: string,
  channel: Channel,
  queue: string,
  take: (message: BusMessage) => boolean,
): Promise<{ readonly consumers: number | null }> {
  // Before anything else: only this takes the right to read, also of a queue that is not there.
  const first = await channel.get(queue);
  const { consumerCount } = await channel.checkQueue(queue);
  const taken: GetMessage[] = [];
  let consumers: number | null = consumerCount;
  for (let m = first; m !== false; m = await channel.get(queue)) {
    const { headers = {}, contentEncoding } = m.properties;
    const returns = headers?.['x-delivery-count'];
    if (typeof returns === 'number') {
      // Who looks counts as a consumer of a quorum queue for a while (tried on RabbitMQ 3.10).
      consumers = null;
      if (returns >= MAX_RETURNS) throw lookedTooOften(place, queue, returns);
    }
    const packed = headers?.['compression'] !== undefined || !/^(utf-?8|)$/i.test(contentEncoding ?? '');
    if (take({ body: m.content, packed })) taken.push(m);
  }
  for (const message of taken) channel.ack(message);
  // Answered only when what was sent before it is done.
  await channel.checkQueue(queue);
  return { consumers };
}

function lookedTooOften(place: string, queue: string, returns: number): LookError {
  return new LookError(
    place,
    `a message in the quorum queue ${queue} was given back ${returns} times already, and RabbitMQ drops one that was given back too often`,
    {
      code: 'message-bus-limit',
      hint: 'start nova-compute on that host, or purge its queue with rabbitmqctl',
    },
  );
}

async function withinTime<T>(place: string, ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new LookError(place, `no answer in ${ms / 1000} s`, { code: 'message-bus-slow' })),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A broker that says nothing would be waited for without an end; with the line gone it gives back what was handed out on it. */
function cut(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: Duplex };
  stream.destroy(new Error('given up'));
}

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is RabbitMQ up, is the address right?',
  ENOTFOUND: 'there is no such host',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'it speaks no TLS there: is this its port, and should there be TLS (ssl, message_bus.ca_file)?',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'set message_bus.ca_file in the site file',
  SELF_SIGNED_CERT_IN_CHAIN: 'set message_bus.ca_file in the site file',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'set message_bus.ca_file in the site file',
};

/** What a broker that speaks TLS does with a greeting that is none: it hangs up, or sends an alert, which is no frame. */
const NOT_UNDERSTOOD = /during opening handshake|exceeds maxFrameSize|Invalid frame/;
const MAY_WANT_TLS =
  'does it speak TLS? nova_conf with ssl in [oslo_messaging_rabbit], ?ssl=1 in the URL, or message_bus.ca_file say so';

/** @param who the broker, or `it` once connected */
function explainBusError(place: string, who: string, error: unknown): LookError {
  if (error instanceof LookError) return error;
  const said = messageOf(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/ACCESS.REFUSED/.test(said) && code !== '403')
    return new LookError(place, `${who} refuses user or password`, {
      code: 'message-bus-login',
      hint: 'set message_bus.user and message_bus.password in the site file',
    });
  if (code === '403')
    return new LookError(place, 'this user may not read the queue', {
      code: 'message-bus-right',
      hint: 'docs/reference.md lists the permissions',
    });
  if (code === '404')
    return new LookError(
      place,
      `the queue is there and cannot be read: ${/NOT_FOUND - ([^"]*)/.exec(said)?.[1] ?? said}`,
      {
        code: 'message-bus-queue',
        hint: 'start the node of RabbitMQ that has it: rabbitmqctl cluster_status lists them',
      },
    );
  if (/^Expected ConnectionOpenOk/.test(said))
    return new LookError(place, `${who} has no such vhost, or this user may not use it`, {
      code: 'message-bus-vhost',
    });
  if (/ETIMEDOUT|timeout/i.test(said))
    return new LookError(place, `${who} gave no answer in ${CONNECT_TIMEOUT_MS / 1000} s`, {
      code: 'message-bus-unreachable',
      hint: 'is there a way to it from here? message_bus: none in the site file says that there is none',
    });
  return new LookError(place, `${who}: ${said.split('\n', 1)[0]}`, {
    code: 'message-bus-unreachable',
    hint: NOT_UNDERSTOOD.test(said) ? MAY_WANT_TLS : HINTS[code],
  });
}
