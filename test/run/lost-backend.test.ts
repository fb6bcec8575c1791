/** A proxy before the APIs loses them in the middle of a purge, and says 404 of everything: nothing of that means "gone". */
import { expect, test } from 'vitest';
import type { Wires } from '../../src/site/wires.ts';
import { aroundHttp } from '../support/around-wires.ts';
import { LOST_PAGE } from '../support/faults/http-faults.ts';
import { inNoTime } from '../support/faults/virtual-time.ts';
import { goOn } from '../support/kept-cloud.ts';
import { simulateCloud } from '../support/simulated-cloud.ts';

/** From the second attachment on that is deleted. */
function losesBackends(wires: Wires): Wires {
  let deleted = 0;
  return aroundHttp((send) => async (place, request, onSent) => {
    const lost = deleted === 2;
    if (request.method === 'DELETE' && request.url.pathname.includes('/attachments/')) deleted += 1;
    return lost ? { status: 404, headers: {}, body: LOST_PAGE } : send(place, request, onSent);
  })(wires);
}

test('a volume that was to go is not taken for deleted, and goes when the run is gone on with', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'web', state: 'deleting-forever', host: 'cmp-1', volumes: [{ name: 'a' }, { name: 'b' }] },
    ],
  });
  const left = () =>
    cloud.world.db('cinder').prepare('SELECT display_name FROM volumes WHERE deleted = 0').all().length;
  const purge = ['purge', 'web', '--volumes', 'delete', '--yes'];
  const cut = await inNoTime(() => cloud.expunge(purge, { rewire: losesBackends }));
  expect(cut.exit, cut.out + cut.err).not.toBe(0);
  expect(cut.out).not.toContain('already done');
  expect(left()).toBe(2);
  await goOn((argv) => cloud.expunge(argv), purge, cut.out);
  expect(left()).toBe(0);
});
