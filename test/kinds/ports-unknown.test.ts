import { describe, expect, test } from 'vitest';
import type { PortFacts } from '../../src/kinds/ports/find.ts';
import { ports } from '../../src/kinds/ports/index.ts';
import { LookError } from '../../src/plan/errors.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { subject } from '../support/subjects.ts';
import { floatingOf, LIST, PORT, port, SERVER, shows } from './ports-samples.ts';

test('without ports there is nothing to do, and their database is not asked', async () => {
  const of = subject({ uuid: SERVER });
  const found = await ports.find(fakeReader({ http: shows([]), databases: ['neutron'] }), of);
  expect(found).toEqual({ facts: { ports: [], rows: null }, unknown: [] });
});

describe('a Neutron that does not answer is unknown, not empty', () => {
  const of = subject({ uuid: SERVER });
  const down = new LookError('Neutron', 'connection refused', { code: 'api-unreachable' });
  const nothing: PortFacts = { ports: [], rows: null };

  test('for the ports', async () => {
    const found = await ports.find(fakeReader({ http: { [LIST]: down } }), of);
    expect(found).toEqual({ facts: nothing, unknown: [{ place: 'Neutron', why: 'connection refused' }] });
  });

  test('for the trunk of a port', async () => {
    const http = {
      [LIST]: { body: { ports: [port({ trunk_details: { trunk_id: 't', sub_ports: [] } })] } },
      [floatingOf(PORT)]: { status: 404 },
      'network /v2.0/trunks/t': down,
    };
    const found = await ports.find(fakeReader({ http }), of);
    expect(found).toEqual({ facts: nothing, unknown: [{ place: 'Neutron', why: 'connection refused' }] });
  });

  test('for its floating addresses, and in its database', async () => {
    const http = { [LIST]: { body: { ports: [port()] } }, [floatingOf(PORT)]: down };
    const found = await ports.find(fakeReader({ http }), of);
    expect(found).toEqual({ facts: nothing, unknown: [{ place: 'Neutron', why: 'connection refused' }] });
    const reader = fakeReader({
      http: { ...http, [floatingOf(PORT)]: { status: 404 } },
      databases: ['neutron'],
    });
    const dark = {
      ...reader,
      sql: {
        ...reader.sql,
        rows: () => Promise.reject(new LookError('database neutron', 'no answer', { code: 'x' })),
      },
    };
    expect((await ports.find(dark, of)).unknown).toEqual([{ place: 'database neutron', why: 'no answer' }]);
  });

  test('for the network of a port', async () => {
    const http = {
      [floatingOf(PORT)]: { status: 404 },
      [LIST]: { body: { ports: [port({ dns_name: 'x' })] } },
      'network /v2.0/networks/n1': down,
    };
    const found = await ports.find(fakeReader({ http }), of);
    expect(found).toEqual({ facts: nothing, unknown: [{ place: 'Neutron', why: 'connection refused' }] });
  });

  test('or for an answer that is not understood', async () => {
    const http = { [LIST]: { body: { ports: [{ id: 1 }] } } };
    const found = await ports.find(fakeReader({ http }), of);
    expect(found.unknown).toMatchObject([{ place: 'Neutron' }]);
  });
});
