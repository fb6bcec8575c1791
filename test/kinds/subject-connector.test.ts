import { describe, expect, test } from 'vitest';
import { parseConnector, parseStashedConnector } from '../../src/kinds/subject/connector.ts';

const CONNECTOR = {
  host: 'compute1',
  ip: '10.0.0.11',
  initiator: 'iqn.1994-05.com.redhat:1',
  wwpns: ['50014380'],
  multipath: true,
  nqn: null,
};

describe.each<[string, (json: string | null) => unknown, (connector: unknown) => string]>([
  ['in Cinder’s column', parseConnector, (connector) => JSON.stringify(connector)],
  [
    'in Nova’s connection_info',
    parseStashedConnector,
    (connector) => JSON.stringify({ driver_volume_type: 'iscsi', data: {}, connector }),
  ],
])('what a host said of itself, %s', (_, parse, write) => {
  test('is taken over as it is', () => {
    expect(parse(write(CONNECTOR))).toEqual(CONNECTOR);
  });

  test.each(['auth_password', 'Secret', 'session_token', 'keyring', 'credentials'])(
    'but for a secret: %s',
    (key) => {
      expect(parse(write({ ...CONNECTOR, [key]: 'hidden-word' }))).toEqual(CONNECTOR);
    },
  );

  test.each([{}, { host: null }, { host: 7 }, { ip: '10.0.0.11' }, null, 'compute1', ['compute1']])(
    'without a host it names nobody: %j',
    (connector) => {
      expect(parse(write(connector))).toBeNull();
    },
  );

  test.each([null, '', '{', 'null', '[]', '7'])('%j is none', (json) => {
    expect(parse(json)).toBeNull();
  });
});

test('a connection that notes no host has none', () => {
  expect(parseStashedConnector('{"driver_volume_type": "iscsi", "data": {"host": "compute1"}}')).toBeNull();
  expect(parseStashedConnector(JSON.stringify(CONNECTOR))).toBeNull();
});
