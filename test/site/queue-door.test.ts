/** The queue door: which bus is meant, what is asked of it, and that looking takes nothing. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ActError, LookError } from '../../src/plan/errors.ts';
import type { SiteConfig } from '../../src/site/config/load.ts';
import { parseNovaConf } from '../../src/site/config/nova-conf.ts';
import { openBus } from '../../src/site/queue/amqp.ts';
import { Buses } from '../../src/site/queue/buses.ts';
import { type BusUrl, parseBusUrl } from '../../src/site/queue/url.ts';
import { Databases } from '../../src/site/sql/databases.ts';
import { busMessage, fakeBus } from '../support/fake-bus.ts';
import { PASSWORD_OF_DATABASE, siteConfig } from '../support/sites.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const OTHER = '11111111-2222-4333-8444-555555555556';
const CELL0 = '00000000-0000-0000-0000-000000000000';
const SECRET = 's3cret-do-not-print';

interface Row {
  readonly uuid: string;
  readonly name: string | null;
  readonly transport_url: string;
}

const CELLS: readonly Row[] = [
  { uuid: CELL0, name: 'cell0', transport_url: 'none:///' },
  { uuid: 'c1', name: 'cell1', transport_url: `rabbit://nova:${SECRET}@h1,nova:${SECRET}@h2/v` },
];

/** @param queues bodies by queue; they are what is left afterwards */
function open(
  config: Partial<SiteConfig> = {},
  options: { cells?: readonly Row[]; queues?: Record<string, Buffer[]>; fault?: LookError } = {},
) {
  const urls: BusUrl[] = [];
  const site = siteConfig({
    ...config,
    file: { databases: { nova_api: `mysql://u:${PASSWORD_OF_DATABASE}@127.0.0.1/nova_api` }, ...config.file },
  });
  const rows = options.cells ?? CELLS;
  const databases = new Databases(site, async () => ({
    rows: async () => rows.map((row) => ({ database_connection: 'mysql://u:p@h/nova', ...row })),
    run: async () => 0,
    onLost() {},
    async end() {},
    giveUp() {},
  }));
  const buses = new Buses(site, databases, async (_, url) => {
    urls.push(url);
    return fakeBus(options.queues ?? {}, options.fault);
  });
  return { buses, urls };
}

const QUEUE = 'compute.compute1';

async function failure(work: Promise<unknown>) {
  const error = await work.then(
    () => new Error('it worked'),
    (e: unknown) => e,
  );
  const { message, hint } = error as Error & { hint?: string };
  expect(`${message} ${hint}`).not.toContain(SECRET);
  return error as Error & { code: string };
}

describe('which bus', () => {
  test('the one of cell_mappings, with every broker of its URL', async () => {
    const { buses, urls } = open();
    expect(await buses.waiting('cell:c1', QUEUE)).toBeNull();
    expect(urls[0]?.brokers.map(({ host }) => host)).toEqual(['h1', 'h2']);
    expect(urls[0]?.vhost).toBe('v');
  });
  test('user, password and authority of the site file go before', async () => {
    const { buses, urls } = open(
      { file: { message_bus: { user: 'expunge', password: 'own', ca_file: '/ca.pem' } } },
      { cells: [{ uuid: 'c1', name: 'cell1', transport_url: 'rabbit://nova:x@h1,nova:x@h2/?ssl=1' }] },
    );
    await buses.waiting('cell:c1', QUEUE);
    expect(urls[0]?.brokers.map(({ user, password }) => `${user}:${password}`)).toEqual([
      'expunge:own',
      'expunge:own',
    ]);
    expect(urls[0]?.tls).toEqual({ ca: '/ca.pem' });
  });
  test.each([
    ['nobody else says so', 'rabbit://h/', undefined, { ca: '/ca.pem' }],
    [
      'nova.conf has other files',
      'rabbit://h/',
      '[oslo_messaging_rabbit]\nssl_cert_file = /c\nssl_ca_file = /x',
      { ca: '/ca.pem', cert: '/c' },
    ],
    ['the URL says that there is none', 'rabbit://h/?ssl=0', undefined, undefined],
  ])('who names an authority wants TLS: %s', async (_, url, conf, tls) => {
    const { buses, urls } = open(
      {
        file: { message_bus: { ca_file: '/ca.pem' } },
        novaConf: conf === undefined ? null : parseNovaConf(conf),
      },
      { cells: [{ uuid: 'c1', name: 'cell1', transport_url: url }] },
    );
    await buses.waiting('cell:c1', QUEUE);
    expect(urls[0]?.tls).toEqual(tls);
  });
  test.each([
    ['url', { url: 'rabbit://a:b@own/' }],
    ['cells, by name', { cells: { cell1: 'rabbit://a:b@own/' } }],
    ['cells, by uuid', { cells: { c1: 'rabbit://a:b@own/' } }],
  ])('the one of the site file: %s', async (_, message_bus) => {
    const { buses, urls } = open({ file: { message_bus } });
    await buses.waiting('cell:c1', QUEUE);
    expect(urls[0]?.brokers[0].host).toBe('own');
  });
  test('one connection for all questions', async () => {
    const { buses, urls } = open();
    await Promise.all([buses.waiting('cell:c1', QUEUE), buses.waiting('cell:c1', 'compute.b')]);
    expect(urls).toHaveLength(1);
  });
  const cellTwo = { uuid: 'c2', name: 'cell2', transport_url: 'rabbit://h/' };
  test.each<[string, Partial<SiteConfig>, readonly Row[], string]>([
    [
      'the site file says that there is none',
      { file: { message_bus: { none: true } } },
      CELLS,
      'message-bus-none',
    ],
    [
      'one url for two cells',
      { file: { message_bus: { url: 'rabbit://h/' } } },
      [...CELLS, cellTwo],
      'message-bus-ambiguous',
    ],
    [
      'a template without nova.conf',
      {},
      [{ uuid: 'c1', name: 'cell1', transport_url: '{scheme}://h/' }],
      'message-bus-template',
    ],
    [
      'another kind of bus',
      {},
      [{ uuid: 'c1', name: 'cell1', transport_url: 'amqp://h/' }],
      'message-bus-kind',
    ],
    ['no such cell', {}, [cellTwo], 'no-such-cell'],
    ['no cell at all', {}, [], 'no-cells'],
  ])('nobody can look: %s', async (_, config, cells, code) => {
    const { buses } = open(config, { cells });
    const error = await failure(buses.waiting('cell:c1', QUEUE));
    expect(error).toBeInstanceOf(LookError);
    expect(error.code).toBe(code);
  });
});

