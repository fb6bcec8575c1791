import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { type Lab, ports } from './paths.ts';
import { type Launch, markEnv } from './process.ts';
import { readAccount } from './users.ts';

/** Loopback only, and no epmd besides the lab's: one that Erlang starts by itself nobody would end. */
const erlangArgs = '-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}';

/** RabbitMQ told by its own variables to keep everything in the lab's folder and to listen on loopback only. */
function rabbitEnv(lab: Lab): Record<string, string> {
  const home = join(lab.dir, 'rabbitmq');
  return {
    HOME: home,
    // `localhost` always resolves; the machine's own name may not.
    RABBITMQ_NODENAME: 'rabbit@localhost',
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.amqpDistribution),
    RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: join(home, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(home, 'advanced.config'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: erlangArgs,
    RABBITMQ_CTL_ERL_ARGS: erlangArgs,
    // Our own epmd on its own port: one that some other Erlang program uses is not ours to end.
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
}

export function prepareRabbit(lab: Lab): void {
  const home = join(lab.dir, 'rabbitmq');
  const { uid, gid } = readAccount('rabbitmq');
  for (const folder of [home, join(home, 'mnesia'), join(home, 'log')]) {
    mkdirSync(folder, { recursive: true });
    chownSync(folder, uid, gid);
  }
  const files = {
    enabled_plugins: '[].\n',
    'rabbitmq-env.conf': '',
    'rabbitmq.conf': 'log.file.level = warning\n',
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(home, name), text);
    chownSync(join(home, name), uid, gid);
  }
}

export function epmdLaunch(lab: Lab): Launch {
  // Without -daemon it stays in the foreground, so that its pid is ours to know and to end.
  return { name: 'epmd', argv: ['/usr/bin/epmd'], env: rabbitEnv(lab), ...readAccount('rabbitmq') };
}

export function rabbitLaunch(lab: Lab): Launch {
  const home = join(lab.dir, 'rabbitmq');
  return {
    name: 'rabbitmq',
    argv: ['/usr/lib/rabbitmq/bin/rabbitmq-server'],
    env: rabbitEnv(lab),
    cwd: home,
    ...readAccount('rabbitmq'),
  };
}

/** Runs rabbitmqctl on the lab's broker. @returns what it prints */
export async function rabbitctl(lab: Lab, ...words: readonly string[]): Promise<string> {
  const { stdout } = await run(['/usr/lib/rabbitmq/bin/rabbitmqctl', '-q', ...words], {
    env: { ...rabbitEnv(lab), ...markEnv(lab, 'rabbitmqctl') },
    cwd: join(lab.dir, 'rabbitmq'),
    ...readAccount('rabbitmq'),
  });
  return stdout;
}

/** Drops the messages that wait in a queue, as when an operator takes a dead service out of the cloud. */
export async function purgeQueue(lab: Lab, queue: string): Promise<void> {
  await rabbitctl(lab, 'purge_queue', queue);
}

/** How many messages there are in a queue, also those that were handed to somebody who has not taken them; 0 when there is none. */
export async function countMessages(lab: Lab, queue: string): Promise<number> {
  const queues = await rabbitctl(lab, '--no-table-headers', 'list_queues', 'name', 'messages');
  const line = queues.split('\n').find((each) => each.split('\t')[0] === queue);
  return Number(line?.split('\t')[1] ?? 0);
}
