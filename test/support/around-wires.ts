/** Something between expunge and one kind of wire; the others stay as they are. */
import type { Transport } from '../../src/site/command/transport.ts';
import type { HttpClient } from '../../src/site/http/request.ts';
import type { SqlConnection } from '../../src/site/sql/connections.ts';
import type { Wires } from '../../src/site/wires.ts';

type Rewire = (wires: Wires) => Wires;

/** @param around gives what is called in place of each client's `send` */
export function aroundHttp(around: (send: HttpClient['send']) => HttpClient['send']): Rewire {
  return (wires) => ({
    ...wires,
    http(tls) {
      const client = wires.http(tls);
      return { ...client, send: around((...asked) => client.send(...asked)) };
    },
  });
}

/** @param around gives what of each connection is another */
export function aroundSql(around: (connection: SqlConnection) => Partial<SqlConnection>): Rewire {
  return (wires) => ({
    ...wires,
    async sql(...asked) {
      const connection = await wires.sql(...asked);
      return { ...connection, ...around(connection) };
    },
  });
}

/** @param around gives what is called in place of each host's `run` */
export function aroundCommand(around: (run: Transport['run']) => Transport['run']): Rewire {
  return (wires) => ({
    ...wires,
    command(host) {
      const transport = wires.command(host);
      return { ...transport, run: around((...asked) => transport.run(...asked)) };
    },
  });
}
