/** An API database that leads to no cell: of no server can be told there whether Nova knows it, and so whether it is healthy. */
import { describe, expect, test } from 'vitest';
import { type SimulatedCloud, stuckCloud } from '../support/simulated-cloud.ts';
import { difference, dumpWorld } from '../support/world-dump.ts';

const CELL0 = '00000000-0000-0000-0000-000000000000';

function leaveCells({ world }: SimulatedCloud, uuid: string): void {
  const forget = `delete from instance_mappings; delete from cell_mappings where uuid <> '${uuid}'`;
  world.db('nova_api').exec(`pragma foreign_keys = off; ${forget}; pragma foreign_keys = on`);
}

describe.each([
  ['no cell at all', ''],
  ['no cell but cell0', CELL0],
])('cell_mappings names %s', (says, kept) => {
  test.each([['inspect'], ['verify'], ['plan'], ['purge', '--yes']])(
    '%s says that nobody can look',
    async (command, ...options) => {
      const cloud = await stuckCloud();
      const uuid = cloud.servers[0]?.uuid ?? '';
      leaveCells(cloud, kept);
      const before = dumpWorld(cloud.world);
      const { exit, err } = await cloud.expunge([command, ...options, uuid]);
      expect(exit).toBe(4);
      expect(err).toContain(`cell_mappings names ${says}`);
      expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
    },
  );

  test('doctor goes on to what can be tried', async () => {
    const cloud = await stuckCloud();
    leaveCells(cloud, kept);
    const { exit, out } = await cloud.expunge(['doctor']);
    expect(exit).toBe(4);
    expect(out).toContain(`FAILS  database nova_api  cell_mappings names ${says}`);
    expect(out).toContain('ok     API network');
  });
});
