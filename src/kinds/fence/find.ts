import type { Reader } from '../../site/reader.ts';
import type { Found } from '../kind.ts';
import { secondsBetween } from '../subject/hosts.ts';
import { text } from '../subject/parse.ts';
import type { Subject } from '../subject/subject.ts';

export interface FenceFacts {
  /** seconds since anything last changed on the server; null when nothing says when */
  readonly quietSeconds: number | null;
}

/** When the server last moved: its row and its latest action; before it has a row, its build request. */
export async function findFence(look: Reader, subject: Subject): Promise<Found<FenceFacts>> {
  const { cell, row } = subject;
  if (row === null && subject.buildRequest !== null) {
    const requests = await look.sql.rows('api', (sql) =>
      sql
        .selectFrom('build_requests')
        .select((e) => ['created_at', 'updated_at', e.fn<string>('utc_timestamp', []).as('now')])
        .where('instance_uuid', '=', subject.uuid),
    );
    const times = requests.flatMap((r) => [text(r, 'created_at'), text(r, 'updated_at')]);
    return quietSince(times, requests[0] === undefined ? subject.now : text(requests[0], 'now'));
  }
  if (cell === null || row === null || row.deleted !== 0)
    return { facts: { quietSeconds: null }, unknown: [] };
  const actions = await look.sql.rows(cell.database, (sql) =>
    sql
      .selectFrom('instance_actions')
      .select(['start_time', 'updated_at'])
      .where('instance_uuid', '=', subject.uuid)
      .orderBy('id', 'desc')
      .limit(1),
  );
  const times = [
    row.updatedAt ?? row.createdAt,
    ...actions.flatMap((a) => [text(a, 'start_time'), text(a, 'updated_at')]),
  ];
  return quietSince(times, subject.now);
}

function quietSince(times: readonly (string | null)[], now: string | null): Found<FenceFacts> {
  const ages = times.map((time) => secondsBetween(time, now)).filter((age) => age !== null);
  return { facts: { quietSeconds: ages.length === 0 ? null : Math.min(...ages) }, unknown: [] };
}
