import { describe, expect, test } from 'vitest';
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

test('the device, the multipath map and the encryption that Nova noted', () => {
  const data = { ...PATHS, device_path: '/dev/dm-3', multipath_id: '36001405', encrypted: true };
  expect(parseConnection(nova('iscsi', data))).toMatchObject({
    devicePath: '/dev/dm-3',
    multipathId: '36001405',
    encrypted: true,
  });
  const older = parseConnection(nova('iscsi', { ...PATHS, host_device: '/dev/sdc' }));
  expect(older).toMatchObject({ devicePath: '/dev/sdc', encrypted: false });
});

describe('lists of iSCSI that do not match in length', () => {
  const portals = ['10.0.0.1:3260', '10.0.0.2:3260'];
  const iqns = ['iqn.a:1', 'iqn.b:1'];
  const [first, second] = [
    { portal: '10.0.0.1:3260', iqn: 'iqn.a:1' },
    { portal: '10.0.0.2:3260', iqn: 'iqn.b:1' },
  ];
  const single = { target_portal: '10.0.0.9:3260', target_iqn: 'iqn.z:1', target_lun: 9 };
  const alone = { portal: '10.0.0.9:3260', iqn: 'iqn.z:1', lun: 9 };

  test.each<[string, object, object[]]>([
    [
      'one LUN for all of them',
      { target_portals: portals, target_iqns: iqns, target_lun: 5 },
      [
        { ...first, lun: 5 },
        { ...second, lun: 5 },
      ],
    ],
    [
      'a portal without a target is no path',
      { target_portals: portals, target_iqns: ['iqn.a:1'], target_luns: [1, 2] },
      [{ ...first, lun: 1 }],
    ],
    [
      'a portal without a LUN is no path',
      { target_portals: portals, target_iqns: iqns, target_luns: [1] },
      [{ ...first, lun: 1 }],
    ],
    ['portals without targets: the single path', { ...single, target_portals: portals }, [alone]],
    ['targets without portals: the single path', { ...single, target_iqns: iqns }, [alone]],
  ])('%s', (_, data, paths) => {
    expect(parseConnection(nova('iscsi', data))).toMatchObject({ type: 'iscsi', paths });
  });
});

test.each([
  ['10.0.0.1:3260,1', '10.0.0.1:3260'],
  ['10.0.0.1:3260,12', '10.0.0.1:3260'],
  ['10.0.0.1:3260,-1', '10.0.0.1:3260'],
  ['[fd00::1]:3260,1', '[fd00::1]:3260'],
  ['san.example.org:3260', 'san.example.org:3260'],
])('portal %s is %s without its group', (target_portal, portal) => {
  expect(parseConnection(nova('iscsi', { ...PATHS, target_portal }))).toMatchObject({ paths: [{ portal }] });
});

test.each([
  ['0', 0],
  ['12', 12],
])('a LUN that is text is a number: %j', (target_lun, lun) => {
  expect(parseConnection(nova('iscsi', { ...PATHS, target_lun }))).toMatchObject({ paths: [{ lun }] });
});

describe('a part that is missing or of no such form makes it none that is understood', () => {
  test.each<[string, object]>([
    ['iscsi', { ...PATHS, target_portal: undefined }],
    ['iscsi', { ...PATHS, target_iqn: undefined }],
    ['iscsi', { ...PATHS, target_lun: undefined }],
    ['iscsi', { ...PATHS, target_portals: [], target_iqns: [] }],
    ['iscsi', { ...PATHS, target_portal: '-x 10.0.0.1:3260' }],
    ['iscsi', { ...PATHS, target_portal: '-x:3260' }],
    ['iscsi', { ...PATHS, target_portal: '10.0.0.1:3260 -x' }],
    ['iscsi', { ...PATHS, target_portal: '10.0.0.1' }],
    ['iscsi', { ...PATHS, target_iqn: '--x iqn.a:1' }],
    ['iscsi', { ...PATHS, target_iqn: 'iqn.a:1 --x' }],
    ['iscsi', { ...PATHS, target_lun: 'x1' }],
    ['iscsi', { ...PATHS, target_lun: '1x' }],
    ['iscsi', { ...PATHS, target_lun: '' }],
    ['iscsi', { ...PATHS, target_lun: '0x10' }],
    ['iscsi', { ...PATHS, target_lun: -1 }],
    ['iser', { target_portal: '10.0.0.1:3260' }],
    ['fibre_channel', { target_lun: 2 }],
    ['fibre_channel', { target_wwn: '50060' }],
    ['fibre_channel', { target_wwn: '50060', target_luns: [] }],
    ['rbd', {}],
    ['rbd', { name: 'volume-1' }],
    ['rbd', { name: 'volumes/' }],
    ['rbd', { name: '--pool x/volume-1' }],
    ['rbd', { name: 'volumes/volume-1 --force' }],
    ['nvmeof', {}],
    ['nvmeof', { target_nqn: 7 }],
    ['nvmeof', { nqn: 'nqn.x', portals: 7 }],
    ['nvmeof', { nqn: 'nqn.x', portals: [7] }],
    ['nvmeof', { nqn: 'nqn.x', portals: [[]] }],
    ['nfs', { export: 'nas:/v' }],
    ['nfs', { name: 'volume-1' }],
  ])('%s %j', (driver, data) => {
    expect(parseConnection(nova(driver, data))).toEqual({
      type: 'other',
      driver,
      devicePath: null,
      multipathId: null,
      encrypted: false,
    });
  });
});

