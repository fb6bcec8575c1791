/** What comes after a purge: the frozen nova-compute wakes up, Nova's own housekeeping runs, the usage report is asked for. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ask } from '../../lab/api.ts';
import { run } from '../../lab/command.ts';
import { diffSnapshots, type Snapshot, settle, takeSnapshot } from '../../lab/delta.ts';
import { createNeighbours } from '../../lab/neighbours.ts';
import { freezeCompute, reviveCompute, thawCompute, waitServiceDown } from '../../lab/nova-services.ts';
import { openLab } from '../../lab/paths.ts';
import { createServer, type LabServer, requestDelete } from '../../lab/servers.ts';
import { query } from '../../lab/sql.ts';
import { expunge } from './expunge.ts';

const lab = openLab();
let victim: LabServer;
let purged: Snapshot;

function novaManage(...words: readonly string[]) {
  return run(['nova-manage', '--config-file', join(lab.etc, 'nova.conf'), ...words], { allow: 'any' });
}

async function usageOf(
  server: LabServer,
): Promise<{ state: string; ended_at: string | null; hours: number }> {
  const shape = z.object({
    tenant_usages: z.array(
      z.object({
        server_usages: z.array(
          z.object({
            instance_id: z.string(),
            state: z.string(),
            ended_at: z.string().nullable(),
            hours: z.number(),
          }),
        ),
      }),
    ),
  });
  const day = 86_400_000;
  const at = (ms: number) => new Date(ms).toISOString().slice(0, 19);
  const answer = await ask(
    lab,
    'compute',
    'GET',
    `/os-simple-tenant-usage?detailed=1&start=${at(Date.now() - day)}&end=${at(Date.now() + day)}`,
    shape,
  );
  const usage = answer.tenant_usages.flatMap((t) => t.server_usages).find((u) => u.instance_id === server.id);
  if (usage === undefined) throw new Error(`no usage is reported of ${server.name}`);
  return usage;
}

beforeAll(async () => {
  await createNeighbours(lab);
  victim = await createServer(lab, { name: `vm-a-victim-aftermath-${Date.now().toString(36)}` });
  freezeCompute(lab);
  await requestDelete(lab, victim);
  await waitServiceDown(lab, 'nova-compute');
  const ended = await expunge(['purge', victim.id, '--yes']);
  expect(ended, ended.out + ended.err).toMatchObject({ exit: 0 });
  await settle(lab);
  purged = await takeSnapshot(lab);
});

afterAll(() => reviveCompute(lab));

test('a nova-compute that wakes up late takes the waiting delete and changes nothing that matters', async () => {
  await thawCompute(lab);
  const log = join(lab.log, 'nova-compute.log');
  await expect
    .poll(
      async () =>
        (
          await run(['grep', '-c', `Terminating instance.*\\|terminate_instance.*${victim.id}`, log], {
            allow: 'any',
          })
        ).stdout,
      {
        timeout: 60_000,
        interval: 1_000,
      },
    )
    .not.toBe('0\n');
  await settle(lab);
  const woken = diffSnapshots(purged, await takeSnapshot(lab));
  // Nova 26 objects/instance.py:save updates instance_extra before it notices that the instance is deleted, and
  // instance_extra_update_by_uuid then makes a row that holds nothing. It does so after its own delete as well.
  const emptyRow = woken.filter(
    ({ place, before, after }) =>
      place === 'nova.instance_extra' && before === undefined && holdsNothing(after),
  );
  expect(woken.filter((change) => !emptyRow.includes(change))).toEqual([]);
  expect(emptyRow.length).toBeLessThanOrEqual(1);

  expect(await expunge(['verify', victim.id])).toMatchObject({ exit: emptyRow.length });
  expect(await expunge(['purge', victim.id, '--yes'])).toMatchObject({ exit: 0 });
  expect(await expunge(['verify', victim.id])).toMatchObject({ exit: 0 });
});

/** Nothing but the columns that every row has. */
function holdsNothing(row: Readonly<Record<string, string | null>> | undefined): boolean {
  const bare = ['id', 'instance_uuid', 'created_at', 'deleted'];
  return (
    row !== undefined &&
    Object.entries(row).every(([column, value]) => bare.includes(column) || value === null)
  );
}

test('os-simple-tenant-usage has stopped counting it', async () => {
  const first = await usageOf(victim);
  expect(first).toMatchObject({ state: 'terminated' });
  expect(first.ended_at).not.toBeNull();
  expect((await usageOf(victim)).hours).toBe(first.hours);
});

test('nova-manage placement audit finds nothing', async () => {
  const audit = await novaManage('placement', 'audit', '--verbose');
  expect(audit, audit.stdout + audit.stderr).toMatchObject({ code: 0 });
});

test('archive and purge take the server with every row', async () => {
  const archived = await novaManage('db', 'archive_deleted_rows', '--until-complete', '--all-cells');
  expect([0, 1], archived.stdout + archived.stderr).toContain(archived.code);
  expect(await query(lab, 'nova', 'SELECT id FROM instances WHERE uuid = ?', [victim.id])).toEqual([]);
  expect(
    await query(lab, 'nova', 'SELECT id FROM shadow_instances WHERE uuid = ?', [victim.id]),
  ).toHaveLength(1);
  expect(
    await query(lab, 'nova_api', 'SELECT id FROM instance_mappings WHERE instance_uuid = ?', [victim.id]),
  ).toEqual([]);
  expect(await expunge(['verify', victim.id])).toMatchObject({ exit: 0 });

  const dropped = await novaManage('db', 'purge', '--all', '--all-cells');
  expect(dropped, dropped.stdout + dropped.stderr).toMatchObject({ code: 0 });
  expect(await query(lab, 'nova', 'SELECT id FROM shadow_instances WHERE uuid = ?', [victim.id])).toEqual([]);
  const unknown = await expunge(['verify', victim.id]);
  expect(unknown.exit).toBe(2);
  expect(unknown.err).toContain('no database, API or host has a trace of it');
});
