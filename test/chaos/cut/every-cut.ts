/**
 * The real program is killed with SIGKILL at every write into its record, before, in the middle and after; and each time what goes on
 * with it ends as if nobody had killed it.
 */
import { expect } from 'vitest';
import type { Scene } from '../../support/kept-cloud.ts';
import { tempFolder } from '../../support/temp.ts';
import { allCuts, cutAt, namePlace, openCutting, PLACES } from './cut.ts';
import { cutAndResume, purgeWhole } from './cut-and-resume.ts';

export async function cutEverywhere(scene: Scene): Promise<void> {
  const begun = performance.now();
  const cutting = await openCutting(tempFolder(), scene);
  const whole = await purgeWhole(cutting);
  const met = new Set<string>();
  const spared = new Set<string>();
  const cuts = allCuts(whole.writes);
  for (const cut of cuts) for (const place of (await cutAndResume(cutting, cut, whole)).met) met.add(place);
  // Steps go side by side: the N-th write of one purge is not always that of another. What no number met is cut by name. A step that
  // mostly settles by itself, as the watchers of a disk go with its domain, may then have nothing left to cut.
  const missed = () =>
    whole.steps
      .flatMap((step) => PLACES.map((place) => ({ step, place, name: namePlace(step, place) })))
      .filter(({ name }) => !met.has(name) && !spared.has(name));
  for (const { step, place } of missed()) {
    const cut = await cutAndResume(cutting, cutAt(step, place), whole);
    for (const each of cut.met) met.add(each);
    for (const each of cut.needless) spared.add(each);
  }
  expect(missed()).toEqual([]);
  const seconds = Math.round((performance.now() - begun) / 1000);
  const only = [...spared].filter((name) => !met.has(name));
  process.stdout.write(
    `${scene.name}: ${whole.steps.length} steps, ${cuts.length} cuts, ${seconds} s${only.map((name) => `\n  nothing to cut: ${name}`).join('')}\n`,
  );
}