test.each([
  ['rbd', { name: 'volumes/volume-1' }, { type: 'rbd', pool: 'volumes', image: 'volume-1' }],
  [
    'fibre_channel',
    { target_wwn: '50060', target_lun: 2 },
    { type: 'fibre_channel', wwns: ['50060'], luns: [2] },
  ],
  [
    'fibre_channel',
    { target_wwn: ['50060', '50061'], target_luns: [2, '3'], target_lun: 2 },
    { type: 'fibre_channel', wwns: ['50060', '50061'], luns: [2, 3] },
  ],
  [
    'nvmeof',
    { target_nqn: 'nqn.x', portals: [['10.0.0.1', 4420, 'tcp']] },
    { nqn: 'nqn.x', portals: ['10.0.0.1:4420'] },
  ],
  [
    'nvmeof',
    { nqn: 'nqn.x', target_portal: '10.0.0.1', target_port: '4420', transport_type: 'tcp' },
    { type: 'nvmeof', nqn: 'nqn.x', portals: ['10.0.0.1:4420'] },
  ],
  [
    'nvmeof',
    { nqn: 'nqn.x', target_portal: '10.0.0.1', target_port: 4420 },
    { type: 'nvmeof', portals: ['10.0.0.1:4420'] },
  ],
  ['nvmeof', { target_nqn: 'nqn.new', nqn: 'nqn.old' }, { nqn: 'nqn.new', portals: [] }],
  ['iser', PATHS, { type: 'iscsi', paths: [{ lun: 1 }] }],
  ['nfs', { export: 'nas:/v', name: 'volume-1' }, { type: 'nfs', export: 'nas:/v', file: 'volume-1' }],
  ['local', { device_path: '/dev/vg/v' }, { type: 'local', devicePath: '/dev/vg/v' }],
  ['scaleio', {}, { type: 'other', driver: 'scaleio' }],
  ['iscsi', { ...PATHS, target_iqn: '-o evil' }, { type: 'other', driver: 'iscsi' }],
])('%s %j', (driver, data, expected) => {
  expect(parseConnection(nova(driver, data))).toMatchObject(expected);
});

test.each([
  null,
  '',
  '{}',
  'null',
  'no json',
  '[]',
  '{"driver_volume_type": 7, "data": {}}',
  '{"driver_volume_type": "iscsi", "data": []}',
  '{"driver_volume_type": "iscsi", "data": {"device_path": 7}}',
  '{"driver_volume_type": "iscsi", "data": {"host_device": 7}}',
  '{"driver_volume_type": "iscsi", "data": {"multipath_id": 7}}',
  '{"driver_volume_type": "iscsi", "data": {"encrypted": "True"}}',
])('%j is no connection', (text) => {
  expect(parseConnection(text)).toBeNull();
});

describe('a LUN has the number that the kernel gives it', () => {
  test.each([
    [undefined, 300, 300],
    ['SAM', 300, 300],
    ['transparent', 300, 300],
    ['SAM2', 255, 255],
    ['SAM2', 256, 16640],
    ['SAM3-flat', 1, 16385],
  ])('addressed by %s, %i is %i', (addressing_mode, lun, onHost) => {
    const iscsi = { ...PATHS, target_lun: lun, addressing_mode };
    expect(parseConnection(nova('iscsi', iscsi))).toMatchObject({ paths: [{ lun: onHost }] });
    const fibre = { target_wwn: ['5006016d09200925'], target_lun: lun, addressing_mode };
    expect(parseConnection(nova('fibre_channel', fibre))).toMatchObject({ luns: [onHost] });
  });
});
