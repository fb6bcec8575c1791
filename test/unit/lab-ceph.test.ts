import { describe, expect, test } from 'vitest';
import { cephBackends, cephConfig, cephDisks } from '../../lab/ceph/config.ts';
import { cephForwardedPorts, secretIds } from '../../lab/ceph/paths.ts';
import { cinderConfig } from '../../lab/config/cinder.ts';
import { disksConfig } from '../../lab/config/disks.ts';
import { novaConfig } from '../../lab/config/nova.ts';
import { parseWith } from '../../lab/extras.ts';
import { nodeNovaConfig } from '../../lab/node/config.ts';
import { openLab } from '../../lab/paths.ts';
import { storageBackends } from '../../lab/storage/config.ts';

const lab = openLab();

describe('what `up --with` may name', () => {
  test('is a list, or the option again', () => {
    expect(parseWith([])).toEqual(new Set());
    expect(parseWith(['--with', 'node,ceph'])).toEqual(new Set(['node', 'ceph']));
    expect(parseWith(['--with', 'node', '--with', 'storage'])).toEqual(new Set(['node', 'storage']));
  });

  test.each([[['--with']], [['--with', '']], [['--with', 'node,cpeh']], [['ceph']], [['--without', 'ceph']]])(
    '%j is refused',
    (words) => {
      expect(parseWith(words)).toBeUndefined();
    },
  );
});

describe('the configs of a lab with Ceph', () => {
  test('everything listens on one address, at ports that the node can reach', () => {
    const { global } = cephConfig(lab);
    expect(global?.['mon_host']).toBe('[v2:10.77.0.1:3300,v1:10.77.0.1:6789]');
    expect([global?.['public_addr'], global?.['cluster_addr']]).toEqual(['10.77.0.1', '10.77.0.1']);
    expect(cephForwardedPorts).toContain(global?.['ms_bind_port_min']);
    expect(cephForwardedPorts).toContain(global?.['ms_bind_port_max']);
    expect(new Set(cephForwardedPorts).size).toBe(14);
  });

  test('Cinder has it beside the iSCSI backends, or alone', () => {
    const both = cinderConfig(lab, { ...storageBackends(lab), ...cephBackends(lab) });
    expect(both['DEFAULT']?.['enabled_backends']).toBe('fake,one-target,shared-target,ceph');
    const alone = cinderConfig(lab, cephBackends(lab));
    expect(alone['DEFAULT']?.['enabled_backends']).toBe('fake,ceph');
    expect(alone['ceph']).toMatchObject({ rbd_pool: 'volumes', rbd_secret_uuid: secretIds.cinder });
  });

  test('only the first compute host has its disks there, and only when it is told to', () => {
    expect(cephDisks(lab)).toMatchObject({ images_type: 'rbd', images_rbd_pool: 'vms', rbd_user: 'nova' });
    expect(novaConfig(lab, disksConfig(lab, 'ceph'))['libvirt']).toMatchObject(cephDisks(lab));
    expect(novaConfig(lab, disksConfig(lab, 'files'))['libvirt']?.['images_type']).toBe('qcow2');
    expect(nodeNovaConfig(lab)['libvirt']?.['images_type']).toBe('qcow2');
  });
});
