import { canonicalise, diffSnapshots, findRoles, neighbourView, takeSnapshot } from './delta.ts';
import { createNeighbours } from './neighbours.ts';
import { openLab } from './paths.ts';
import { scenarios } from './scenarios/index.ts';
import { giveUp } from './servers.ts';

/** Plays a scenario without expunge, to see by hand what Nova's delete does and what the victim leaves. */
async function main(words: readonly string[]): Promise<number> {
  const [name, ...options] = words;
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) {
    console.error(
      `usage: node lab/try-scenario.ts NAME [--keep]\nscenarios: ${scenarios.map((each) => each.name).join(' ')}`,
    );
    return 2;
  }
  const lab = openLab();
  const begun = Date.now();
  const say = (line: string): void =>
    console.log(`[${((Date.now() - begun) / 1000).toFixed(1).padStart(5)} s] ${line}`);
  const neighbours = await createNeighbours(lab);
  const stamp = Date.now().toString(36);
  const victim = await scenario.make(lab, `vm-a-victim-${stamp}`);
  say(`victim ${victim.name} ${victim.id}`);
  const twin = await scenario.make(lab, `vm-a-twin-${stamp}`);
  say(`twin ${twin.name} ${twin.id}`);
  const whole = await takeSnapshot(lab);
  await scenario.novaDelete(lab, twin);
  say('Nova has deleted the twin');
  const twinGone = await takeSnapshot(lab);
  await scenario.break(lab, victim);
  say('the victim is broken');
  const broken = await takeSnapshot(lab);
  const show = (title: string, lines: readonly string[]): void =>
    console.log(`\n${title}:\n${lines.join('\n')}`);
  show(
    "What Nova's delete of the twin did",
    canonicalise(diffSnapshots(whole, twinGone), findRoles(whole, twin)),
  );
  show('What the breakage did', canonicalise(diffSnapshots(twinGone, broken), findRoles(whole, victim)));
  const left = Object.keys(neighbourView(broken, [victim]));
  show(
    'What the victim still has',
    left.filter((line) => !line.startsWith('host.firewall')),
  );
  const before = neighbourView(whole, neighbours);
  const after = neighbourView(broken, neighbours);
  const touched = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => before[key] !== after[key],
  );
  show(
    'What changed about the neighbours',
    touched.map((key) => `${key}\n  ${before[key]}\n  ${after[key]}`),
  );
  if (!options.includes('--keep')) {
    await scenario.mend(lab);
    await giveUp(lab, victim);
  }
  say(options.includes('--keep') ? 'left broken' : 'mended');
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
