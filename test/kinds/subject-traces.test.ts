import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/kinds/subject/connection.ts';
import { EVERY_HOST, type Host } from '../../src/kinds/subject/subject.ts';
import { mergeTraces, readTraces, type Traces, writeTraces } from '../../src/kinds/subject/traces.ts';
import { subject as subjectOf } from '../support/subjects.ts';
import { DOWN, details, find, live, PORT, row, service, services, VIF } from './subject-samples.ts';

describe('what an earlier run wrote down', () => {
  const known: Traces = {
    name: 'former',
    projectId: 'p0',
    domainName: 'instance-00000007',
    hosts: ['compute2'],
    portIds: [PORT],
    vifs: [VIF],
    volumes: [
      {
        rowId: 7,
        volumeId: 'bbbbbbbb-0000-4000-8000-000000000001',
        bootIndex: null,
        connection: { type: 'local', devicePath: null, multipathId: null, encrypted: false },
        connector: null,
        sizeGb: null,
        attachmentId: null,
        deleteOnTermination: true,
        deleted: false,
        deletedAt: null,
      },
    ],
  };

  test('is all that is known when no database knows the server any more', async () => {
    const { subject } = find({}, { known });
    expect(await subject).toMatchObject({
      name: 'former',
      projectId: 'p0',
      domainName: 'instance-00000007',
      hosts: [{ name: 'compute2', because: ['an earlier run looked there'] }],
      portIds: [PORT],
      vifs: [VIF],
      // Nothing of it stands in a live row.
      volumes: [{ ...known.volumes[0], deleted: true }],
    });
  });

  test('is added to what the databases know, which counts first', async () => {
    const { subject } = find({ [live(1)]: [row()], ...details(1) }, { known });
    expect(await subject).toMatchObject({
      name: 'web-1',
      projectId: 'p1',
      domainName: 'instance-0000002a',
      hosts: [{ name: 'compute1' }, { name: 'compute2' }],
      vifs: [VIF],
      volumes: [{ deleted: true }],
    });
  });

  test('yields to what the databases know of the same port and the same volume, and adds the others', async () => {
    const second = 'bbbbbbbb-0000-4000-8000-000000000002';
    const port = 'aaaaaaaa-0000-4000-8000-000000000002';
    const { subject } = find(
      {
        [live(1)]: [row()],
        ...details(1, {
          caches: [{ network_info: `[{"id": "${PORT}", "preserve_on_delete": false}]` }],
          bdms: [
            { id: 8, volume_id: known.volumes[0]?.volumeId ?? '', destination_type: 'volume', deleted: 0 },
          ],
        }),
      },
      {
        known: {
          ...known,
          vifs: [...known.vifs, { ...VIF, portId: port }],
          volumes: [...known.volumes, ...known.volumes.map((one) => ({ ...one, volumeId: second }))],
        },
      },
    );
    expect(await subject).toMatchObject({
      vifs: [
        { portId: PORT, preserveOnDelete: false },
        { portId: port, preserveOnDelete: true },
      ],
      volumes: [
        { rowId: 8, deleted: false },
        { volumeId: second, deleted: true },
      ],
    });
  });

  test('holds what it was to delete; without an earlier run nothing is', async () => {
    expect(await find({}, { known, doomed: ['v1'] }).subject).toMatchObject({ doomed: ['v1'] });
    expect(await find({}).subject).not.toHaveProperty('doomed');
    expect(await find({}).subject).not.toHaveProperty('portIds');
  });

  test('leads to its hosts, and to no others', async () => {
    const alive = { [services(1)]: [service('compute1')], [services(2)]: DOWN };
    const gone = await find(alive, { known }).subject;
    expect(gone.hosts.map(({ name }) => name)).toEqual(['compute2']);
    // No row and no build request: what is alive in a cell does not bear on it.
    expect(gone.unknown).toEqual([]);
  });
});

