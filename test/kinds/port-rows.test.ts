/** What is done to a port's rows in Neutron's database, and when they are left alone. */
import { describe, expect, test } from 'vitest';
import { ports } from '../../src/kinds/ports/index.ts';
import type { Port } from '../../src/kinds/ports/port.ts';
import type { PortRows, RowSet } from '../../src/kinds/ports/read-rows.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import type { Decisions, DraftStep } from '../../src/plan/types.ts';
import { decisions, subject } from '../support/subjects.ts';
import { PORT, SECOND, SERVER, vif } from './ports-samples.ts';
import { sent } from './rows-samples.ts';

const the = (column: string, value: string | number) => ({ column, is: '=' as const, value });

function shown(changes: Partial<Port> = {}): Port {
  return {
    id: PORT,
    name: '',
    deviceOwner: 'compute:nova',
    status: 'DOWN',
    addresses: ['10.0.0.5'],
    createdAt: '2026-11-01 10:00:30',
    profile: {},
    trunk: null,
    host: 'compute1',
    floating: [],
    dnsName: null,
    dnsDomain: '',
    ...changes,
  };
}

const BINDINGS: RowSet = { table: 'ml2_port_bindings', where: [the('port_id', PORT)], rows: 1 };
const ITSELF: RowSet = { table: 'ports', where: [the('id', PORT)], rows: 1 };
const ATTRIBUTE: RowSet = { table: 'standardattributes', where: [the('id', 10)], rows: 1 };

function has(changes: Partial<PortRows> = {}): PortRows {
  return {
    isMl2: true,
    hasBindingStatus: true,
    bindings: [{ host: 'compute1', active: true, vnicType: 'normal', levels: 2 }],
    attribute: 10,
    doomed: [BINDINGS, ITSELF, ATTRIBUTE],
    trunk: [],
    floating: [],
    strangers: [],
    ovn: 0,
    quota: null,
    hasDnsName: false,
    ...changes,
  };
}

const BY_ROWS: Partial<Decisions> = { portSurgery: [PORT] };
const NOVAS = { vifs: [vif(false)] };
const USERS = { vifs: [vif(true)] };

function planFor(
  rows: PortRows | null,
  changes: Partial<Subject>,
  asked: Partial<Decisions>,
  port: Partial<Port> = {},
) {
  const facts = { ports: [shown(port)], rows: rows === null ? null : new Map([[PORT, rows]]) };
  return ports.plan(facts, subject({ uuid: SERVER, ...changes }), decisions(asked));
}

function onlyStep(plan: ReturnType<typeof planFor>): DraftStep {
  expect(plan.refusals).toEqual([]);
  const [step, ...others] = plan.steps;
  expect(others).toEqual([]);
  if (step === undefined) throw new Error('no step');
  return step;
}

function written({ act }: DraftStep): string[] {
  if (act.door !== 'sql') throw new Error('not on the sql door');
  expect(act.database).toBe('neutron');
  return sent(act.writes);
}

/** What is saved first: `table: column value` */
const saved = ({ before }: DraftStep) =>
  before.map((image) => {
    if (image.door !== 'sql') throw new Error('not on the sql door');
    const where = image.where.map((each) => `${each.column} ${'value' in each ? each.value : each.is}`);
    return `${image.table}: ${where.join(', ')}`;
  });

const isPort = (device: string) => ({
  door: 'sql',
  database: 'neutron',
  table: 'ports',
  where: [the('id', PORT), the('device_id', device)],
  count: 1,
});

