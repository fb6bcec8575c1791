import { describe, expect, test } from 'vitest';
import { fillRows, fillText, fillValue, type Identities } from '../../src/simulator/instantiate.ts';
import { seededRandom } from '../../src/simulator/random.ts';

const NAME = 'a "name" <b>&\u001b[31m';

function identities(seed = 1): Identities {
  const last = new Map<string, number>();
  let addresses = 0;
  return {
    random: seededRandom(seed),
    named: new Map([
      ['server', '5a000000-0000-4000-8000-000000000001'],
      ['name', NAME],
      ['host', 'cmp-1'],
      ['host.id:nova.compute_nodes:1', '7'],
    ]),
    now: new Date('2026-11-22T03:00:00Z'),
    nextId(table) {
      last.set(table, (last.get(table) ?? 40) + 1);
      return last.get(table) ?? 0;
    },
    nextAddress: () => `10.0.0.${20 + addresses++}`,
  };
}

describe('a placeholder', () => {
  test.each([
    ['{{server}} on {{host}}', '5a000000-0000-4000-8000-000000000001 on cmp-1'],
    ['{{time:-60}}', '2026-11-22 02:59:00'],
    ['{{isotime:-60}}', '2026-11-22T02:59:00Z'],
    ['{{epoch:0}}', '1795316400'],
    ['{{ip:1}} {{ip:2}} {{ip:1}}', '10.0.0.20 10.0.0.21 10.0.0.20'],
    ['{{domain}}', 'instance-00000029'],
    ['no placeholder {1}', 'no placeholder {1}'],
  ])('%s becomes %s', (text, value) => {
    expect(fillText(text, identities())).toBe(value);
  });

  test('that is a number alone becomes a number, inside a text a part of it', () => {
    const own = identities();
    expect(fillValue('{{id:nova.instances:1}}', own)).toBe(41);
    expect(fillValue('{{host.id:nova.compute_nodes:1}}', own)).toBe(7);
    expect(fillValue('row {{id:nova.instances:1}}', own)).toBe('row 41');
    expect(fillValue('{{id:nova.instances:2}}', own)).toBe(42);
  });

  test('of a port id gives the beginnings that devices and chains bear', () => {
    const own = identities();
    const uuid = fillText('{{uuid:3}}', own);
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(fillText('tap{{short:3}} o{{chain:3}}', own)).toBe(
      `tap${uuid.slice(0, 11)} o${uuid.slice(0, 10)}`,
    );
    expect(fillText('{{MAC:1}}', own)).toBe(fillText('{{mac:1}}', own).toUpperCase());
  });

  test('that is not known is an error, not a text', () => {
    expect(() => fillText('{{no.such}}', identities())).toThrow(/\{\{no\.such\}\}/);
  });
});

test('what a user named is escaped in JSON and in XML as the services do it, and nowhere else', () => {
  const json = fillText('{"display_name": "{{name}}", "uuid": "{{server}}"}', identities());
  expect(JSON.parse(json)).toMatchObject({ display_name: NAME });
  expect(fillText('<domain><nova:name>{{name}}</nova:name></domain>', identities())).toContain(
    'a "name" &lt;b&gt;&amp;',
  );
  expect(fillText('{{name}}', identities())).toBe(NAME);
});

test('the same seed gives the same values, another seed others', () => {
  const rows = { 'nova.instances': [{ uuid: '{{uuid:1}}', n: 1, gone: null, bin: { base64: 'AP8=' } }] };
  const fill = (seed: number) => fillRows(rows, identities(seed)).get('nova.instances');
  expect(fill(1)).toEqual(fill(1));
  expect(fill(1)).not.toEqual(fill(2));
  expect(fill(1)?.[0]).toMatchObject({ n: 1, gone: null, bin: Buffer.from([0, 255]) });
});