describe('what waits', () => {
  const bodies = () => [
    busMessage('terminate_instance', SERVER),
    busMessage('reboot_instance', OTHER),
    Buffer.from('no request'),
    busMessage('reboot_instance', SERVER),
  ];
  test('is told in order, and stays', async () => {
    const queues = { [QUEUE]: bodies() };
    const { buses } = open({}, { queues });
    const found = await buses.waiting('cell:c1', QUEUE);
    expect(found?.requests.map(({ method, server }) => `${method} ${server}`)).toEqual([
      `terminate_instance ${SERVER}`,
      `reboot_instance ${OTHER}`,
      'null null',
      `reboot_instance ${SERVER}`,
    ]);
    expect(queues[QUEUE]).toEqual(bodies());
  });
  test('of one server is taken out, and nothing else', async () => {
    const queues = { [QUEUE]: bodies() };
    const { buses } = open({}, { queues });
    await buses.take('cell:c1', QUEUE, SERVER);
    expect(queues[QUEUE]).toEqual([bodies()[1], bodies()[2]]);
  });
  test('a bus that breaks meanwhile leaves it open what was taken', async () => {
    const fault = new LookError('message bus of cell1', 'it went away', { code: 'message-bus-unreachable' });
    const { buses } = open({}, { fault });
    await expect(buses.take('cell:c1', QUEUE, SERVER)).rejects.toMatchObject({
      name: 'ActError',
      unknown: true,
      message: 'message bus of cell1: it went away',
    });
    await expect(buses.take('cell:c1', QUEUE, SERVER)).rejects.toBeInstanceOf(ActError);
  });
});

async function listen(serve: (socket: Socket) => void): Promise<AddressInfo> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return server.address() as AddressInfo;
}

/** A frame of AMQP 0-9-1 (its specification, 2.3.5): a method. */
function methodOn(channel: number, classId: number, methodId: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from([0, classId, 0, methodId]), ...content]);
  const head = Buffer.alloc(7);
  head[0] = 1;
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(body.length, 3);
  return Buffer.concat([head, body, Buffer.from([0xce])]);
}

function longText(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}

/** connection.start: version 0-9, no properties, one mechanism, one locale */
const START = methodOn(0, 10, 10, Buffer.from([0, 9]), longText(''), longText('PLAIN'), longText('en_US'));
/** connection.close, channel.close: why, and no method that it is because of */
function closing(code: number, why: string): Buffer {
  const numbers = Buffer.alloc(2);
  numbers.writeUInt16BE(code);
  return Buffer.concat([numbers, Buffer.from([why.length]), Buffer.from(why), Buffer.alloc(4)]);
}

/** As RabbitMQ 3.10 answers a login that it does not take. */
const REFUSED = methodOn(0, 10, 50, closing(403, 'ACCESS_REFUSED - Login was refused'));

