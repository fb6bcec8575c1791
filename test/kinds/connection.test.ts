import { expect, test } from 'vitest';
import { parseConnection } from '../../src/kinds/subject/connection.ts';

const PATHS = {
  target_portal: '10.0.0.1:3260,1',
  target_iqn: 'iqn.2010-10.org.example:volume-1',
  target_lun: 1,
  auth_method: 'CHAP',
  auth_username: 'u',
  auth_password: 'hidden-word',
};

const nova = (driver: string, data: object) => JSON.stringify({ driver_volume_type: driver, data });

test('one iSCSI path, without the secret that came with it', () => {
  const parsed = parseConnection(nova('iscsi', { ...PATHS, device_path: '/dev/sdb' }));
  expect(parsed).toEqual({
    type: 'iscsi',
    paths: [{ portal: '10.0.0.1:3260', iqn: 'iqn.2010-10.org.example:volume-1', lun: 1 }],
    devicePath: '/dev/sdb',
    multipathId: null,
    encrypted: false,
  });
});

test('several paths go together by position, in Cinder’s flat form too', () => {
  const lists = {
    target_portals: ['10.0.0.1:3260', '[fd00::1]:3260'],
    target_iqns: ['iqn.a:1', 'iqn.b:1'],
    target_luns: [3, '4'],
  };
  const paths = [
    { portal: '10.0.0.1:3260', iqn: 'iqn.a:1', lun: 3 },
    { portal: '[fd00::1]:3260', iqn: 'iqn.b:1', lun: 4 },
  ];
  expect(parseConnection(nova('iscsi', { ...PATHS, ...lists }))).toMatchObject({ paths });
  expect(parseConnection(JSON.stringify({ driver_volume_type: 'iscsi', ...lists }))).toMatchObject({ paths });
});

test.each([
  ['rbd', { name: 'volumes/volume-1' }, { type: 'rbd', pool: 'volumes', image: 'volume-1' }],
  [
    'fibre_channel',
    { target_wwn: '50060', target_lun: 2 },
    { type: 'fibre_channel', wwns: ['50060'], luns: [2] },
  ],
  [
    'nvmeof',
    { target_nqn: 'nqn.x', portals: [['10.0.0.1', 4420, 'tcp']] },
    { nqn: 'nqn.x', portals: ['10.0.0.1:4420'] },
  ],
  ['nfs', { export: 'nas:/v', name: 'volume-1' }, { type: 'nfs', export: 'nas:/v', file: 'volume-1' }],
  ['local', { device_path: '/dev/vg/v' }, { type: 'local', devicePath: '/dev/vg/v' }],
  ['scaleio', {}, { type: 'other', driver: 'scaleio' }],
  ['iscsi', { ...PATHS, target_iqn: '-o evil' }, { type: 'other', driver: 'iscsi' }],
])('%s %j', (driver, data, expected) => {
  expect(parseConnection(nova(driver, data))).toMatchObject(expected);
});

test.each([null, '', '{}', 'no json', '[]'])('%j is no connection', (text) => {
  expect(parseConnection(text)).toBeNull();
});
