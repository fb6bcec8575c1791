/** From what the operator typed to one uuid. */
import { UsageError } from '../../plan/errors.ts';
import type { Reader } from '../../site/reader.ts';
import { nameInBuildRequest } from './find.ts';
import { text } from './parse.ts';
import type { Cell } from './subject.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface Named {
  readonly uuid: string;
  readonly where: string;
}

/**
 * A uuid stands for itself, a name for the one live server that bears it. `uuid:…` says that it is meant as a uuid, for the
 * case that somebody has called a server by another server's uuid.
 *
 * @throws UsageError listing every server that could be meant
 */
export async function resolveServer(look: Reader, cells: readonly Cell[], typed: string): Promise<string> {
  const forced = typed.startsWith('uuid:');
  const asked = (forced ? typed.slice('uuid:'.length) : typed).trim();
  if (asked === '')
    throw new UsageError('a server is a uuid or a name: this one is empty', { code: 'server-empty' });
  const uuid = asked.toLowerCase();
  if (forced && !UUID.test(uuid))
    throw new UsageError(`${JSON.stringify(asked)} is not a uuid`, { code: 'uuid-invalid' });
  if (forced) return uuid;
  const named = await findByName(look, cells, asked);
  if (UUID.test(uuid)) {
    const others = named.filter((n) => n.uuid !== uuid);
    if (others.length === 0) return uuid;
    throw new UsageError(`${uuid} is also the name of another server: ${list(others)}`, {
      code: 'name-is-a-uuid',
      hint: `say uuid:${uuid} for the server with this uuid`,
    });
  }
  if (named.length > 1)
    throw new UsageError(`${named.length} servers are called ${JSON.stringify(asked)}: ${list(named)}`, {
      code: 'name-not-unique',
      hint: 'say which by its uuid',
    });
  const [only] = named;
  if (only !== undefined) return only.uuid;
  if (/^[0-9a-f-]{30,}$/.test(uuid))
    throw new UsageError(
      `${JSON.stringify(asked)} is neither a uuid (8-4-4-4-12 digits) nor a server's name`,
      {
        code: 'uuid-invalid',
      },
    );
  const gone = await findDeletedByName(look, cells, asked);
  throw new UsageError(
    `no live server is called ${JSON.stringify(asked)}: looked at build requests and ${cells.map((c) => c.name).join(', ')}`,
    {
      code: 'no-such-server',
      hint:
        gone.length === 0
          ? 'a server is named by its whole uuid, or by its exact name; a deleted one by its uuid'
          : `deleted servers of that name: ${list(gone)}; a deleted one is named by its uuid`,
    },
  );
}

function list(named: readonly Named[]): string {
  const shown = named.slice(0, 5).map(({ uuid, where }) => `${uuid} (${where})`);
  return `${shown.join(', ')}${named.length > 5 ? `, and ${named.length - 5} more` : ''}`;
}

async function findByName(look: Reader, cells: readonly Cell[], name: string): Promise<Named[]> {
  const [requests, ...perCell] = await Promise.all([
    look.sql.rows('api', (sql) => sql.selectFrom('build_requests').selectAll()),
    ...cells.map((cell) =>
      look.sql.rows(cell.database, (sql) =>
        sql
          .selectFrom('instances')
          .select(['uuid', 'display_name', 'vm_state', 'task_state'])
          .where('display_name', '=', name)
          .where('deleted', '=', 0),
      ),
    ),
  ]);
  const inCells = perCell.flatMap((rows, i) =>
    rows.flatMap((row) => {
      // The column's collation takes "Web" for "web"; a name is meant to the letter.
      if (text(row, 'display_name') !== name) return [];
      const state = text(row, 'task_state') ?? text(row, 'vm_state') ?? 'no state';
      return [{ uuid: text(row, 'uuid') ?? '', where: `${cells[i]?.name}, ${state}` }];
    }),
  );
  const waiting = requests.flatMap((row) => {
    const uuid = text(row, 'instance_uuid');
    // The column may be NULL (nova 14 `db/sqlalchemy/api_models.py:BuildRequest`): such a request is nobody's.
    return uuid !== null && nameInBuildRequest(row) === name ? [{ uuid, where: 'build request' }] : [];
  });
  const all = [...inCells, ...waiting];
  // One server can be there twice: in its build request too, or with the copy of its row that a resize to another cell keeps there.
  return all.filter(({ uuid }, i) => all.findIndex((one) => one.uuid === uuid) === i);
}

async function findDeletedByName(look: Reader, cells: readonly Cell[], name: string): Promise<Named[]> {
  const perCell = await Promise.all(
    cells.map((cell) =>
      look.sql.rows(cell.database, (sql) =>
        sql
          .selectFrom('instances')
          .select(['uuid', 'display_name', 'deleted_at'])
          .where('display_name', '=', name)
          .where('deleted', '!=', 0)
          .orderBy('id', 'desc')
          .limit(20),
      ),
    ),
  );
  return perCell.flat().flatMap((row) =>
    text(row, 'display_name') === name
      ? [
          {
            uuid: text(row, 'uuid') ?? '',
            where: `deleted ${text(row, 'deleted_at') ?? 'at no known time'}`,
          },
        ]
      : [],
  );
}
