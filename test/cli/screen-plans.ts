/** A server that was being shelved when its nova-compute died, as a real cloud showed it: what is left, what is kept, what would be done. */
import type { Plan } from '../../src/plan/types.ts';
import { plan, step } from '../support/plans.ts';

export const WEB = '3cae0016-81f7-4fc9-846b-b71c3b54d865';
const PORT = '08dbeb46-a8e5-4c9b-afcd-76872c767478';
const OWN_PORT = 'cc5cfee7-0eea-4923-b278-255972ffb5cc';
const IMAGE = '94a54a92-9477-4c24-b408-ee6bf18162b6';
const FOLDER = `/var/lib/nova/instances/${WEB}`;
const HOST = 'host compute1';

const server: Plan['server'] = {
  uuid: WEB,
  name: 'web-7',
  project: '9c0be856696d47de8117146031790d82',
  cell: 'cell1',
  state: 'active, shelving, last changed 2026-11-22 10:51:08 UTC',
  hosts: ['compute1'],
};

const remains: Plan['remains'] = [
  { kind: 'domain', place: HOST, what: 'domain instance-00000007, running' },
  {
    kind: 'interfaces',
    place: HOST,
    what: `interface of port ${PORT}: qvo08dbeb46-a8 in br-int, bridge qbr08dbeb46-a8, device qvb08dbeb46-a8`,
  },
  { kind: 'files', place: HOST, what: `folder ${FOLDER}` },
  { kind: 'ports', place: 'Neutron', what: `port ${PORT} 10.9.0.101` },
  { kind: 'ports', place: 'Neutron', what: `port ${OWN_PORT} "pre-web-7" 10.9.1.66` },
  {
    kind: 'shelve-snapshot',
    place: 'Glance',
    what: `shelve snapshot: image ${IMAGE} "web-7-shelved", queued`,
  },
  {
    kind: 'rows',
    place: 'database of cell1',
    what: 'live row in instances: active, shelving',
  },
  { kind: 'rows', place: 'database of cell1', what: '24 rows of the server in 9 other tables' },
  { kind: 'mapping', place: 'database nova_api', what: 'mapping to its cell, not marked as deleted' },
];

const kept: Plan['kept'] = [
  {
    kind: 'ports',
    place: 'Neutron',
    what: `port ${OWN_PORT} "pre-web-7" 10.9.1.66`,
    why: 'made before the server and given to it: Nova unbinds such a port',
  },
];

const steps: Plan['steps'] = [
  step('domain/stop', { kind: 'domain', place: HOST, title: 'stop domain instance-00000007' }),
  step('interfaces/1', { kind: 'interfaces', place: HOST, title: 'delete bridge qbr08dbeb46-a8' }),
  step('interfaces/2', { kind: 'interfaces', place: HOST, title: 'take qvo08dbeb46-a8 out of br-int' }),
  step('files/1', { kind: 'files', place: HOST, title: `remove ${FOLDER}`, needs: ['domain/stop'] }),
  step('domain/undefine', { kind: 'domain', place: HOST, title: 'undefine domain instance-00000007' }),
  step('ports/1', { kind: 'ports', place: 'Neutron', title: `delete port ${PORT} 10.9.0.101` }),
  step('ports/2', {
    kind: 'ports',
    place: 'Neutron',
    title: `unbind port ${OWN_PORT} "pre-web-7" 10.9.1.66`,
  }),
  step('images/1', {
    kind: 'shelve-snapshot',
    place: 'Glance',
    title: `delete image ${IMAGE} "web-7-shelved"`,
  }),
  step('allocations/1', {
    kind: 'allocations',
    place: 'Placement',
    title: 'release 1 DISK_GB, 64 MEMORY_MB, 1 VCPU of the server',
  }),
  step('rows/1', {
    kind: 'rows',
    place: 'database of cell1',
    title: "delete the server's rows as Nova does (11 statements, one transaction)",
    needs: ['files/1'],
  }),
];

export const stuck = plan({ server, remains, kept, steps });

export const clean = plan({ server: { ...server, state: 'deleted 2026-11-22 10:51:12 UTC' }, kept });

export const refused = plan({
  server: { ...server, state: 'active' },
  remains,
  refusals: [
    {
      kind: 'fence',
      code: 'server-healthy',
      sentence:
        'It is active with no task and nova-compute on compute1 is up: Nova can delete it (openstack server delete).',
      flag: 'even-healthy',
    },
    {
      kind: 'files',
      code: 'folder-is-link',
      sentence: `${FOLDER} on compute1 is a link to /srv/disks: what it leads to may be another server's`,
      flag: null,
    },
  ],
  steps,
});

export const blind = plan({
  server,
  remains: remains.slice(3),
  unknown: ['domain', 'interfaces', 'files'].map((kind) => ({
    kind,
    place: HOST,
    why: 'ssh: connect to host compute1 port 22: Connection timed out (is the host up?)',
  })),
  steps: steps.slice(5),
});