/** Takes every login, and answers each basic.get by closing its channel. */
function startRabbit(code: number, why: string): Promise<AddressInfo> {
  const answers = new Map<string, (channel: number) => Buffer>([
    ['10.11', () => methodOn(0, 10, 30, Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]))],
    ['10.40', () => methodOn(0, 10, 41, Buffer.from([0]))],
    ['20.10', (channel) => methodOn(channel, 20, 11, longText(''))],
    ['60.70', (channel) => methodOn(channel, 20, 40, closing(code, why))],
    ['20.40', (channel) => methodOn(channel, 20, 41)],
    ['10.50', () => methodOn(0, 10, 51)],
  ]);
  return listen((socket) => {
    let rest = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (said) => {
      rest = Buffer.concat([rest, said]);
      if (!greeted) {
        greeted = true;
        rest = rest.subarray('AMQP'.length + 4);
        socket.write(START);
      }
      while (rest.length >= 7 && rest.length >= 8 + rest.readUInt32BE(3)) {
        const answer = answers.get(`${rest.readUInt16BE(7)}.${rest.readUInt16BE(9)}`);
        if (answer !== undefined) socket.write(answer(rest.readUInt16BE(1)));
        rest = rest.subarray(8 + rest.readUInt32BE(3));
      }
    });
  });
}

describe('RabbitMQ that knows no such queue', () => {
  const visit = async (why: string) => {
    const { port } = await startRabbit(404, `NOT_FOUND - ${why}`);
    const bus = await openBus('message bus of cell1', parseBusUrl('bus', `rabbit://a:b@127.0.0.1:${port}/`));
    onTestFinished(() => bus.close());
    return bus.visit(QUEUE, () => false);
  };
  test('has none', async () => {
    expect(await visit(`no queue '${QUEUE}' in vhost '/'`)).toBeNull();
  });
  test.each([
    `home node 'rabbit@ctl2' of durable queue '${QUEUE}' in vhost '/' is down or inaccessible`,
    `queue '${QUEUE}' in vhost '/' has crashed and failed to restart`,
  ])('or has one that it cannot get at, and nobody has looked: %s', async (why) => {
    const error = await failure(visit(why));
    expect(error).toMatchObject({
      name: 'LookError',
      code: 'message-bus-queue',
      message: `the queue is there and cannot be read: ${why}`,
      hint: expect.stringContaining('cluster_status'),
    });
  });
});

describe('RabbitMQ that does not answer', () => {
  const openUrl = (url: string) => openBus('message bus of cell1', parseBusUrl('bus', url));
  test('nobody listens there: the next broker is tried, then it is told', async () => {
    const error = await failure(openUrl(`rabbit://a:${SECRET}@127.0.0.1:1,a:${SECRET}@127.0.0.1:2/`));
    expect(error).toMatchObject({ name: 'LookError', code: 'message-bus-unreachable' });
    expect(error.message).toContain('127.0.0.1:2');
  });
  test.each([
    ['hangs up', Buffer.alloc(0)],
    // RFC 8446, 6: a fatal alert, as Erlang's TLS sends it
    ['sends an alert', Buffer.from('15030300020246', 'hex')],
  ])('it speaks TLS, and nobody said so: it %s', async (_, says) => {
    const { port } = await listen((socket) => socket.once('data', () => socket.end(says)));
    const error = await failure(openUrl(`rabbit://a:${SECRET}@127.0.0.1:${port}/`));
    expect(error).toMatchObject({
      code: 'message-bus-unreachable',
      hint: expect.stringContaining('ca_file'),
    });
  });
  test('it speaks no TLS, and somebody said so', async () => {
    const { port } = await listen((socket) => socket.once('data', () => socket.end(START)));
    const error = await failure(openUrl(`rabbit://a:${SECRET}@127.0.0.1:${port}/?ssl=1`));
    expect(error).toMatchObject({ code: 'message-bus-unreachable', hint: expect.stringContaining('no TLS') });
  });
  test('one that refuses the user is told, though the next is not there', async () => {
    const { port } = await listen((socket) => {
      socket.once('data', () => socket.write(START));
      socket.on('data', (said) => {
        if (said.includes('PLAIN')) socket.end(REFUSED);
      });
    });
    const error = await failure(openUrl(`rabbit://a:${SECRET}@127.0.0.1:${port},a:${SECRET}@127.0.0.1:1/`));
    expect(error).toMatchObject({
      code: 'message-bus-login',
      message: `127.0.0.1:${port} refuses user or password`,
    });
  });
  test('something else listens there', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('SSH-2.0-OpenSSH\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(openUrl(`rabbit://a:b@127.0.0.1:${port}/`)).rejects.toMatchObject({
      name: 'LookError',
      place: 'message bus of cell1',
      code: 'message-bus-unreachable',
    });
  });
  test('a certificate authority that cannot be read', async () => {
    await expect(openUrl('rabbit://a:b@127.0.0.1:1/?ssl=1&ssl_ca_file=/nowhere.pem')).rejects.toMatchObject({
      code: 'message-bus-tls',
    });
  });
});
