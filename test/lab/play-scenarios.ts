/**
 * Plays scenarios: what expunge's purge of a stuck server did to the databases and the hosts equals, row by row, what Nova's own
 * delete did to its healthy twin; and nothing of a neighbour changed, to the byte.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  canonicalise,
  compareDeltas,
  completeNeutronDeletes,
  diffSnapshots,
  findRoles,
  neighbourView,
  type Snapshot,
  settle,
  takeSnapshot,
} from '../../lab/delta.ts';
import type { Lab } from '../../lab/paths.ts';
import type { Scenario } from '../../lab/scenarios/scenario.ts';
import type { LabServer } from '../../lab/servers.ts';
import { type Ended, expunge, type SiteName, siteFile } from './expunge.ts';
import { takeStill } from './still.ts';

/**
 * A nova-compute that hangs has its requests in hand, until RabbitMQ misses its heartbeats and puts them back into the queue: minutes later,
 * and on a slow machine in the middle of the purge, or after it. The purge has told of it under Kept; who looks next finds it.
 */
const GIVEN_BACK = {
  /** in what `verify` says, or the second look of the purge itself */
  verify: /^Still there: 1 thing in 1 place\n {2}message bus of \S+\n {4}request terminate_instance/m,
  purge: /^1 step\n {2}Waiting requests, message bus of \S+\n {4}1\. take the request terminate_instance/m,
};

interface Played {
  readonly victim: LabServer;
  readonly twin: LabServer;
  readonly whole: Snapshot;
  readonly twinGone: Snapshot;
  readonly broken: Snapshot;
}

export interface Company {
  /** live servers that nothing may touch */
  readonly neighbours: () => readonly LabServer[];
  /** asked before a scenario and after its purge: whether those who work beside it lost nothing. @throws when they did */
  readonly isWell?: () => Promise<void>;
  /** another site file than the scenario's own; undefined: its own */
  readonly site?: (scenario: Scenario) => SiteName | undefined;
  /** another way to come to the end of a purge than to let it run. @returns how its last process ended */
  readonly purge?: (argv: readonly string[], site: string) => Promise<Ended>;
}

