/** The message bus of each cell: which one is meant, the connection to it, and what waits there. */
import { ActError, LookError } from '../../plan/errors.ts';
import type { SiteConfig } from '../config/load.ts';
import type { Databases } from '../sql/databases.ts';
import type { Wires } from '../wires.ts';
import type { BusConnection } from './amqp.ts';
import { readRequest, type WaitingRequest } from './request.ts';
import { type BusUrl, fillBusTemplate, parseBusUrl } from './url.ts';

export interface QueueContents {
  /** in the order in which they would be handed out */
  readonly requests: readonly WaitingRequest[];
  /**
   * how many take from this queue. What was handed to one that has not confirmed it is in nobody's sight; null: it cannot be told how
   * many there are
   */
  readonly consumers: number | null;
}

const NO_FILES = { ca: undefined, cert: undefined, key: undefined };

export class Buses {
  readonly #config: SiteConfig;
  readonly #databases: Databases;
  readonly #openBus: Wires['queue'];
  readonly #open = new Map<string, Promise<BusConnection>>();

  constructor(config: SiteConfig, databases: Databases, open: Wires['queue']) {
    this.#config = config;
    this.#databases = databases;
    this.#openBus = open;
  }

  /** @returns null when there is no such queue. @throws LookError */
  async waiting(database: string, queue: string): Promise<QueueContents | null> {
    const requests: WaitingRequest[] = [];
    const bus = await this.#connection(database);
    const found = await bus.visit(queue, (message) => {
      requests.push(readRequest(message));
      return false;
    });
    return found === null ? null : { requests, consumers: found.consumers };
  }

  /** Takes out every request that speaks of this server and of nothing else. @throws ActError */
  async take(database: string, queue: string, server: string): Promise<void> {
    try {
      const bus = await this.#connection(database);
      await bus.visit(queue, (message) => readRequest(message).server === server);
    } catch (error) {
      if (!(error instanceof LookError)) throw error;
      throw new ActError(`${error.place}: ${error.message}`, {
        code: error.code,
        hint: error.hint,
        unknown: true,
      });
    }
  }

  async #connection(database: string): Promise<BusConnection> {
    const known = this.#open.get(database);
    if (known !== undefined) return known;
    const opening = (async () => {
      const { place, url } = await this.#locate(database);
      return this.#openBus(place, url);
    })();
    this.#open.set(database, opening);
    const forget = () => {
      if (this.#open.get(database) === opening) this.#open.delete(database);
    };
    // One that broke is opened anew when somebody asks again.
    opening.then((connection) => connection.onLost(forget), forget);
    return opening;
  }

  async #locate(database: string): Promise<{ place: string; url: BusUrl }> {
    const cells = await this.#databases.cells();
    const cell = cells.get(database);
    if (cell === undefined)
      throw new LookError(database, 'cell_mappings has no such cell', { code: 'no-such-cell' });
    const place = `message bus of ${cell.name}`;
    const { novaConf, file } = this.#config;
    const said = file.message_bus;
    if (said?.none)
      throw new LookError(place, 'the site file says that there is no way to it (message_bus: none)', {
        code: 'message-bus-none',
      });
    const own = said?.cells?.[cell.uuid] ?? said?.cells?.[cell.name];
    if (
      own === undefined &&
      said?.url !== undefined &&
      [...cells.values()].filter((c) => !c.isCell0).length > 1
    )
      throw new LookError(place, 'the site file has one message_bus.url, and the cloud more than one cell', {
        code: 'message-bus-ambiguous',
        hint: 'name each in message_bus.cells',
      });
    const text = own ?? said?.url ?? fillBusTemplate(place, cell.bus, novaConf?.transportUrl);
    // Who names an authority wants TLS, also where the URL leaves that to a nova.conf that nobody named: the password goes over this line.
    const url = parseBusUrl(
      place,
      text,
      said?.ca_file === undefined ? novaConf?.rabbitTls : { ...NO_FILES, ...novaConf?.rabbitTls, on: true },
    );
    const [first, ...others] = url.brokers.map((broker) => ({
      ...broker,
      user: said?.user ?? broker.user,
      password: said?.password ?? broker.password,
    }));
    return {
      place,
      url: {
        ...url,
        brokers: first === undefined ? url.brokers : [first, ...others],
        tls:
          url.tls === undefined || said?.ca_file === undefined ? url.tls : { ...url.tls, ca: said.ca_file },
      },
    };
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(async (bus) => (await bus).close()));
    this.#open.clear();
  }
}
