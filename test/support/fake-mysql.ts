/**
 * A database server in this process that speaks MySQL's protocol and answers from what a test wrote down. It fails on a
 * statement that was not foreseen, by closing with an error that names it.
 */
import type { AddressInfo } from 'node:net';
import mysql from 'mysql2';
import { onTestFinished } from 'vitest';

type Value = string | number | bigint | null;
export type MysqlAnswer =
  | readonly Readonly<Record<string, Value>>[]
  | { readonly affected: number }
  | { readonly error: string; readonly code: number }
  /** hangs up instead of answering */
  | 'cut'
  /** says nothing, and keeps the line open */
  | 'silent';

export interface FakeMysql {
  readonly port: number;
  /** what was asked, with the parameters in it, in order */
  readonly asked: string[];
  /** hangs up on everybody: politely, or as a machine that lost its power and came back */
  hangUp(how?: 'closed' | 'reset'): void;
}

interface Options {
  readonly answer: (sql: string) => MysqlAnswer | undefined;
  readonly refuseLogin?: string;
  readonly onLogin?: (user: string) => void;
  /** what it says of itself when it greets */
  readonly statusFlags?: number;
}

const FIELD_TYPE_STRING = 253;

export async function startMysql({
  answer,
  refuseLogin,
  onLogin,
  statusFlags = 2,
}: Options): Promise<FakeMysql> {
  const asked: string[] = [];
  const open = new Set<mysql.Connection>();
  // biome-ignore lint/suspicious/noExplicitAny: the serving half of mysql2 has hardly any types
  const server: any = mysql.createServer(() => {});
  // biome-ignore lint/suspicious/noExplicitAny: as above
  server.on('connection', (connection: any) => {
    open.add(connection);
    connection.stream.setNoDelay(true);
    connection.stream.on('close', () => open.delete(connection));
    connection.on('error', () => {});
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: '8.0.0-fake',
      connectionId: 1,
      statusFlags,
      characterSet: 45,
      // PROTOCOL_41, PLUGIN_AUTH, SECURE_CONNECTION, CONNECT_WITH_DB, FOUND_ROWS
      capabilityFlags: 0x00088200 | 0xa | 0x2,
      authCallback: (
        login: { user: string },
        done: (error: null, refusal?: { message: string; code: number }) => void,
      ) => {
        onLogin?.(login.user);
        if (refuseLogin === undefined) done(null);
        else done(null, { message: refuseLogin, code: 1045 });
        connection.sequenceId = 0;
      },
    });
    const reply = (sql: string) => {
      send(sql);
      // Each statement begins a new sequence of packets.
      connection.sequenceId = 0;
    };
    const send = (sql: string) => {
      asked.push(sql);
      const builtIn = /^(set session|start transaction|commit|rollback|begin)/i.test(sql);
      const found = answer(sql) ?? (builtIn ? { affected: 0 } : undefined);
      if (found === 'cut') connection.stream.destroy();
      else if (found === 'silent') return;
      else if (found === undefined)
        connection.writeError({ message: `the test did not foresee: ${sql}`, code: 1064 });
      else if ('error' in found) connection.writeError({ message: found.error, code: found.code });
      else if ('affected' in found) connection.writeOk({ affectedRows: found.affected });
      else
        connection.writeTextResult(
          found,
          Object.keys(found[0] ?? { none: null }).map((name) => ({
            catalog: 'def',
            schema: '',
            table: '',
            orgTable: '',
            name,
            orgName: name,
            characterSet: 45,
            columnLength: 255,
            columnType: /^(number|bigint)$/.test(typeof found[0]?.[name]) ? 8 : FIELD_TYPE_STRING,
            flags: 0,
            decimals: 0,
          })),
        );
    };
    connection.on('query', reply);
    connection.on('stmt_prepare', reply);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const hangUp = (how: 'closed' | 'reset' = 'closed') => {
    for (const connection of open) {
      // biome-ignore lint/suspicious/noExplicitAny: as above
      const { stream } = connection as any;
      if (how === 'reset') stream.resetAndDestroy();
      else stream.destroy();
    }
  };
  onTestFinished(() => {
    hangUp();
    server.close();
  });
  return { port: (server._server.address() as AddressInfo).port, asked, hangUp };
}
