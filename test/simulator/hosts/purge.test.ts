/** What expunge really asks and does on hosts, through its own doors: all of it is understood, and has its effect. */
import { describe, expect, test } from 'vitest';
import { domain } from '../../../src/kinds/domain/index.ts';
import { virsh } from '../../../src/kinds/domain/virsh.ts';
import { files } from '../../../src/kinds/files/index.ts';
import { interfaces } from '../../../src/kinds/interfaces/index.ts';
import type { Subject } from '../../../src/kinds/subject/subject.ts';
import { orderSteps } from '../../../src/plan/order.ts';
import type { Step } from '../../../src/plan/types.ts';
import { diagnose } from '../../../src/run/diagnose.ts';
import { openSimulatedHost } from '../../../src/simulator/hosts/transport.ts';
import type { World } from '../../../src/simulator/world.ts';
import type { Site } from '../../../src/site/connect.ts';
import { domainXml, NAME, NEIGHBOUR, PORT, SERVER } from '../../kinds/domain-samples.ts';
import { fakeReader } from '../../support/fake-reader.ts';
import { hostAccess } from '../../support/host-access.ts';
import { count, hostsWorld, insert, plugServer, siteOf, switchPort } from '../../support/hosts-world.ts';
import { decisions, subject } from '../../support/subjects.ts';

const NEIGHBOURS_PORT = '0faeac36-448c-4a00-a71e-f3f81f979d44';
const NEUTRON = fakeReader({
  http: {
    [`network /v2.0/ports?device_id=${SERVER}`]: {
      body: { ports: [{ id: PORT, 'binding:vif_type': 'ovs' }] },
    },
  },
}).http;
const ON_HOSTS = [domain, interfaces, files];

/** One server of two on a host, as it is in some state. */
async function worldWith(change: string, native = false): Promise<World> {
  const world = await hostsWorld('compute1');
  switchPort(world, 'compute1', 'br-int');
  const tap = `<target dev='tap${PORT.slice(0, 11)}'/>`;
  // As nova 26 has it: os-vif makes the port, libvirt only the tap.
  const byOsVif = `    <interface type='ethernet'>\n      ${tap}\n    </interface>`;
  const xml = domainXml(native ? { interfaces: byOsVif } : {});
  plugServer(world, { uuid: SERVER, name: NAME, port: PORT, xml, native });
  const neighbour = { uuid: NEIGHBOUR, name: 'instance-0000002b', port: NEIGHBOURS_PORT };
  const neighbourXml = domainXml({ ...neighbour, interfaces: '' })
    .replaceAll(SERVER, NEIGHBOUR)
    .replaceAll(PORT, NEIGHBOURS_PORT);
  plugServer(world, { ...neighbour, xml: neighbourXml, native });
  world.machines.exec(change);
  return world;
}

async function stepsFor(site: Site, of: Subject): Promise<Step[]> {
  const reader = { ...site.reader.fresh(), http: NEUTRON };
  const plans = await Promise.all(
    ON_HOSTS.map(async ({ id, find, plan }) => {
      const { facts, unknown } = await find(reader, of);
      expect(unknown).toEqual([]);
      const { steps, refusals } = plan(facts as never, of, decisions());
      expect(refusals).toEqual([]);
      return steps.map((step) => ({ kind: id, ...step }));
    }),
  );
  return orderSteps(plans.flat());
}

/** Every argv that a step can send, whether or not it would today. */
function argvsOf({ act, guards, settled, before }: Step): (readonly string[])[] {
  const acts = act.door === 'command' ? [act.argv, ...(act.otherwise ?? [])] : [];
  const looks = [...guards.map(({ check }) => check), settled, ...before];
  return [...acts, ...looks.flatMap((look) => (look.door === 'command' ? [look.argv] : []))];
}

const STATES: readonly [state: string, change: string, native: boolean, acts: readonly string[]][] = [
  ['it runs', '', false, ['destroy', 'link', 'del-port', 'link', 'rm', 'undefine']],
  [
    'it is transient, and snapshots and NVRAM are in the way',
    `UPDATE domains SET persistent = 0, snapshots = 1, nvram = 1 WHERE uuid = '${SERVER}'`,
    false,
    ['destroy', 'link', 'del-port', 'link', 'rm'],
  ],
  [
    'it is shut off, with a saved state, and its tap is left',
    `UPDATE domains SET state = 'shut off', running_id = NULL, managed_save = 1, snapshots = 2, nvram = 1 WHERE uuid = '${SERVER}'`,
    false,
    ['link', 'del-port', 'link', 'link', 'rm', 'undefine'],
  ],
  [
    'its domain is gone',
    `DELETE FROM domains WHERE uuid = '${SERVER}'`,
    false,
    ['link', 'del-port', 'link', 'link', 'rm'],
  ],
  ['it is plugged natively, and runs', '', true, ['destroy', 'del-port', 'rm', 'undefine']],
  [
    'it was plugged natively before a crash',
    `DELETE FROM links; UPDATE domains SET state = 'shut off', running_id = NULL WHERE uuid = '${SERVER}'`,
    true,
    ['del-port', 'rm', 'undefine'],
  ],
];