describe('traces in a plan', () => {
  const of = subjectOf({
    vifs: [{ ...VIF, mac: 'fa:16:3e:00:00:01' }],
    portIds: ['cccccccc-0000-4000-8000-000000000002', PORT],
    volumes: [
      {
        rowId: 7,
        volumeId: 'bbbbbbbb-0000-4000-8000-000000000001',
        bootIndex: 0,
        connection: {
          type: 'iscsi',
          devicePath: '/dev/sdb',
          multipathId: null,
          encrypted: false,
          paths: [{ portal: '10.0.0.1:3260', iqn: 'iqn.2026-01.lab:x', lun: 1 }],
        },
        connector: null,
        sizeGb: null,
        attachmentId: null,
        deleteOnTermination: false,
        deleted: true,
        deletedAt: null,
      },
    ],
  });

  test('are read back as they were written; the order of ports does not count', () => {
    const written = JSON.parse(JSON.stringify(writeTraces(of)));
    expect(readTraces(written)).toEqual({
      name: 'web-1',
      projectId: 'p1',
      domainName: 'instance-0000002a',
      hosts: ['compute1'],
      portIds: [PORT, 'cccccccc-0000-4000-8000-000000000002'],
      vifs: of.vifs,
      volumes: of.volumes,
    });
  });
  const common = { devicePath: null, multipathId: null, encrypted: true };
  test.each<Connection>([
    { ...common, type: 'fibre_channel', wwns: ['50060'], luns: [2] },
    { ...common, type: 'rbd', pool: 'volumes', image: 'volume-1' },
    { ...common, type: 'nvmeof', nqn: 'nqn.x', portals: ['10.0.0.1:4420'] },
    { ...common, type: 'nfs', export: 'nas:/v', file: 'volume-1' },
    { ...common, type: 'local' },
    { ...common, type: 'other', driver: 'scaleio' },
  ])('keep how a volume was reached: $type', (connection) => {
    const [volume] = of.volumes.map((one) => ({ ...one, connection, connector: { host: 'compute1' } }));
    if (volume === undefined) throw new Error('the sample has a volume');
    const written = JSON.parse(JSON.stringify(writeTraces({ ...of, volumes: [volume] })));
    expect(readTraces(written)?.volumes).toEqual([volume]);
  });
  test('hold no port when none is known', () => {
    expect(readTraces(writeTraces(subjectOf()))).toMatchObject({ portIds: [], vifs: [], volumes: [] });
  });
  test('hold a host that something leads to or that is off, not one that was passed by', () => {
    const host = { instancesPath: null, service: null };
    const hosts: Host[] = [
      { ...host, name: 'compute1', because: ['instances.host', EVERY_HOST] },
      { ...host, name: 'compute2', because: [EVERY_HOST] },
      { ...host, name: 'compute3', because: [EVERY_HOST], fenced: { answers: null } },
      { ...host, name: 'compute4', because: ['port aaaaaaaa is bound there'] },
    ];
    expect(readTraces(writeTraces(subjectOf({ hosts })))?.hosts).toEqual([
      'compute1',
      'compute3',
      'compute4',
    ]);
  });
  test.each<[string, object]>([
    ['hosts are no list', { hosts: 'compute1' }],
    ['a port is no uuid', { portIds: ['../x'] }],
    ['an interface is less than whole', { vifs: [{ portId: PORT }] }],
    [
      'a connection is of a type that is not known',
      { volumes: [{ ...of.volumes[0], connection: { type: 'x' } }] },
    ],
    ['a LUN is no number', { volumes: [{ ...of.volumes[0], rowId: '7' }] }],
    ['one of them is not there', { vifs: undefined }],
  ])('of another version are not guessed at: %s', (_, changes) => {
    const written = JSON.parse(JSON.stringify(writeTraces(of)));
    expect(readTraces(JSON.parse(JSON.stringify({ ...written, ...changes })))).toBeNull();
  });
  test('of several runs: the newest first, and what only older ones know', () => {
    const newer = readTraces(writeTraces(subjectOf({ domainName: null, portIds: [] })));
    const older = readTraces(writeTraces(of));
    if (newer === null || older === null) throw new Error('not read back');
    expect(mergeTraces([{ ...newer, hosts: ['compute9'] }, older])).toMatchObject({
      domainName: 'instance-0000002a',
      hosts: ['compute9', 'compute1'],
      portIds: older.portIds,
      volumes: older.volumes,
    });
    expect(mergeTraces([])).toBeNull();
    expect(mergeTraces([newer])).toEqual(newer);
  });
  test('of several runs that differ: the newer counts, and what both know is there once', () => {
    const older = readTraces(writeTraces(of));
    if (older === null) throw new Error('not read back');
    const second = 'bbbbbbbb-0000-4000-8000-000000000002';
    const newer: Traces = {
      ...older,
      name: 'web-2',
      projectId: 'p2',
      domainName: 'instance-0000002b',
      vifs: older.vifs.map((vif) => ({ ...vif, hybrid: false })),
      volumes: older.volumes.map((volume) => ({ ...volume, sizeGb: 20 })),
    };
    const more: Traces = {
      ...older,
      vifs: [...older.vifs, { ...VIF, portId: 'cccccccc-0000-4000-8000-000000000002' }],
      volumes: [...older.volumes, ...older.volumes.map((volume) => ({ ...volume, volumeId: second }))],
    };
    expect(mergeTraces([newer, more])).toEqual({
      ...newer,
      vifs: [...newer.vifs, more.vifs[1]],
      volumes: [...newer.volumes, more.volumes[1]],
    });
    const nameless = { ...newer, name: null, projectId: null };
    expect(mergeTraces([nameless, older])).toMatchObject({ name: 'web-1', projectId: 'p1' });
  });
});
