import { describe, expect, test } from 'vitest';
import type { TableFacts } from '../../lab/record/facts.ts';
import { type PlayedVolume, recordVolume } from '../../lab/record/volume.ts';
import type { RecordedRow } from '../../src/simulator/recorded/types.ts';

const SERVER = 'b13359a6-6427-4736-a468-7d6dab9a23de';
const VOLUME = '5d600f8a-47da-4d53-86e5-4d9a41c5a137';
const ATTACHMENT = '8aadc909-9757-45e3-b5e5-810efc5eb0ff';
const IQN = 'iqn.2026-01.lab.expunge.storage:shared';
const SECRETS = ['utqRWr7jcTdhuYEfRpne', 'not-the-secret'];

// As Nova 26.2 and Cinder 21.3 write it; the secret is another.
const data = {
  target_portals: ['10.77.0.1:3260', '10.77.1.1:3260'],
  target_iqns: [IQN, IQN],
  target_luns: [3, 3],
  target_portal: '10.77.0.1:3260',
  target_iqn: IQN,
  target_lun: 3,
  volume_id: VOLUME,
  auth_method: 'CHAP',
  auth_username: SECRETS[0],
  auth_password: SECRETS[1],
  encrypted: false,
};

/** A space after each comma and colon, as Python writes it. */
function python(value: object): string {
  return JSON.stringify(value, null, 1)
    .replaceAll(/\n\s*/g, ' ')
    .replaceAll(/([[{]) | ([\]}])/g, '$1$2');
}

function rows(): Map<string, readonly RecordedRow[]> {
  return new Map<string, readonly RecordedRow[]>([
    [
      'cinder.volumes',
      [
        {
          id: VOLUME,
          deleted: 0,
          created_at: '2026-11-28 08:00:00',
          display_name: 'data',
          host: 'compute1@shared-target#shared-target',
          volume_type_id: 'b0abb883-4e38-4c36-ac22-72a129cabf47',
          service_uuid: 'be20e636-f6c4-464e-8d5e-c0cf320c372a',
          project_id: 'abe9cc2bb8d84227ae63b249617215cb',
          user_id: 'feec472878114799989084ca3e79ad11',
          provider_location: `10.77.0.1:3260;10.77.1.1:3260,1 ${IQN} 3`,
          provider_auth: `CHAP ${SECRETS.join(' ')}`,
        },
        { id: 'another', deleted: 0 },
      ],
    ],
    [
      'cinder.volume_attachment',
      [
        {
          id: ATTACHMENT,
          volume_id: VOLUME,
          instance_uuid: SERVER,
          attached_host: 'node2',
          mountpoint: '/dev/vdb',
          deleted: 0,
          connection_info: python({ ...data, driver_volume_type: 'iscsi', attachment_id: ATTACHMENT }),
          connector: python({
            ip: '10.77.0.2',
            host: 'node2',
            initiator: 'iqn.1993-08.org.debian:01:3d48',
            nqn: 'nqn.x',
          }),
        },
        // A former one, to another server.
        { id: 'former', volume_id: VOLUME, deleted: 1 },
      ],
    ],
    [
      'nova.block_device_mapping',
      [
        {
          id: 7,
          uuid: '3c588282-81e6-4e62-ac5e-18ce8ceb25cc',
          instance_uuid: SERVER,
          volume_id: VOLUME,
          attachment_id: ATTACHMENT,
          deleted: 0,
          device_name: '/dev/vdb',
          connection_info: python({
            driver_volume_type: 'iscsi',
            data: { ...data, device_path: '/dev/sda' },
            instance: SERVER,
          }),
        },
      ],
    ],
  ]);
}

const XML = `<domain type='qemu' id='3'>
  <devices>
    <disk type='file' device='disk'>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='block' device='disk'>
      <source dev='/dev/sda' index='3'/>
      <target dev='vdb' bus='virtio'/>
      <serial>${VOLUME}</serial>
      <alias name='virtio-disk1'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x06' function='0x0'/>
    </disk>
  </devices>
</domain>
`;

const FACTS: readonly TableFacts[] = [...rows().keys()].map((place) => ({
  place,
  columns: new Map(),
  key: ['id'],
  counted: place === 'nova.block_device_mapping' ? 'id' : null,
  references: [],
}));

function played(changes: Partial<PlayedVolume> = {}): PlayedVolume {
  const at = new Date('2026-11-28T08:01:00Z');
  const [name, title] = ['iscsi', 'a volume over iSCSI'];
  return {
    name,
    title,
    server: SERVER,
    volume: VOLUME,
    host: 'node2',
    rows: rows(),
    xml: XML,
    at,
    ...changes,
  };
}

describe('a volume that is attached', () => {
  const text = JSON.stringify(recordVolume(played(), FACTS));

  test('is recorded without a name, an address or a secret of the lab', () => {
    for (const own of [SERVER, VOLUME, ATTACHMENT, IQN, 'node2', 'compute1', '10.77', ...SECRETS])
      expect(text).not.toContain(own);
  });

  test('with its own rows alone, and times told from the moment', () => {
    const { rows: recorded } = recordVolume(played(), FACTS);
    expect(Object.values(recorded).map((list) => list.length)).toEqual([1, 1, 1]);
    expect(recorded['cinder.volumes']?.[0]).toMatchObject({
      id: '{{volume}}',
      created_at: '{{time:-60}}',
      host: '{{backend}}',
      provider_location: '{{portal:1}};{{portal:2}},1 {{iqn}} {{lun}}',
      provider_auth: 'CHAP {{chap.user}} {{chap.password}}',
    });
    expect(recorded['nova.block_device_mapping']?.[0]).toMatchObject({
      id: '{{id:nova.block_device_mapping:1}}',
      attachment_id: '{{attachment}}',
      connection_info: expect.stringContaining('"target_luns": [{{lun}}, {{lun}}]'),
    });
  });

  test('with its disk in the domain, wherever that sits', () => {
    const { disk } = recordVolume(played(), FACTS);
    expect(disk).toContain("<source dev='{{device}}' index='3'/>");
    expect(disk).toContain("<target dev='{{target}}' bus='virtio'/>");
    expect(disk).toContain('<serial>{{volume}}</serial>');
    expect(disk).toContain("<alias name='virtio-disk{{place}}'/>");
    expect(disk).not.toContain('vda');
  });

  test('is not recorded while the domain has no such disk', () => {
    expect(() => recordVolume(played({ xml: '<domain/>' }), FACTS)).toThrow(/no disk with the serial number/);
  });

  test('is not recorded without its attachment', () => {
    const without = rows();
    without.delete('cinder.volume_attachment');
    expect(() => recordVolume(played({ rows: without }), FACTS)).toThrow(/volume_attachment has not one row/);
  });
});
