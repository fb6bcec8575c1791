/** A message bus that does not answer stops nobody, and is never passed over in silence. */
import { expect, test } from 'vitest';
import { openDoors } from '../support/faults/faulty-wires.ts';
import { simulateCloud } from '../support/simulated-cloud.ts';

const BUT_THE_BUS = 'looked again everywhere but at the message bus, see Kept: nothing else is left.';

test('what waits there of a server that is not deleting is found when it answers again', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [{ name: 'web', state: 'shelving-stuck', host: 'cmp-1' }],
  });
  const uuid = cloud.servers[0]?.uuid ?? '';
  const silent = () => openDoors({ door: 'queue', fault: 'refused', at: 1, lasting: true });

  const purged = await cloud.expunge(['purge', uuid, '--yes'], { rewire: silent().rewire });
  expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
  expect(purged.out).toContain(BUT_THE_BUS);
  const still = await cloud.expunge(['verify', uuid], { rewire: silent().rewire });
  expect(still.out).toContain('what may still wait for nova-compute on cmp-1');
  expect(still.out).toContain('Nothing is left; the message bus could not be asked, see Kept.');

  const verified = await cloud.expunge(['verify', uuid]);
  expect(verified.exit).toBe(1);
  expect(verified.out).toContain('request shelve_instance that waits for nova-compute on cmp-1');
  const again = await cloud.expunge(['purge', uuid, '--yes']);
  expect(again, again.out + again.err).toMatchObject({ exit: 0 });
  expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });
});
