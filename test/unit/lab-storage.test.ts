import { describe, expect, test } from 'vitest';
import { cinderConfig } from '../../lab/config/cinder.ts';
import { renderIni } from '../../lab/config/ini.ts';
import { openLab } from '../../lab/paths.ts';
import { parseTargets } from '../../lab/storage/backends.ts';
import { storageBackends } from '../../lab/storage/config.ts';
import { byPathLink, parseCinderConnection, parseNovaConnection } from '../../lab/storage/connection.ts';

describe('cinder.conf with the storage', () => {
  const lab = openLab();
  const config = cinderConfig(lab, storageBackends(lab));

  test('keeps the backend that is always there and adds one for each volume type', () => {
    expect(config['DEFAULT']?.['enabled_backends']).toBe('fake,one-target,shared-target');
    expect(config['fake']?.['volume_backend_name']).toBe('fake');
  });

  test('the backends differ in how they export, and keep their files apart', () => {
    const { 'one-target': one, 'shared-target': shared } = config;
    expect([one?.['sparse_shared_target'], shared?.['sparse_shared_target']]).toEqual([false, true]);
    expect(one?.['sparse_folder']).not.toBe(shared?.['sparse_folder']);
  });

  test('names two portals', () => {
    const text = renderIni(config);
    expect(text.match(/^target_ip_address = 10\.77\.0\.1$/gm)).toHaveLength(2);
    expect(text.match(/^iscsi_secondary_ip_addresses = 10\.77\.1\.1$/gm)).toHaveLength(2);
  });
});

describe('how a volume is reached', () => {
  // Nova 26.2 and Cinder 21.3 in the lab, a volume of `shared-target` on node2; the secret is another.
  const data = {
    target_discovered: false,
    target_portals: ['10.77.0.1:3260', '10.77.1.1:3260'],
    target_iqns: ['iqn.2026-01.lab.expunge.storage:shared', 'iqn.2026-01.lab.expunge.storage:shared'],
    target_luns: [1, 1],
    target_portal: '10.77.0.1:3260',
    target_iqn: 'iqn.2026-01.lab.expunge.storage:shared',
    target_lun: 1,
    volume_id: '5d600f8a-47da-4d53-86e5-4d9a41c5a137',
    auth_method: 'CHAP',
    auth_username: 'utqRWr7jcTdhuYEfRpne',
    auth_password: 'not-the-secret',
    encrypted: false,
    qos_specs: null,
    access_mode: 'rw',
    cacheable: false,
  };
  const nova = (change: object = {}): string =>
    JSON.stringify({
      driver_volume_type: 'iscsi',
      data: { ...data, device_path: '/dev/sda', ...change },
      status: 'reserved',
      instance: 'b13359a6-6427-4736-a468-7d6dab9a23de',
      attached_at: '',
      detached_at: '',
      volume_id: '5d600f8a-47da-4d53-86e5-4d9a41c5a137',
      serial: '5d600f8a-47da-4d53-86e5-4d9a41c5a137',
    });
  const cinder = JSON.stringify({
    ...data,
    driver_volume_type: 'iscsi',
    attachment_id: '8aadc909-9757-45e3-b5e5-810efc5eb0ff',
  });
  const expected = {
    paths: [
      { portal: '10.77.0.1:3260', iqn: 'iqn.2026-01.lab.expunge.storage:shared', lun: 1 },
      { portal: '10.77.1.1:3260', iqn: 'iqn.2026-01.lab.expunge.storage:shared', lun: 1 },
    ],
    account: 'utqRWr7jcTdhuYEfRpne',
  };

  test('is read alike from Nova and from Cinder, without the secret', () => {
    expect(parseNovaConnection(nova())).toEqual({ devicePath: '/dev/sda', nova: expected });
    expect(parseCinderConnection(cinder)).toEqual(expected);
  });

  test('a portal without a target, or another first portal, is refused', () => {
    expect(() => parseNovaConnection(nova({ target_iqns: [data.target_iqn] }))).toThrow(
      '10.77.1.1:3260 has no',
    );
    expect(() => parseNovaConnection(nova({ target_lun: 2 }))).toThrow('is not the first');
  });

  test('has a link in /dev/disk/by-path', () => {
    const [path] = expected.paths;
    // As `ls /dev/disk/by-path` showed it on node2.
    const link = '/dev/disk/by-path/ip-10.77.0.1:3260-iscsi-iqn.2026-01.lab.expunge.storage:shared-lun-1';
    expect(path === undefined ? '' : byPathLink(path)).toBe(link);
  });
});

test('the targets that tgtadm 1.0.85 shows are read with their numbers', () => {
  const text = `Target 1: iqn.2026-01.lab.expunge.storage:shared
    System information:
        Driver: iscsi
        State: ready
    I_T nexus information:
        I_T nexus: 1
            Initiator: iqn.1993-08.org.debian:01:node2 alias: node2
    LUN information:
        LUN: 0
            Type: controller
Target 12: iqn.2026-01.lab.expunge:try
    System information:
        Driver: iscsi
`;
  expect(parseTargets(text)).toEqual([
    { number: 1, iqn: 'iqn.2026-01.lab.expunge.storage:shared' },
    { number: 12, iqn: 'iqn.2026-01.lab.expunge:try' },
  ]);
});