describe('a port is deleted', () => {
  const remove = (changes: Partial<PortRows> = {}, asked: Partial<Decisions> = {}) =>
    onlyStep(planFor(has(changes), NOVAS, { ...BY_ROWS, ...asked }));

  const OWN = [
    `1: delete from ml2_port_bindings where port_id = "${PORT}"`,
    `1: delete from ports where id = "${PORT}"`,
    '1: delete from standardattributes where id = 10',
  ];
  const OWN_SAVED = ['standardattributes: id 10', `ports: id ${PORT}`, `ml2_port_bindings: port_id ${PORT}`];

  test('with its own rows, each saved first, as long as it is this server’s', () => {
    const step = remove();
    expect(step).toMatchObject({ id: `ports/${PORT}/delete-rows`, place: 'database neutron' });
    expect(written(step)).toEqual(OWN);
    expect(saved(step)).toEqual(OWN_SAVED);
    expect(step.guards.map(({ check }) => check)).toEqual([isPort(SERVER)]);
    expect(step.settled).toEqual({
      door: 'sql',
      database: 'neutron',
      table: 'ports',
      where: [the('id', PORT)],
      count: 0,
    });
    expect(step.undo).toBe('before-image');
  });

  test('and floating addresses let go of it, and are saved by their own ids', () => {
    const step = remove({
      floating: [
        { id: 'f1', attribute: 50 },
        { id: 'f2', attribute: 60 },
      ],
    });
    const revise = 'update standardattributes set revision_number = revision_number + 1, updated_at =';
    expect(written(step)).toEqual([
      `1: ${revise} utc_timestamp() where id = 50`,
      `1: ${revise} utc_timestamp() where id = 60`,
      `2: update floatingips set fixed_port_id = null, fixed_ip_address = null, router_id = null, status = "DOWN" where fixed_port_id = "${PORT}"`,
      ...OWN,
    ]);
    expect(saved(step)).toEqual([
      ...OWN_SAVED,
      'standardattributes: id 50',
      'standardattributes: id 60',
      'floatingips: id f1',
      'floatingips: id f2',
    ]);
  });

  test('up to Liberty without the standard attributes of either', () => {
    const [bindings = '', itself = ''] = OWN;
    const step = remove({
      attribute: null,
      doomed: [BINDINGS, ITSELF],
      floating: [{ id: 'f1', attribute: null }],
    });
    expect(written(step)).toEqual([
      expect.stringMatching(/^1: update floatingips set fixed_port_id = null/),
      bindings,
      itself,
    ]);
    expect(saved(step)).toEqual([...OWN_SAVED.slice(1), 'floatingips: id f1']);
  });

  test('after its trunk, when that is asked for', () => {
    const trunk: RowSet = { table: 'trunks', where: [the('id', 't')], rows: 1 };
    const step = remove({ trunk: [trunk] }, { lift: ['delete-trunk'] });
    expect(written(step)).toEqual(['1: delete from trunks where id = "t"', ...OWN]);
    expect(saved(step)).toEqual([...OWN_SAVED, 'trunks: id t']);
  });

  test('and a quota that counts in a table is counted anew: that has no undo', () => {
    const where = [the('resource', 'port'), the('project_id', 'p1'), the('dirty', 0)];
    const step = remove({ quota: { table: 'quotausages', where, rows: 2 } });
    expect(written(step)).toEqual([
      ...OWN,
      '2: update quotausages set dirty = 1 where resource = "port" and project_id = "p1" and dirty = 0',
    ]);
    expect(saved(step)).toEqual([...OWN_SAVED, 'quotausages: resource port, project_id p1, dirty 0']);
    expect(step.undo).toBe('never');
  });

  test('and what OVN keeps of it cannot be undone', () => {
    expect(remove({ ovn: 1 }).undo).toBe('never');
  });
});

