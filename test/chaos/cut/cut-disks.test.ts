/** Servers with volumes and disks of every kind, cut everywhere. */
import { describe, test } from 'vitest';
import { cutEverywhere } from './every-cut.ts';
import { DISK_SCENES } from './scenes.ts';

describe.each(DISK_SCENES)('$name', (scene) => {
  test('cut anywhere and gone on with, it ends as if it had not been cut', () => cutEverywhere(scene));
});
