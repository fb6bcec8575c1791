import type { InstanceRow, Subject, VolumeMapping } from '../../src/kinds/subject/subject.ts';
import type { Decisions } from '../../src/plan/types.ts';

export function decisions(changes: Partial<Decisions> = {}): Decisions {
  return { ports: 'as-nova', allHosts: false, lift: [], ...changes };
}

/** A live row on `compute1`, stuck in `deleting`. */
export function instanceRow(changes: Partial<InstanceRow> = {}): InstanceRow {
  return {
    id: 42,
    uuid: '11111111-2222-4333-8444-555555555555',
    displayName: 'web-1',
    projectId: 'p1',
    userId: 'u1',
    vmState: 'active',
    taskState: 'deleting',
    powerState: 1,
    host: 'compute1',
    locked: false,
    disableTerminate: false,
    hidden: false,
    cleaned: false,
    deleted: 0,
    createdAt: '2026-11-01 10:00:00',
    updatedAt: '2026-11-02 10:00:00',
    deletedAt: null,
    terminatedAt: null,
    launchedAt: '2026-11-01 10:01:00',
    archived: false,
    ...changes,
  };
}

export function subject(changes: Partial<Subject> = {}): Subject {
  const row = changes.row === undefined ? instanceRow() : changes.row;
  return {
    uuid: row?.uuid ?? '11111111-2222-4333-8444-555555555555',
    name: row?.displayName ?? null,
    projectId: row?.projectId ?? null,
    row,
    cell: { uuid: 'c1', name: 'cell1', database: 'cell:c1', isCell0: false },
    mapping: { cellUuid: 'c1', queuedForDelete: false },
    buildRequest: null,
    domainName: 'instance-0000002a',
    systemMetadata: new Map(),
    vifs: [],
    migrations: [],
    volumes: [],
    hosts: [
      {
        name: 'compute1',
        because: ['instances.host'],
        instancesPath: '/var/lib/nova/instances',
        service: { up: false, lastSeen: '2026-11-02 10:00:00' },
      },
    ],
    conductorUp: true,
    unknown: [],
    era: { atLeast: 26, below: 27 },
    now: '2026-11-22 10:00:00',
    ...changes,
  };
}

/** A volume that Nova's rows name, attached in the new way. */
export function volumeMapping(changes: Partial<VolumeMapping> = {}): VolumeMapping {
  return {
    rowId: 7,
    volumeId: 'bbbbbbbb-0000-4000-8000-000000000001',
    bootIndex: null,
    connection: null,
    connector: null,
    sizeGb: null,
    attachmentId: 'cccccccc-0000-4000-8000-000000000001',
    deleteOnTermination: false,
    deleted: false,
    deletedAt: null,
    ...changes,
  };
}
