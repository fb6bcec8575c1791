/**
 * Every call of a purge fails, in every way, once and for ever: `FAULT_EVERY=7` tries each seventh call only, `FAULT_NAMES='noise,garbage'`
 * these ways only, and `FAULT_LOG` names a file to which failures are written as they come.
 */
import { describe, expect, test } from 'vitest';
import { failEverywhere, neverFired, newTally } from '../../support/faults/every-fault.ts';
import type { Door } from '../../support/faults/fault.ts';
import { FAULTS } from '../../support/faults/faulty-wires.ts';
import { SCENES } from '../../support/faults/scenes.ts';

const DOORS: readonly Door[] = ['cache', 'queue', 'journal', 'http', 'sql', 'command'];
const every = Number(process.env['FAULT_EVERY'] ?? '1');
const names = process.env['FAULT_NAMES']?.split(',');
const isAsked = (fault: string) => names?.includes(fault) ?? true;

// A name that no door knows leaves no test, which vitest does not let pass.
describe.each(DOORS.filter((door) => FAULTS[door].some(isAsked)))(
  'every call through the door %s',
  (door) => {
    test('fails in every way, and what goes on with it ends as if it had not', async () => {
      const begun = performance.now();
      const tally = newTally([door], isAsked);
      for (const scene of SCENES) await failEverywhere(scene, door, tally, every);
      const seconds = Math.round((performance.now() - begun) / 1000);
      const fired = [...tally.fired].map(([name, times]) => `  ${name}: ${times}`).join('\n');
      process.stdout.write(`${door}: ${tally.runs} runs, ${seconds} s, fired\n${fired}\n`);
      expect(tally.failures.join('\n\n')).toBe('');
      expect(neverFired(tally)).toEqual([]);
    });
  },
);
