/** The last lines of a screen: what to do next. */
import { basename } from 'node:path';
import type { Plan } from '../../plan/types.ts';
import { sayFenced } from '../not-appliable.ts';
import { wrap } from './lines.ts';
import { plain } from './plain.ts';
import { shellWord } from './shell-word.ts';
import { block, LONG } from './survey.ts';

/**
 * Commands that can be copied, each whole on a line of its own. What would be refused is not offered: what stands in its way is
 * named instead. Empty when there is nothing to do.
 *
 * @param site as it was given with `--site`; it is said again
 * @param blocking the folder of a run that has to be gone on with, or given up, first
 */
export function renderNext(
  plan: Plan,
  columns: number,
  site: string | undefined,
  commands: readonly ('plan' | 'purge')[],
  blocking: string | null = null,
): string {
  if (blocking !== null) return nextOf(blocking, columns, site);
  const { unknown, refusals, steps, deferred } = plan;
  const fenced = sayFenced(plan);
  if (unknown.length > 0)
    return block([
      ...wrap('Nothing can be purged until every place can be looked at.', columns, ''),
      ...(fenced === undefined ? [] : wrap(plain(`Or, ${fenced}.`, LONG), columns, '')),
      `Next: ${['expunge', 'doctor', ...siteWords(site)].join(' ')}`,
    ]);
  if (refusals.length > 0) {
    const lift = refusals.every(({ flag }) => flag !== null) ? ', or lifted by its flag' : '';
    return block(wrap(`Nothing can be purged until what refuses it is settled${lift}.`, columns, ''));
  }
  if (steps.length === 0 && deferred === undefined) return '';
  return block(commands.map((name, i) => `${i === 0 ? 'Next: ' : '  or: '}${commandFor(name, plan, site)}`));
}

/** Both ways on from a run that is not over. */
function nextOf(run: string, columns: number, site: string | undefined): string {
  return block([
    ...wrap('A run on this server is not over. It is gone on with, or given up:', columns, ''),
    `Next: ${resumeCommand(run, site)}`,
    `  or: ${abandonCommand(run, site)}`,
  ]);
}

/** Says again what was decided, so that the next command looks at the same. */
export function commandFor(
  name: 'plan' | 'purge' | 'verify',
  { server, decisions }: Plan,
  site: string | undefined,
): string {
  return [
    'expunge',
    name,
    shellWord(server.uuid),
    ...(decisions.ports === 'as-nova' ? [] : ['--ports', decisions.ports]),
    ...(decisions.allHosts ? ['--all-hosts'] : []),
    ...volumeWords(decisions.volumes),
    ...(decisions.detach === undefined ? [] : ['--detach', decisions.detach]),
    ...(decisions.surgery ? ['--surgery'] : []),
    ...(decisions.portSurgery ?? []).flatMap((port) => ['--port-surgery', shellWord(port)]),
    ...(decisions.fenced ?? []).flatMap((host) => ['--fenced', shellWord(host)]),
    ...decisions.lift.map((flag) => `--${shellWord(flag)}`),
    ...siteWords(site),
  ].join(' ');
}

function volumeWords(volumes: Plan['decisions']['volumes']): string[] {
  if (volumes === undefined) return [];
  const named = Object.entries(volumes.named).map(([id, fate]) => `${id}=${fate}`);
  return ['--volumes', [...(volumes.rest === undefined ? [] : [volumes.rest]), ...named].join(',')];
}

/** As it was given with `--site`, to be said again. */
export function siteWords(site: string | undefined): string[] {
  return site === undefined ? [] : ['--site', shellWord(site)];
}

/** @param run the folder of a run */
export function abandonCommand(run: string, site: string | undefined): string {
  return ['expunge', 'abandon', shellWord(basename(run)), ...siteWords(site)].join(' ');
}

/** @param run the folder of a run */
export function resumeCommand(run: string, site: string | undefined): string {
  return ['expunge', 'resume', shellWord(basename(run)), ...siteWords(site)].join(' ');
}