describe.each(STATES)('%s', (_, change, native, acts) => {
  test('every argv is understood', async () => {
    const world = await worldWith(change, native);
    const host = openSimulatedHost(world, hostAccess(), () => {});
    for (const argv of (await stepsFor(siteOf(world), subject())).flatMap((step) => argvsOf(step)))
      await expect(host.run(argv, 1000), argv.join(' ')).resolves.toHaveProperty('exit');
  });
  test('what is planned can be done, and then nothing is left but the neighbour', async () => {
    const world = await worldWith(change, native);
    const site = siteOf(world);
    const neighbours = () =>
      ['domains', 'links', 'switch_ports', 'files'].map((table) =>
        world.machines.prepare(`SELECT * FROM ${table} ORDER BY rowid`).all(),
      );
    const steps = await stepsFor(site, subject());
    const done: string[] = [];
    for (const step of steps) {
      const look = site.reader.fresh();
      if (await look.holds(step.settled)) continue;
      for (const { must, check } of step.guards) expect(await look.holds(check), must).toBe(true);
      for (const image of step.before) expect(await look.image(image)).toHaveProperty('exit', 0);
      await site.openWriter().perform(step.act);
      expect(await site.reader.fresh().holds(step.settled), step.id).toBe(true);
      done.push(step.id);
    }
    expect(verbs(steps)).toEqual(acts);
    expect(done.length).toBeGreaterThan(0);
    expect(await stepsFor(site, subject())).toEqual([]);
    const ours = JSON.stringify(neighbours());
    expect(ours).not.toContain(SERVER);
    expect(ours).not.toContain(PORT.slice(0, 11));
    expect(count(world, 'domains', `uuid = '${NEIGHBOUR}'`)).toBe(1);
    expect(count(world, 'files', `path LIKE '%${NEIGHBOUR}%'`)).toBe(2);
    expect(count(world, 'switch_ports')).toBe(2);
  });
});

/** The word of each act that says what it does. */
function verbs(steps: readonly Step[]): string[] {
  const known = ['destroy', 'undefine', 'link', 'del-port', 'rm'];
  return steps.map(({ act }) =>
    act.door === 'command' ? (act.argv.find((word) => known.includes(word)) ?? '?') : act.door,
  );
}

test('a device whose port nobody knows by its id is understood too', async () => {
  const world =
    await worldWith(`DELETE FROM domains; UPDATE switch_ports SET external_ids = '{"vm-uuid":"${SERVER}"}'
    WHERE external_ids LIKE '%${SERVER}%'`);
  const reader = { ...siteOf(world).reader, http: { ...NEUTRON, list: async () => [] } };
  const { facts } = await interfaces.find(reader, subject());
  const { steps } = interfaces.plan(facts, subject(), decisions());
  const host = openSimulatedHost(world, hostAccess(), () => {});
  const argvs = steps
    .map((step) => ({ kind: 'interfaces', ...step, needs: [] }))
    .flatMap((step) => argvsOf(step));
  expect(argvs.filter((argv) => argv.at(-1) === 'external_ids:vm-id').length).toBeGreaterThan(0);
  for (const argv of argvs) await expect(host.run(argv, 1000)).resolves.toHaveProperty('exit');
});

test('the words for a virsh that lists either uuids or names are understood', async () => {
  const world = await worldWith('');
  const host = openSimulatedHost(world, hostAccess(), () => {});
  const ask = async (...words: string[]) => (await host.run(virsh(...words), 1000)).out;
  expect(await ask('list', '--all', '--uuid')).toBe(`${SERVER}\n${NEIGHBOUR}\n\n`);
  expect(await ask('list', '--all', '--name')).toBe(`${NAME}\ninstance-0000002b\n\n`);
  expect(await ask('domuuid', NAME)).toBe(`${SERVER}\n\n`);
});

test('doctor finds a host in order, and says what is not', async () => {
  const world = await worldWith('');
  insert(world, 'hosts', { name: 'compute2', instances: '/elsewhere', identities: '[]', libvirt: 'down' });
  world.machines.exec("UPDATE hosts SET openvswitch = 'absent' WHERE name = 'compute2'");
  const findings = await diagnose(siteOf(world), String);
  const told = findings
    .filter(({ place }) => place.startsWith('host '))
    .map(({ ok, says }) => `${ok} ${says}`);
  expect(told).toEqual([
    'true reached as root',
    'true virsh answers',
    'true /var/lib/nova/instances is there',
    'true ovs-vsctl answers',
    'true reached as root',
    expect.stringMatching(/^false .*virsh version ended with 1: .*Connection refused$/),
    expect.stringMatching(/^false .*is not a folder there$/),
    'true none on this host',
  ]);
});
