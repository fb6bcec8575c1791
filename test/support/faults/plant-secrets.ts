/** A simulated cloud whose every account has a password that is not in any dictionary, and which none of its services ever shows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../../../src/simulator/world.ts';
import type { HttpClient } from '../../../src/site/http/request.ts';
import type { Wires } from '../../../src/site/wires.ts';
import { canary } from '../secrets.ts';
import { dumpWorld } from '../world-dump.ts';

export interface Secrets {
  /** all of them, the tokens that were given out so far too */
  all(): readonly string[];
  /** the simulator knows one account with one password: it is told that, where expunge says another */
  translate(wires: Wires): Wires;
}

const ADMIN = canary('admin');
const SERVICE = canary('service');
const DATABASE = canary('database');
const BUS = canary('bus');

/** Before the site's files are read: who is told to log in with what. */
export function plantSecrets(world: World): Secrets {
  const edit = (name: string, change: (text: string) => string) => {
    const path = join(world.folder, name);
    const [before, mode] = [readFileSync(path, 'utf8'), 0o600];
    const after = change(before);
    if (after === before) throw new Error(`${name} names no password`);
    writeFileSync(path, after, { mode });
  };
  const inUrl = encodeURIComponent(DATABASE);
  edit('clouds.yaml', (text) => text.replace('password: demo', () => `password: ${JSON.stringify(ADMIN)}`));
  edit('expunge.yaml', (text) => text.replaceAll('//nova:nova@', () => `//nova:${inUrl}@`));
  edit('nova.conf', (text) =>
    text
      .replaceAll('//nova:nova@', () => `//nova:${inUrl}@`)
      .replace('password = demo', () => `password = ${SERVICE}`),
  );
  const cells = world.db('nova_api');
  cells
    .prepare(
      'UPDATE cell_mappings SET database_connection = replace(database_connection, ?, ?), transport_url = replace(transport_url, ?, ?)',
    )
    .run('//nova:nova@', `//nova:${inUrl}@`, '//nova:nova@', `//nova:${encodeURIComponent(BUS)}@`);
  const tokens = new Set<string>();
  const chap = chapPasswords(world);
  return {
    all: () => [ADMIN, SERVICE, DATABASE, BUS, ...chap, ...tokens],
    translate: (wires) => ({
      ...wires,
      http: (tls) => translateHttp(wires.http(tls), tokens),
      sql: (place, url, readOnly, session) =>
        wires.sql(place, url.password === DATABASE ? { ...url, password: 'nova' } : url, readOnly, session),
      queue(place, url) {
        const [first, ...others] = url.brokers.map((broker) =>
          broker.password === BUS ? { ...broker, password: 'nova' } : broker,
        );
        return wires.queue(place, first === undefined ? url : { ...url, brokers: [first, ...others] });
      },
    }),
  };
}

function translateHttp(client: HttpClient, tokens: Set<string>): HttpClient {
  return {
    async send(place, request, onSent) {
      const body = JSON.stringify(request.body ?? null);
      const known = [ADMIN, SERVICE].reduce(
        (text, secret) => text.replaceAll(JSON.stringify(secret), '"demo"'),
        body,
      );
      const answer = await client.send(
        place,
        request.body === undefined ? request : { ...request, body: JSON.parse(known) },
        onSent,
      );
      const token = answer.headers['x-subject-token'];
      if (typeof token === 'string') tokens.add(token);
      return answer;
    },
    close: () => client.close(),
  };
}

/** What storage told Nova and Cinder to log in with: the only secrets that a recorded cloud holds. */
function chapPasswords(world: World): readonly string[] {
  return [
    ...new Set(
      dumpWorld(world)
        .join('\n')
        .match(/secret-[0-9a-f]{9,}/g),
    ),
  ];
}
