import type { Decisions, DraftStep, Kept, Refusal } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { decideFate, type Fate } from './fate.ts';
import type { PortFacts } from './find.ts';
import type { Port } from './port.ts';
import { unbindBody } from './release.ts';

const PLACE = 'Neutron';

/** `port 1d4f… "web" 10.0.0.5` */
function describe({ id, name, addresses }: Port): string {
  return ['port', id, ...(name === '' ? [] : [JSON.stringify(name)]), ...addresses].join(' ');
}

function refuse(port: Port, { act }: Fate): Omit<Refusal, 'kind'> | null {
  if (port.deviceOwner === 'trunk:subport')
    return {
      code: 'port-in-trunk',
      sentence: `${describe(port)} is a subport of a trunk: remove it from the trunk first`,
      flag: null,
    };
  // Neutron refuses to delete a trunk's parent; unbinding it is what Nova does to every server with a trunk.
  if (port.trunk && act === 'delete')
    return {
      code: 'port-in-trunk',
      sentence: `${describe(port)} is the parent of a trunk: delete the trunk first, or keep the port`,
      flag: null,
    };
  // Nova makes a port with the server as device_id alone and sets the owner when it binds it, so an empty owner is Nova's too.
  if (port.deviceOwner !== '' && !port.deviceOwner.startsWith('compute:'))
    return {
      code: 'port-not-computes',
      sentence: `${describe(port)} names this server but belongs to ${JSON.stringify(port.deviceOwner)}, not to Nova`,
      flag: null,
    };
  return null;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/**
 * Longer than a round of the network agent: it looks every two seconds by default (neutron 21
 * `conf/plugins/ml2/drivers/agent.py`, `polling_interval`), and on a busy machine a round takes longer.
 */
const NOTICED_WITHIN_S = 5;

/**
 * The agent's report that an interface is gone makes Neutron raise the port's `revision_number`. When that falls into the delete,
 * `neutron.standardattributes` keeps the port's row for ever: `ports` is deleted by id, this row by id and the number read before,
 * and that it was not there is not noticed (neutron-lib `db/standard_attr.py:StandardAttribute.__mapper_args__`, `version_id_col` with
 * `confirm_deleted_rows` False; neutron 21 `plugins/ml2/plugin.py:_update_individual_port_db_status`, `delete_port`).
 */
function waitForAgent({ status }: Port, path: string): Pick<DraftStep, 'lull'> {
  if (status !== 'ACTIVE') return {};
  return {
    lull: {
      why: 'Neutron is to hear first that the interface is gone. When it hears that during the delete, it forgets a row of the port.',
      while: {
        door: 'http',
        service: 'network',
        path,
        status: [200],
        at: { keys: ['port', 'status'], equals: 'ACTIVE' },
      },
      seconds: NOTICED_WITHIN_S,
    },
  };
}

function makeStep(port: Port, fate: Fate, subject: Subject): DraftStep {
  const path = `/v2.0/ports/${port.id}`;
  const common = {
    phase: 'ports' as const,
    place: PLACE,
    guards: [
      {
        must: `port ${port.id} is still this server's`,
        check: {
          door: 'http' as const,
          service: 'network' as const,
          path,
          status: [200],
          at: { keys: ['port', 'device_id'], equals: subject.uuid },
        },
      },
    ],
    before: [{ door: 'http' as const, service: 'network' as const, path }],
  };
  if (fate.act === 'delete')
    return {
      ...common,
      id: `ports/${port.id}/delete`,
      title: `delete ${describe(port)}`,
      why: `${sentence(fate.why)}: it holds an address and the project's quota.`,
      act: { door: 'http', service: 'network', method: 'DELETE', path, status: [204, 404] },
      ...waitForAgent(port, path),
      settled: { door: 'http', service: 'network', path, status: [404] },
      undo: 'recreate',
    };
  return {
    ...common,
    id: `ports/${port.id}/unbind`,
    title: `unbind ${describe(port)}`,
    why: `${sentence(fate.why)}. While it names a server that is gone, nobody can use it.`,
    act: {
      door: 'http',
      service: 'network',
      method: 'PUT',
      path,
      body: unbindBody(port, subject.era),
      status: [200],
    },
    settled: {
      door: 'http',
      service: 'network',
      path,
      status: [200],
      at: { keys: ['port', 'device_id'], equals: '' },
    },
    undo: 'before-image',
  };
}

function keep(port: Port, { act, why }: Fate): Omit<Kept, 'kind'>[] {
  if (act === 'delete') return [];
  const kept = [{ place: PLACE, what: describe(port), why }];
  if (port.dnsName && port.dnsDomain !== '')
    kept.push({
      place: PLACE,
      what: `dns_name ${JSON.stringify(port.dnsName)} of port ${port.id}`,
      why: `its record is in the owner's zone ${JSON.stringify(port.dnsDomain)}: only the owner's own credentials reset it`,
    });
  return kept;
}

/** Each port once: deleted when it is Nova's, unbound with Nova's own body when it is a user's or may be. */
export function planPorts(facts: PortFacts, subject: Subject, decisions: Decisions): KindPlan {
  const judged = facts.ports.map((port) => {
    const fate = decideFate(port, subject, decisions);
    return { port, fate, refusal: refuse(port, fate) };
  });
  const taken = judged.filter(({ refusal }) => refusal === null);
  return {
    remains: facts.ports.map((port) => ({ place: PLACE, what: describe(port) })),
    refusals: judged.flatMap(({ refusal }) => (refusal === null ? [] : [refusal])),
    kept: taken.flatMap(({ port, fate }) => keep(port, fate)),
    // Nova unbinds before it deletes (nova 26 network/neutron.py:deallocate_for_instance).
    steps: [
      ...taken.filter(({ fate }) => fate.act !== 'delete'),
      ...taken.filter(({ fate }) => fate.act === 'delete'),
    ].map(({ port, fate }) => makeStep(port, fate, subject)),
  };
}
