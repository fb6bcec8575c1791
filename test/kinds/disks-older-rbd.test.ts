/** What rbd says otherwise in other releases than the one that it was tried on, from `tools/rbd/action` of ceph 10 to 19. */
import { describe, expect, test } from 'vitest';
import { acts, command, DISK, LS, libvirt, look, rbdAnswers } from './disks-samples.ts';

const rbd = (words: string) => `compute1: rbd --id nova -p vms ${words}`;
const STATUS = rbd(`status ${DISK}`);

/** Ceph 10: no id, no word of protection in the list of snapshots. */
function jewel(isProtected: 'true' | 'false'): Record<string, string> {
  return {
    ...libvirt('gone'),
    [LS]: JSON.stringify([DISK]),
    [rbd(`info ${DISK} --format json`)]:
      '{"name":"disk","size":1073741824,"objects":256,"order":22,"object_size":4194304,"block_name_prefix":"rbd_data.10342ae8944a","format":2,"features":["layering"],"flags":[]}',
    [rbd(`snap ls ${DISK} --format json`)]: '[{"id":4,"name":"nova-resize","size":1073741824}]',
    [rbd(`info ${DISK}@nova-resize --format json`)]:
      `{"name":"disk","size":1073741824,"objects":256,"order":22,"object_size":4194304,"block_name_prefix":"rbd_data.10342ae8944a","format":2,"features":["layering"],"flags":[],"protected":"${isProtected}"}`,
    [rbd(`children ${DISK}@nova-resize --format json`)]: '[]',
    [STATUS]: 'Watchers: none\n',
  };
}

describe('rbd of Ceph 10', () => {
  test('a disk and its snapshot go, the latter by words that it knows', async () => {
    const plan = await look(jewel('false'));
    expect(plan).toMatchObject({ unknown: [], refusals: [] });
    expect(acts(plan)).toEqual([
      `rbd --id nova -p vms snap rm ${DISK}@nova-resize`,
      `rbd --id nova -p vms rm ${DISK} --no-progress`,
    ]);
  });

  test('a protected snapshot is unprotected first: only what is told of it by itself says that it was', async () => {
    const plan = await look(jewel('true'));
    expect(acts(plan)[0]).toBe(`rbd --id nova -p vms snap unprotect ${DISK}@nova-resize`);
    const info = `rbd --id nova -p vms info ${DISK}@nova-resize --format json`.split(' ');
    expect(plan.steps[0]?.settled).toEqual({
      ...command(...info),
      out: { lacksText: '"protected":"true"' },
    });
  });
});

describe('who has a disk open', () => {
  const told = (out: string) => look({ ...libvirt('gone'), ...rbdAnswers([{}]), [STATUS]: out });

  test('what is told of a migration and of a cache below is no client', async () => {
    const cache = 'Persistent cache state:\n\thost: cmp-1\n\tpath: /var/cache\n';
    expect((await told(`Watchers: none\n${cache}`)).refusals).toEqual([]);
    const plan = await told(`Watchers:\n\twatcher=10.0.0.9:0/1 client.7 cookie=2\n${cache}`);
    expect(plan.refusals).toMatchObject([
      { code: 'image-watched', sentence: expect.stringContaining('is open at 10.0.0.9:0/1 (client.7), and') },
    ]);
  });

  test.each([
    ['nothing', ''],
    ['no client where it should name some', 'Watchers:\n'],
    ['something else', 'Welcome\nWatchers: none\n'],
  ])('rbd says %s: not understood', async (_, out) => {
    const plan = await told(out);
    expect(plan.steps).toEqual([]);
    expect(plan.unknown).toMatchObject([
      { place: 'host compute1', why: expect.stringContaining('the list of watchers is not understood') },
    ]);
  });
});
