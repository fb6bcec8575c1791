/** Worlds as files: who has one open, and which one it is. */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createWorld, openWorld, readMeta, setMeta } from '../../src/simulator/world.ts';
import { tempFolder } from '../support/temp.ts';

test('is open until the last of those who opened it has closed it', async () => {
  const first = await createWorld(tempFolder());
  const second = openWorld(first.folder);
  setMeta(first, 'bus', 'down');
  first.close();
  expect(readMeta(second, 'bus')).toBe('down');
  second.close();
  expect(() => second.machines.prepare('SELECT 1')).toThrow('not open');
  const third = openWorld(first.folder);
  expect(readMeta(third, 'bus')).toBe('down');
  third.close();
});

test('another one made in its folder is another one, also while somebody still has the former', async () => {
  const former = await createWorld(tempFolder());
  setMeta(former, 'bus', 'down');
  const later = await createWorld(former.folder);
  const opened = openWorld(former.folder);
  expect(readMeta(opened, 'bus')).toBeNull();
  expect(readMeta(former, 'bus')).toBe('down');
  former.close();
  expect(readMeta(later, 'bus')).toBeNull();
  later.close();
  opened.close();
  rmSync(former.folder, { recursive: true });
  expect(() => openWorld(former.folder)).toThrow(`no simulated cloud in ${former.folder}`);
});
