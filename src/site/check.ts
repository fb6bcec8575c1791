/** Answers the checks and reads the before-images that a plan holds as data. */
import { isDeepStrictEqual } from 'node:util';
import { LookError } from '../plan/errors.ts';
import type { BeforeImage, Check } from '../plan/types.ts';
import { lastLine, linesOf } from './command/lines.ts';
import type { WaitingRequest } from './queue/request.ts';
import type { Reader, Row } from './reader.ts';
import type { Databases } from './sql/databases.ts';
import { renderCount, renderRows } from './sql/render.ts';

type CheckOf<D extends Check['door']> = Extract<Check, { door: D }>;

/** @throws LookError when the answer is neither yes nor no */
export async function checkHolds(reader: Reader, databases: Databases, check: Check): Promise<boolean> {
  switch (check.door) {
    case 'sql': {
      const query = renderCount(check.table, check.where);
      const [row] = await databases.select(check.database, query.sql, query.parameters);
      return Number(row?.['n']) === check.count;
    }
    case 'http':
      return httpHolds(reader, check);
    case 'command':
      return commandHolds(reader, check);
    case 'cache':
      return ((await reader.cache.get(check.server, check.key)) === null) === check.absent;
    case 'queue':
      return (await requestsOf(reader, check)).length === check.count;
  }
}

/** The requests in a queue that speak of one server. */
async function requestsOf(
  reader: Reader,
  { database, queue, server }: { readonly database: string; readonly queue: string; readonly server: string },
): Promise<readonly WaitingRequest[]> {
  const found = await reader.queue.waiting(database, queue);
  return (found?.requests ?? []).filter((request) => request.server === server);
}

async function httpHolds(reader: Reader, check: CheckOf<'http'>): Promise<boolean> {
  const { status, body } = await reader.http.get(check.service, check.path, {
    also: [404, ...check.status],
    ...(check.microversion === undefined ? {} : { microversion: check.microversion }),
  });
  if (!check.status.includes(status)) return false;
  if (check.at === undefined) return true;
  let value: unknown = body;
  for (const key of check.at.keys) {
    if (typeof value !== 'object' || value === null) return false;
    value = (value as Record<string, unknown>)[key];
  }
  // In whatever order a release writes the keys.
  return isDeepStrictEqual(value, check.at.equals);
}

/** Of control characters only those that end a line or stand in one: a program that is asked here prints no others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NO_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

async function commandHolds(reader: Reader, check: CheckOf<'command'>): Promise<boolean> {
  const answer = await reader.command.run(check.host, check.argv);
  // Somebody else answered: an exit code of 0 is no yes then, and a line that is not in it is not gone.
  if (NO_TEXT.test(answer.out) || (check.argv[0] === 'test' && answer.out !== ''))
    throw new LookError(
      `host ${check.host}`,
      `${check.argv.join(' ')} ended with ${answer.exit} and printed what it never prints`,
      { code: 'answer-not-understood' },
    );
  if (!check.exit.includes(answer.exit)) {
    if (check.no?.includes(answer.exit)) return false;
    const said = `${check.argv.join(' ')} ended with ${answer.exit}: ${lastLine(answer.err)}`;
    throw new LookError(`host ${check.host}`, said, {
      code: 'check-failed',
    });
  }
  if (check.out === undefined) return true;
  if ('lacksText' in check.out) return !answer.out.includes(check.out.lacksText);
  const lines = linesOf(answer.out).map((line) => line.trim());
  if ('equals' in check.out) return answer.out.replace(/\n+$/, '') === check.out.equals;
  if ('hasLine' in check.out) return lines.includes(check.out.hasLine);
  if ('lacksLine' in check.out) return !lines.includes(check.out.lacksLine);
  const within = check.out.linesWithin;
  return lines.every((line) => within.includes(line));
}

/**
 * A volume's `connection_info` holds the passwords of its storage (CHAP, rbd keyrings, the `serverToken` of PowerFlex: os-brick 6
 * `initiator/connectors/scaleio.py`; SMB's among the `options` of its mount: nova 26 `virt/libvirt/volume/smbfs.py`), in Nova's rows and
 * in Cinder's. No step changes it, so what is saved of it can do without them. Cinder's `volumes` have such a password in a column of its own
 * (cinder 21 `db/sqlalchemy/models.py:Volume.provider_auth`, `CHAP <user> <password>`); it is left out whole.
 */
function withoutSecrets(whole: Row): Row {
  const { provider_auth: _password, ...row } = whole;
  const info = row['connection_info'];
  if (typeof info !== 'string') return row;
  const secret = /"([^"]*(?:password|secret(?!_uuid|_type)|keyring|token)[^"]*)":\s*"(?:[^"\\]|\\.)*"/gi;
  const within = /"(options)":\s*"(?:[^"\\]|\\.)*pass(?:word)?=(?:[^"\\]|\\.)*"/gi;
  return { ...row, connection_info: info.replace(secret, '"$1": "…"').replace(within, '"$1": "…"') };
}

/** What a step saves before it acts, as JSON. @throws LookError */
export async function readImage(reader: Reader, databases: Databases, what: BeforeImage): Promise<unknown> {
  switch (what.door) {
    case 'sql': {
      const query = renderRows(what.table, what.where);
      return (await databases.select(what.database, query.sql, query.parameters)).map(withoutSecrets);
    }
    case 'http': {
      const answer = await reader.http.get(what.service, what.path, {
        also: [404],
        ...(what.microversion === undefined ? {} : { microversion: what.microversion }),
      });
      return answer.status === 404 ? null : answer.body;
    }
    case 'command': {
      const answer = await reader.command.run(what.host, what.argv);
      return { exit: answer.exit, out: answer.out };
    }
    case 'cache':
      return (await reader.cache.get(what.server, what.key))?.toString('base64') ?? null;
    case 'queue':
      return (await requestsOf(reader, what)).map(({ method, requestId, askedAt }) => ({
        method,
        requestId,
        askedAt,
      }));
  }
}