export function describeScenarios(lab: Lab, scenarios: readonly Scenario[], company: Company): void {
  const stamp = Date.now().toString(36);
  /** At once: where a scenario takes ten minutes, what became of the first ones must not wait for the last. */
  const tell = ({ name }: Scenario, what: string): void =>
    void process.stdout.write(`${name.padEnd(24)} ${what}\n`);

  /** Victim and twin healthy; Nova deletes the twin; the victim is broken. */
  async function play(scenario: Scenario): Promise<Played> {
    const victim = await scenario.make(lab, `vm-a-victim-${scenario.name}-${stamp}`);
    const twin = await scenario.make(lab, `vm-a-twin-${scenario.name}-${stamp}`);
    const whole = await takeStill(lab);
    await scenario.novaDelete(lab, twin);
    const twinGone = await takeStill(lab);
    await scenario.break(lab, victim);
    return { victim, twin, whole, twinGone, broken: await takeStill(lab) };
  }

  describe.each(scenarios)('$name', (scenario) => {
    const site = siteFile(company.site?.(scenario) ?? scenario.site ?? 'expunge');
    const decisions = scenario.decisions ?? [];
    let played: Played;

    const ask = (command: string, ...more: string[]) =>
      expunge([command, played.victim.id, ...more, ...decisions], { site });

    beforeAll(async () => {
      await company.isWell?.();
      played = await play(scenario);
    });

    afterAll(async () => {
      await scenario.mend(lab);
    });

    test('looking changes nothing', async () => {
      const inspected = await ask('inspect');
      const planned = await ask('plan', '--commands');
      expect(inspected, inspected.out + inspected.err).toMatchObject({ exit: 0, err: '' });
      expect(planned, planned.out + planned.err).toMatchObject({ exit: 0, err: '' });
      const verified = await ask('verify');
      expect(verified.exit).toBe(scenario.outcome === 'already-clean' ? 0 : 1);
      expect(diffSnapshots(played.broken, await takeSnapshot(lab))).toEqual([]);
    });

    test('purge leaves what Nova leaves, touches no neighbour, and verify is clean', async () => {
      let { difference, purged, seconds } = await purgeAndCompare(scenario, played, site);
      if (difference !== null) {
        // What comes from expunge comes again, what the services of the cloud did at a bad moment does not; both plays are told.
        tell(scenario, `PLAYED AGAIN, the first play differed: ${difference}`);
        await scenario.mend(lab);
        played = await play(scenario);
        ({ difference, purged, seconds } = await purgeAndCompare(scenario, played, site));
      }
      expect(difference).toBeNull();

      const neighbours = company.neighbours();
      const theirs = (of: Snapshot) => neighbourView(of, neighbours, [played.victim, played.twin]);
      expect(theirs(purged)).toEqual(theirs(played.whole));
      await company.isWell?.();
      const purgeAgain = (when: string) => takeGivenBack(scenario, played.victim, site, when);
      let verified = await ask('verify');
      if (verified.exit === 1 && GIVEN_BACK.verify.test(verified.out)) {
        await purgeAgain('after the purge');
        verified = await ask('verify');
      }
      expect(verified, verified.out).toMatchObject({ exit: 0 });
      let again = await ask('purge', '--yes');
      if (GIVEN_BACK.purge.test(again.out)) again = await purgeAgain('after verify');
      expect(again.exit).toBe(0);
      expect(again.out).toContain('Nothing is left.');
      expect(diffSnapshots(purged, await takeSnapshot(lab))).toEqual([]);
      tell(scenario, `delta equal to Nova's  neighbours untouched  verify clean  ${seconds.toFixed(2)} s`);
    });
  });

  const purgeArgv = ({ decisions = [] }: Scenario, victim: LabServer): readonly string[] => [
    'purge',
    victim.id,
    '--yes',
    ...decisions,
  ];

  /** What the bus gave back the next purge takes out; that there was one is told. */
  async function takeGivenBack(
    scenario: Scenario,
    victim: LabServer,
    site: string,
    when: string,
  ): Promise<Ended> {
    tell(scenario, `the bus gave a request back ${when}: purged again`);
    const taken = await expunge(purgeArgv(scenario, victim), { site });
    expect(taken, taken.out + taken.err).toMatchObject({ exit: 0 });
    return taken;
  }

  /** What of the two deltas differs, as text with the whole rows behind it; null when they are equal. */
  async function purgeAndCompare(
    scenario: Scenario,
    { victim, twin, whole, twinGone }: Played,
    site: string,
  ): Promise<{ difference: string | null; purged: Snapshot; seconds: number }> {
    const argv = purgeArgv(scenario, victim);
    const ended = await (company.purge?.(argv, site) ?? expunge(argv, { site }));
    if (ended.exit === 1 && GIVEN_BACK.verify.test(ended.out)) {
      await takeGivenBack(scenario, victim, site, 'during the purge');
    } else expect(ended, ended.out + ended.err).toMatchObject({ exit: 0 });
    await settle(lab);
    const purged = await takeStill(lab);
    const deletedByNova = completeNeutronDeletes(diffSnapshots(whole, twinGone), twinGone);
    const novas = deletedByNova.changes;
    const victims = diffSnapshots(twinGone, purged);
    // What expunge deletes it must delete whole; this victim was deleted by Nova too.
    const deletedTwice =
      scenario.outcome === 'already-clean'
        ? completeNeutronDeletes(victims, purged)
        : { changes: victims, forgotten: [] };
    const ours = deletedTwice.changes;
    const forgotten = [...deletedByNova.forgotten, ...deletedTwice.forgotten];
    if (forgotten.length > 0)
      tell(
        scenario,
        `Neutron forgot rows of its own in Nova's delete: standardattributes ${forgotten.join(', ')}`,
      );
    const { missing, extra } = compareDeltas(
      canonicalise(novas, findRoles(whole, twin)),
      canonicalise(ours, findRoles(whole, victim)),
      scenario.beyondNova,
    );
    if (missing.length + extra.length === 0) return { difference: null, purged, seconds: ended.seconds };
    const attributes = [novas, ours].map((changes) =>
      changes.filter(({ place }) => /neutron\.(ports|standardattributes)$/.test(place)),
    );
    const difference = JSON.stringify({ missing, extra, nova: attributes[0], ours: attributes[1] });
    return { difference, purged, seconds: ended.seconds };
  }
}
