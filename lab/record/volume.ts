import type { RecordedRow, RecordedVolume } from '../../src/simulator/recorded/types.ts';
import type { TableFacts } from './facts.ts';
import type { Names } from './names.ts';
import { makeReplacer, replaceRows } from './replace.ts';
import type { RawRows } from './rows.ts';

/** A volume that is attached to a server, under its real names. */
export interface PlayedVolume {
  readonly name: string;
  readonly title: string;
  readonly server: string;
  readonly volume: string;
  /** the compute host's name */
  readonly host: string;
  /** the rows of all databases */
  readonly rows: RawRows;
  /** `virsh dumpxml` of the server's domain */
  readonly xml: string;
  readonly at: Date;
}

/** Which columns say that a row is the volume's, or its attachment's to this server. */
const OWN: readonly (readonly [place: string, column: string])[] = [
  ['cinder.volumes', 'id'],
  ['cinder.volume_attachment', 'volume_id'],
  ['cinder.volume_admin_metadata', 'volume_id'],
  ['nova.block_device_mapping', 'volume_id'],
];

/** @throws Error when it is not wholly attached, or the domain has no such disk */
export function recordVolume(played: PlayedVolume, facts: readonly TableFacts[]): RecordedVolume {
  const rows: RawRows = new Map(
    OWN.map(([place, column]): [string, readonly RecordedRow[]] => [
      place,
      (played.rows.get(place) ?? []).filter((row) => row[column] === played.volume && row['deleted'] === 0),
    ]),
  );
  const disk = findDisk(played);
  const names = nameVolume(played, rows);
  const replacer = makeReplacer(names, played.at);
  return {
    name: played.name,
    title: played.title,
    release: 'zed',
    rows: Object.fromEntries(
      Object.entries(replaceRows(rows, facts, replacer))
        .filter(([, list]) => list.length > 0)
        .map(([place, list]) => [place, list.map(hideNumbers)]),
    ),
    disk: hidePlace(replacer.text(disk)),
  };
}

function findDisk({ xml, volume }: PlayedVolume): string {
  const disks = xml.match(/^ {4}<disk [\s\S]*?^ {4}<\/disk>\n/gm) ?? [];
  const disk = disks.find((each) => each.includes(`<serial>${volume}</serial>`));
  if (disk === undefined) throw new Error(`the domain has no disk with the serial number ${volume}`);
  return disk;
}

function one(rows: RawRows, place: string): RecordedRow {
  const [row, ...more] = rows.get(place) ?? [];
  if (row === undefined || more.length > 0) throw new Error(`${place} has not one row of the volume`);
  return row;
}

function nameVolume({ server, volume, host }: PlayedVolume, rows: RawRows): Names {
  const ofVolume = one(rows, 'cinder.volumes');
  const attachment = one(rows, 'cinder.volume_attachment');
  const mapping = one(rows, 'nova.block_device_mapping');
  const texts = new Map<string, string>();
  const name = (value: unknown, placeholder: string): void => {
    if (typeof value === 'string' && value !== '' && !texts.has(value)) texts.set(value, placeholder);
  };
  name(server, '{{server}}');
  name(volume, '{{volume}}');
  name(attachment['id'], '{{attachment}}');
  name(mapping['uuid'], '{{uuid:1}}');
  name(ofVolume['display_name'], '{{volume.name}}');
  name(ofVolume['host'], '{{backend}}');
  name(ofVolume['volume_type_id'], '{{type}}');
  name(ofVolume['service_uuid'], '{{service}}');
  name(ofVolume['project_id'], '{{project}}');
  name(ofVolume['user_id'], '{{user}}');
  name(attachment['mountpoint'], '{{mountpoint}}');
  name(host, '{{host}}');
  const text = [mapping['connection_info'], attachment['connection_info'], attachment['connector']].join(
    '\n',
  );
  const find = (form: RegExp, placeholder: string): void => {
    for (const [, value] of text.matchAll(form)) name(value, placeholder);
  };
  find(/"device_path": "([^"]+)"/g, '{{device}}');
  find(/"target_iqns?": \[?"([^"]+)"/g, '{{iqn}}');
  find(/"auth_password": "([^"]+)"/g, '{{chap.password}}');
  // Ceph's account is a name of the cluster's, and no secret.
  if (text.includes('"auth_method": "CHAP"')) find(/"auth_username": "([^"]+)"/g, '{{chap.user}}');
  find(/"initiator": "([^"]+)"/g, '{{initiator}}');
  find(/"nqn": "([^"]+)"/g, '{{nqn}}');
  const portals = new Set([...text.matchAll(/"((?:\d+\.){3}\d+:\d+)"/g)].map(([, portal = '']) => portal));
  for (const [at, portal] of [...portals].entries()) {
    name(portal, `{{portal:${at + 1}}}`);
    name(portal.replace(/:\d+$/, ''), `{{address:${at + 1}}}`);
  }
  const monitors = /"hosts": \[([^\]]*)\]/.exec(text)?.[1]?.match(/(?:\d+\.){3}\d+/g) ?? [];
  for (const [at, monitor] of monitors.entries()) name(monitor, `{{address:${at + 1}}}`);
  find(/"ip": "([^"]+)"/g, '{{host.address}}');
  return {
    texts,
    ids: new Map([[`nova.block_device_mapping:${mapping['id']}`, '{{id:nova.block_device_mapping:1}}']]),
  };
}

/** Units are numbers in JSON, and so not found as names. */
function hideNumbers(row: RecordedRow): RecordedRow {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      typeof value !== 'string'
        ? value
        : value
            // `<portal>,1 <iqn> <unit>` of provider_location.
            .replace(/^(\S+,1 \{\{iqn\}\}) \d+$/, '$1 {{lun}}')
            .replaceAll(/"target_lun": \d+/g, '"target_lun": {{lun}}')
            .replaceAll(
              /"target_luns": \[([\d, ]+)\]/g,
              (_, luns: string) => `"target_luns": [${luns.replaceAll(/\d+/g, '{{lun}}')}]`,
            ),
    ]),
  );
}

/** Where the disk sits in the machine. */
function hidePlace(disk: string): string {
  return disk
    .replace(/<target dev='\w+'/, "<target dev='{{target}}'")
    .replace(/<alias name='virtio-disk\d+'/, "<alias name='virtio-disk{{place}}'")
    .replace(/slot='0x[0-9a-f]+'/, "slot='0x1{{place}}'");
}
