/** Every recorded state of a server, cut everywhere. */
import { describe, test } from 'vitest';
import { cutEverywhere } from './every-cut.ts';
import { recordedScenes } from './scenes.ts';

describe.each(await recordedScenes())('$name', (scene) => {
  test('cut anywhere and gone on with, it ends as if it had not been cut', () => cutEverywhere(scene));
});
