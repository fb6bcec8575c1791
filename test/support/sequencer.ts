import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By a clock, so that nothing makes it shorter: last of all, it would run alone. */
const LONGEST = 'test/simulator/random-worlds.test.ts';

/** Where nothing is known of how long files take, as in a fresh clone, the longest begins first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.endsWith(LONGEST);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}
