import type { Decisions, DraftStep, Kept, Refusal } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { decideFate, type Fate } from './fate.ts';
import type { PortFacts } from './find.ts';
import type { Port } from './port.ts';
import type { PortRows } from './read-rows.ts';
import { deleteStep, describe, PLACE, releaseHostStep, trunkStep, unbindStep } from './steps.ts';
import { deleteByRows, lacksBinding, mendBinding, refuseSurgery, unbindByRows } from './surgery.ts';

interface Judged {
  readonly port: Port;
  readonly rows: PortRows | undefined;
  readonly fate: Fate;
  /** its rows are changed instead of asking the API */
  readonly byRows: boolean;
  readonly refusals: readonly Omit<Refusal, 'kind'>[];
}

function judge(port: Port, facts: PortFacts, subject: Subject, decisions: Decisions): Judged {
  const fate = decideFate(port, subject, decisions);
  const rows = facts.rows?.get(port.id);
  const byRows = decisions.portSurgery?.includes(port.id) ?? false;
  const identity = refuse(port, fate);
  const blocked = byRows ? refuseSurgery(rows, fate, decisions.lift.includes('delete-trunk')) : null;
  const blind = !byRows && decisions.surgery === true && rows === undefined && port.host === null;
  return {
    port,
    rows,
    fate,
    byRows,
    refusals: [
      ...(identity === null ? [] : [identity]),
      ...(blocked === null ? [] : [notByRows(port, blocked)]),
      ...(blind
        ? [notByRows(port, 'databases.neutron is not in the site file, and its binding is to be mended')]
        : []),
    ],
  };
}

function notByRows(port: Port, why: string): Omit<Refusal, 'kind'> {
  return {
    code: 'port-surgery-blocked',
    sentence: `the rows of ${describe(port)} are not changed: ${why}`,
    flag: null,
  };
}

function refuse(port: Port, { act }: Fate): Omit<Refusal, 'kind'> | null {
  if (port.deviceOwner === 'trunk:subport')
    return {
      code: 'port-in-trunk',
      sentence: `${describe(port)} is a subport of a trunk: remove it from the trunk first`,
      flag: null,
    };
  // Neutron refuses to delete a trunk's parent; unbinding it is what Nova does to every server with a trunk.
  if (port.trunk !== null && act === 'delete') return refuseTrunk(port, port.trunk);
  // Nova makes a port with the server as device_id alone and sets the owner when it binds it, so an empty owner is Nova's too.
  if (port.deviceOwner !== '' && !port.deviceOwner.startsWith('compute:'))
    return {
      code: 'port-not-computes',
      sentence: `${describe(port)} names this server but belongs to ${JSON.stringify(port.deviceOwner)}, not to Nova`,
      flag: null,
    };
  return null;
}

function refuseTrunk(port: Port, trunk: NonNullable<Port['trunk']>): Omit<Refusal, 'kind'> {
  const what = `${describe(port)} is the parent of trunk ${trunk.id}`;
  // neutron 21 services/trunk/rules.py:trunk_can_be_managed
  if (!trunk.changeable)
    return {
      code: 'port-in-trunk',
      sentence: `${what}, which may not be changed: set its admin_state_up to true, or keep the port`,
      flag: null,
    };
  const subports =
    trunk.subports.length === 0 ? '' : `; its subports stay as ports: ${trunk.subports.join(', ')}`;
  return {
    code: 'port-in-trunk',
    sentence: `${what}, and goes only together with the trunk${subports}`,
    flag: 'delete-trunk',
  };
}

/** Nova unbinds before it deletes (nova 26 `network/neutron.py:deallocate_for_instance`). */
function stepsOf({ port, rows, fate, byRows }: Judged, subject: Subject, decisions: Decisions): DraftStep[] {
  if (byRows && rows !== undefined)
    return [(fate.act === 'delete' ? deleteByRows : unbindByRows)(port, describe(port), rows, subject)];
  const mend =
    decisions.surgery === true && rows !== undefined && lacksBinding(rows)
      ? [mendBinding(port, describe(port), rows, subject)]
      : [];
  if (fate.act === 'unbind') return chain([...mend, unbindStep(port, fate, subject)]);
  if (port.trunk === null) return chain([...mend, deleteStep(port, fate, subject)]);
  const bound = port.host !== null && port.host !== '';
  return chain([
    ...mend,
    ...(bound ? [releaseHostStep(port, port.trunk, subject)] : []),
    trunkStep(port, port.trunk),
    deleteStep(port, fate, subject),
  ]);
}

/** Each waits for the one before. */
function chain(steps: readonly DraftStep[]): DraftStep[] {
  return steps.map((step, i) => {
    const before = steps[i - 1];
    return before === undefined ? step : { ...step, needs: [...(step.needs ?? []), before.id] };
  });
}

function keep({ port, fate }: Judged): Omit<Kept, 'kind'>[] {
  const floating = port.floating.map((address) => ({
    place: PLACE,
    what: `floating address ${address}`,
    why:
      fate.act === 'delete'
        ? 'it is the project’s: it only lets go of the port'
        : `it still leads to port ${port.id}, which is kept`,
  }));
  const subports = (port.trunk?.subports ?? []).map((id) => ({
    place: PLACE,
    what: `port ${id}, a subport of trunk ${port.trunk?.id}`,
    why:
      fate.act === 'delete'
        ? 'the trunk goes, its subports stay as ports'
        : 'the trunk and its subports stay with their parent',
  }));
  if (fate.act === 'delete') return [...floating, ...subports];
  const kept = [{ place: PLACE, what: describe(port), why: fate.why }];
  if (port.dnsName && port.dnsDomain !== '')
    kept.push({
      place: PLACE,
      what: `dns_name ${JSON.stringify(port.dnsName)} of port ${port.id}`,
      why: `its record is in the owner's zone ${JSON.stringify(port.dnsDomain)}: only the owner's own credentials reset it`,
    });
  return [...kept, ...floating, ...subports];
}

/** Each port once: deleted when it is Nova's, unbound with Nova's own body when it is a user's or may be. */
export function planPorts(facts: PortFacts, subject: Subject, decisions: Decisions): KindPlan {
  const judged = facts.ports.map((port) => judge(port, facts, subject, decisions));
  const isLifted = ({ flag }: Omit<Refusal, 'kind'>) => flag !== null && decisions.lift.includes(flag);
  const taken = judged.filter(({ refusals }) => refusals.every(isLifted));
  const steps = (act: Fate['act']) =>
    taken.filter(({ fate }) => fate.act === act).flatMap((one) => stepsOf(one, subject, decisions));
  return {
    remains: facts.ports.map((port) => ({ place: PLACE, what: describe(port) })),
    refusals: judged.flatMap(({ refusals }) => refusals),
    kept: taken.flatMap(keep),
    steps: [...steps('unbind'), ...steps('delete')],
  };
}
