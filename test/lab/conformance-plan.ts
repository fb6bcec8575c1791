/** A plan as sorted lines in which identities, places and times are replaced by what they are. */
import { replaceIdentities } from '../../lab/delta/canonicalise.ts';
import type { Roles } from '../../lab/delta/roles.ts';
import type { Plan } from '../../src/plan/types.ts';

/**
 * What differs between two clouds by nature: which they are, when the plan was made, and so its digest. And what led to the places: how
 * far Nova has emptied `network_info` of a server that it deleted is a matter of moments, and what follows from it is in the steps.
 */
const BY_NATURE: ReadonlySet<string> = new Set(['tool', 'site', 'madeAt', 'digest', 'format', 'traces']);

/**
 * One line for each step's fields, each remain, each refusal and so on. Lists whose order follows from uuids are sorted; the order
 * of a step's guards and statements stays.
 */
export function canonicalisePlan(plan: Plan, roles: Roles): readonly string[] {
  const name = (value: unknown): string => nameAll(JSON.stringify(value), roles);
  const { steps, ...rest } = plan;
  const lines = Object.entries(rest)
    .filter(([key]) => !BY_NATURE.has(key))
    .flatMap(([key, value]) =>
      Array.isArray(value) ? value.map((each) => `${key} ${name(each)}`) : [`${key} ${name(value)}`],
    );
  for (const { id, needs, guards, ...step } of steps) {
    const of = `step ${nameAll(id, roles)}`;
    lines.push(
      `${of} needs ${needs
        .map((need) => nameAll(need, roles))
        .sort()
        .join(' ')}`,
    );
    for (const [at, guard] of guards.entries()) lines.push(`${of} guard ${at} ${name(guard)}`);
    for (const [key, value] of Object.entries(step).sort()) lines.push(`${of} ${key} ${name(value)}`);
  }
  return lines.sort();
}

function nameAll(text: string, roles: Roles): string {
  return (
    replaceIdentities(text, roles)
      // Numbers that a database counted up.
      .replace(/("column":"(?:(?:\w+_)?id|report_count)","is":"=","value":)\d+/g, '$1"<n>"')
      // Nova marks a row as deleted with its own number.
      .replace(/("column":"deleted","is":"=","value":)[1-9]\d*/g, '$1"<own id>"')
      .replace(/\b(row |migration |build request |build-request\/)\d+\b/g, '$1<n>')
  );
}

/** The agent counts up the tags of its host's networks; 4095 is the one of a port that is shut. */
export function nameTags(line: string): string {
  return line.replace(/\btag=(?!4095\b)\d+/, 'tag=<network>');
}