describe('a port is unbound', () => {
  const unbind = (changes: Partial<PortRows> = {}, port: Partial<Port> = {}, era = {}) =>
    onlyStep(planFor(has(changes), { ...USERS, ...era }, BY_ROWS, port));

  const LET_GO = `1: update ports set device_id = "", device_owner = "", status = "DOWN" where id = "${PORT}" and device_id = "${SERVER}"`;
  const LEVELS = `2: delete from ml2_port_binding_levels where port_id = "${PORT}" and host = "compute1"`;
  const bound = (more = '') =>
    `1: update ml2_port_bindings set host = "", vif_type = "unbound", vif_details = ""${more} where port_id = "${PORT}" and host = "compute1"`;
  const REVISED =
    '1: update standardattributes set revision_number = revision_number + 1, updated_at = utc_timestamp() where id = 10';
  const inserted = (vnic: string) =>
    `1: insert into ml2_port_bindings (port_id, host, vif_type, vnic_type, profile, vif_details, status) values ("${PORT}", "", "unbound", "${vnic}", "", "", "ACTIVE")`;

  test('in its rows, each saved first, as long as it is this server’s', () => {
    const step = unbind();
    expect(step).toMatchObject({ id: `ports/${PORT}/unbind-rows`, place: 'database neutron' });
    expect(written(step)).toEqual([LET_GO, LEVELS, bound(), REVISED]);
    expect(saved(step)).toEqual([
      `ports: id ${PORT}`,
      `ml2_port_binding_levels: port_id ${PORT}`,
      `ml2_port_bindings: port_id ${PORT}`,
      'standardattributes: id 10',
    ]);
    expect(step.guards.map(({ check }) => check)).toEqual([isPort(SERVER)]);
    expect(step.settled).toEqual(isPort(''));
    expect(step.undo).toBe('never');
  });

  test('whatever else names it: such rows stay with it', () => {
    const strangers: RowSet[] = [{ table: 'arista', where: [the('port_id', PORT)], rows: 1 }];
    expect(written(unbind({ strangers, trunk: [{ table: 'trunks', where: [], rows: 1 }] }))).toHaveLength(4);
  });

  test('from the host of its active binding only', () => {
    const bindings = [
      { host: 'compute2', active: false, vnicType: 'direct', levels: 1 },
      { host: 'compute1', active: true, vnicType: 'normal', levels: 2 },
    ];
    expect(written(unbind({ bindings }))).toEqual([LET_GO, LEVELS, bound(), REVISED]);
  });

  test('without levels where it has none, and without standard attributes up to Liberty', () => {
    const bindings = [{ host: 'compute1', active: true, vnicType: 'normal', levels: 0 }];
    const step = unbind({ bindings, attribute: null });
    expect(written(step)).toEqual([LET_GO, bound()]);
    expect(saved(step)).toEqual([`ports: id ${PORT}`, `ml2_port_bindings: port_id ${PORT}`]);
  });

  test('from no host when its binding names none', () => {
    const bindings = [{ host: '', active: true, vnicType: 'normal', levels: 0 }];
    expect(written(unbind({ bindings }))).toEqual([LET_GO, REVISED]);
  });

  test('and gets the active binding that it lacks, of its own type of card', () => {
    const bindings = [{ host: 'compute2', active: false, vnicType: 'direct', levels: 0 }];
    expect(written(unbind({ bindings }))).toEqual([LET_GO, inserted('direct'), REVISED]);
    const recorded = (vifs: Subject['vifs']) => {
      const of = planFor(has({ bindings: [] }), { vifs }, { ...BY_ROWS, ports: 'keep' });
      return written(onlyStep(of)).at(1);
    };
    const others = vif(true, { portId: SECOND, vnicType: 'macvtap' });
    expect(recorded([others, vif(true, { vnicType: 'direct' })])).toBe(inserted('direct'));
    expect(recorded([others])).toBe(inserted('normal'));
  });

  describe('and its profile loses the device as the release does it', () => {
    const profile = { pci_slot: '0000:81:01.2', capabilities: ['switchdev'] };
    test.each([
      [13, profile, ''],
      [14, profile, ', profile = "{}"'],
      [17, profile, ', profile = "{\\"capabilities\\":[\\"switchdev\\"]}"'],
      [26, { capabilities: ['switchdev'] }, ''],
    ])('%i: %j', (release, of, more) => {
      const era = { era: { atLeast: release, below: release + 1 } };
      expect(written(unbind({}, { profile: of }, era))).toContain(bound(more));
    });
  });

  test('and Mitaka leaves its dns_name', () => {
    const era = { era: { atLeast: 13, below: 14 } };
    expect(written(unbind({ hasDnsName: true }, { dnsName: 'web' }, era)).join()).not.toContain('dns');
  });

  test.each([
    ['is reset', true, { dnsName: 'web' }, 1],
    ['is not there', false, { dnsName: 'web' }, 0],
    ['is nothing that Neutron shows', true, { dnsName: null }, 0],
    ['is the owner’s on a network with dns_domain', true, { dnsName: 'web', dnsDomain: 'example.org.' }, 0],
  ])('and its dns_name %s', (_, hasDnsName, port, times) => {
    const step = unbind({ hasDnsName }, port);
    expect(written(step).filter((line) => line.includes('dns'))).toEqual(
      Array(times).fill(`1: update portdnses set dns_name = "" where port_id = "${PORT}"`),
    );
    expect(saved(step).filter((line) => line.includes('dns'))).toEqual(
      Array(times).fill(`portdnses: port_id ${PORT}`),
    );
  });
});

