/** One of the cuts of `npm run test:chaos`, which makes all of them; which one, the seed says that is in the name of the test. */
import { expect, test } from 'vitest';
import { allCuts, openCutting } from '../chaos/cut/cut.ts';
import { cutAndResume, purgeWhole } from '../chaos/cut/cut-and-resume.ts';
import { DISK_SCENES } from '../chaos/cut/scenes.ts';
import { tempFolder } from '../support/temp.ts';

const seed = Number(process.env['CUT_SEED'] ?? 742_506);

test(`killed at some write into its record and gone on with, a purge ends as if nobody had killed it (CUT_SEED=${seed})`, async () => {
  const scene = DISK_SCENES[seed % DISK_SCENES.length];
  if (scene === undefined) throw new Error('there are no scenes');
  const cutting = await openCutting(tempFolder(), scene);
  const whole = await purgeWhole(cutting);
  expect(whole.steps.length, scene.name).toBeGreaterThan(5);
  const cuts = allCuts(whole.writes);
  const cut = cuts[(seed * 7919) % cuts.length];
  if (cut === undefined) throw new Error('there is nothing to cut');
  await cutAndResume(cutting, cut, whole);
});
