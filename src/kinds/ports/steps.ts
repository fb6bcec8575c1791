/** What is asked of Neutron's API for one port. */
import type { DraftStep, Step } from '../../plan/types.ts';
import type { Subject } from '../subject/subject.ts';
import { capital } from '../words.ts';
import type { Fate } from './fate.ts';
import type { Port, Trunk } from './port.ts';
import { unbindBody } from './release.ts';

export const PLACE = 'Neutron';

/** `port 1d4f… "web" 10.0.0.5` */
export function describe({ id, name, addresses }: Port): string {
  return ['port', id, ...(name === '' ? [] : [JSON.stringify(name)]), ...addresses].join(' ');
}

const read = (path: string) => ({ door: 'http' as const, service: 'network' as const, path });

export function portIsOurs(id: string, uuid: string): Step['guards'][number] {
  return {
    must: `port ${id} is still this server's`,
    check: { ...read(`/v2.0/ports/${id}`), status: [200], at: { keys: ['port', 'device_id'], equals: uuid } },
  };
}

/** What every step on a port has. */
function ofPort(port: Port, subject: Subject) {
  const path = `/v2.0/ports/${port.id}`;
  return {
    phase: 'ports' as const,
    place: PLACE,
    guards: [portIsOurs(port.id, subject.uuid)],
    before: [read(path)],
  };
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
function waitForAgent({ status, host }: Port, path: string, subject: Subject): Pick<DraftStep, 'lull'> {
  if (status !== 'ACTIVE' || !isWatched(host, subject)) return {};
  return {
    lull: {
      why: 'Neutron is to hear first that the interface is gone. When it hears that during the delete, it forgets a row of the port.',
      while: {
        ...read(path),
        status: [200],
        at: { keys: ['port', 'status'], equals: 'ACTIVE' },
      },
      seconds: NOTICED_WITHIN_S,
    },
  };
}

/** Whether an agent may be about to report: not of a port without a binding, and not from a host that is off. */
function isWatched(host: Port['host'], subject: Subject): boolean {
  if (host === null || host === '') return false;
  return subject.hosts.every(({ name, fenced }) => name !== host || fenced === undefined);
}

/** What an operator can do about a port that the API does not let go of. */
function past({ id }: Port): string {
  return `where Neutron cannot do it, --surgery mends a binding that is lost, and --port-surgery ${id} changes its rows`;
}

/** neutron 24 `conf/policies/port.py`: `update_port:binding:profile` is for services alone. */
const AS_A_SERVICE =
  'from 2024.1 on Neutron takes binding:profile, which names a device here, only from an account with the role service';

export function deleteStep(port: Port, fate: Fate, subject: Subject): DraftStep {
  const path = `/v2.0/ports/${port.id}`;
  return {
    ...ofPort(port, subject),
    id: `ports/${port.id}/delete`,
    title: `delete ${describe(port)}`,
    why: `${capital(fate.why)}: it holds an address and the project's quota.`,
    act: { ...read(path), method: 'DELETE', status: [204, 404] },
    ...waitForAgent(port, path, subject),
    settled: { ...read(path), status: [404] },
    // Neutron deletes before it answers: a port that is still there after that stays.
    patience: 5,
    ifItFails: past(port),
    undo: 'recreate',
  };
}

export function unbindStep(port: Port, fate: Fate, subject: Subject): DraftStep {
  const path = `/v2.0/ports/${port.id}`;
  const body = unbindBody(port, subject.era);
  return {
    ...ofPort(port, subject),
    id: `ports/${port.id}/unbind`,
    title: `unbind ${describe(port)}`,
    why: `${capital(fate.why)}. While it names a server that is gone, nobody can use it.`,
    act: { ...read(path), method: 'PUT', body, status: [200] },
    settled: { ...read(path), status: [200], at: { keys: ['port', 'device_id'], equals: '' } },
    ifItFails: 'binding:profile' in body.port ? `${AS_A_SERVICE}; ${past(port)}` : past(port),
    undo: 'before-image',
  };
}

/**
 * The port stays this server's, so that a run that breaks off here is found again. The driver for Open vSwitch gives up no trunk
 * whose parent is bound (neutron 21 `services/trunk/rules.py:can_be_trunked_or_untrunked`, `drivers/base.py`).
 */
export function releaseHostStep(port: Port, trunk: Trunk, subject: Subject): DraftStep {
  const path = `/v2.0/ports/${port.id}`;
  return {
    ...ofPort(port, subject),
    id: `ports/${port.id}/release-host`,
    title: `take ${describe(port)} off its host`,
    why: `Neutron does not delete trunk ${trunk.id} while its parent is bound to a host.`,
    act: { ...read(path), method: 'PUT', body: { port: { 'binding:host_id': '' } }, status: [200] },
    settled: { ...read(path), status: [200], at: { keys: ['port', 'binding:host_id'], equals: '' } },
    undo: 'before-image',
  };
}

export function trunkStep(port: Port, { id, subports }: Trunk): DraftStep {
  const path = `/v2.0/trunks/${id}`;
  const staying =
    subports.length === 0
      ? 'it has no subports'
      : `its subports stay, without a way in: ${subports.join(', ')}`;
  return {
    id: `ports/trunk/${id}/delete`,
    phase: 'ports',
    place: PLACE,
    title: `delete trunk ${id}`,
    why: `Asked for by --delete-trunk: Neutron deletes no port that is a trunk's parent; ${staying}.`,
    act: { ...read(path), method: 'DELETE', status: [204, 404] },
    guards: [
      {
        must: `trunk ${id} is still that of port ${port.id}`,
        check: { ...read(path), status: [200], at: { keys: ['trunk', 'port_id'], equals: port.id } },
      },
    ],
    settled: { ...read(path), status: [404] },
    before: [read(path)],
    undo: 'recreate',
  };
}