describe('the rows are left alone', () => {
  const stranger = (rows: number): PortRows =>
    has({ strangers: [{ table: 'arista', where: [the('port_id', PORT)], rows }] });
  const trunk = has({ trunk: [{ table: 'trunks', where: [], rows: 1 }] });
  const unnamed = { host: null };
  const mend: Partial<Decisions> = { surgery: true };
  test.each<[string, PortRows | null, Partial<Subject>, Partial<Decisions>, Partial<Port>, string]>([
    ['when they are not known', null, NOVAS, BY_ROWS, {}, 'its rows are not known: '],
    ['of a user’s port too', null, USERS, BY_ROWS, {}, 'its rows are not known: '],
    ['for a stranger', stranger(1), NOVAS, BY_ROWS, {}, 'a row of arista (port_id) would be left'],
    ['for strangers', stranger(2), NOVAS, BY_ROWS, {}, '2 rows of arista (port_id) would be left'],
    ['for a trunk', trunk, NOVAS, BY_ROWS, {}, 'it is the parent of a trunk'],
    ['of another plugin', has({ isMl2: false }), USERS, BY_ROWS, {}, 'its plugin keeps no bindings'],
    ['of a lost binding', null, NOVAS, mend, unnamed, 'databases.neutron is not in the site file'],
    ['once', null, NOVAS, { ...mend, ...BY_ROWS }, unnamed, 'its rows are not known: '],
  ])('%s', (_, rows, of, asked, port, why) => {
    const plan = planFor(rows, of, asked, port);
    expect(plan.refusals).toEqual([
      {
        code: 'port-surgery-blocked',
        sentence: expect.stringContaining(`the rows of port ${PORT} 10.0.0.5 are not changed: ${why}`),
        flag: null,
      },
    ]);
    expect(plan.steps).toEqual([]);
    expect(plan.kept).toEqual([]);
  });

  test('of a port of another plugin that is deleted, nothing is missing', () => {
    expect(written(onlyStep(planFor(has({ isMl2: false }), NOVAS, BY_ROWS)))).toHaveLength(3);
  });
});

describe('a binding that is lost', () => {
  const lost = { bindings: [{ host: 'compute2', active: false, vnicType: 'direct', levels: 0 }] };

  test('is put back for the API, as long as there is none and the port is this server’s', () => {
    const { steps } = planFor(has(lost), NOVAS, { surgery: true });
    const [mend, remove] = steps;
    if (mend === undefined) throw new Error('no step');
    expect(written(mend)).toEqual([
      expect.stringMatching(/^1: insert into ml2_port_bindings .*"direct"/),
      `1: update ports set status = "DOWN" where id = "${PORT}" and device_id = "${SERVER}"`,
    ]);
    const active = (count: number) => ({
      door: 'sql',
      database: 'neutron',
      table: 'ml2_port_bindings',
      where: [the('port_id', PORT), the('status', 'ACTIVE')],
      count,
    });
    expect(mend.guards.map(({ check }) => check)).toEqual([isPort(SERVER), active(0)]);
    expect(mend.settled).toEqual(active(1));
    expect(saved(mend)).toEqual([`ml2_port_bindings: port_id ${PORT}`, `ports: id ${PORT}`]);
    expect(mend.undo).toBe('never');
    expect(remove).toMatchObject({ needs: [mend.id], act: { door: 'http', method: 'DELETE' } });
    expect(steps).toHaveLength(2);
  });

  test('before Queens, when a port has one binding, has no status', () => {
    const { steps } = planFor(has({ bindings: [], hasBindingStatus: false }), NOVAS, { surgery: true });
    const [mend] = steps;
    if (mend === undefined) throw new Error('no step');
    expect(written(mend)[0]).toBe(
      `1: insert into ml2_port_bindings (port_id, host, vif_type, vnic_type, profile, vif_details) values ("${PORT}", "", "unbound", "normal", "", "")`,
    );
    const where = [the('port_id', PORT)];
    expect(mend.guards[1]?.check).toMatchObject({ where, count: 0 });
    expect(mend.settled).toMatchObject({ where, count: 1 });
  });

  test.each<[string, PortRows | null, Partial<Decisions>, Partial<Port>]>([
    ['that nobody asked to mend', has(lost), {}, { host: null }],
    ['of another plugin', has({ isMl2: false, bindings: [] }), { surgery: true }, {}],
    ['of a port whose host Neutron shows', null, { surgery: true }, { host: 'compute1' }],
    ['of a port that Neutron shows to be on no host', null, { surgery: true }, { host: '' }],
    ['that cannot be looked at, and nobody asked to mend', null, {}, { host: null }],
  ])('%s is not put back', (_, rows, asked, port) => {
    const step = onlyStep(planFor(rows, NOVAS, asked, port));
    expect(step.act).toMatchObject({ door: 'http', method: 'DELETE' });
  });
});
