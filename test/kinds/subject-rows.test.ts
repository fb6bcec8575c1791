import { describe, expect, test } from 'vitest';
import {
  flag,
  number,
  parseInstance,
  parseMigration,
  parseVolumeMapping,
  text,
} from '../../src/kinds/subject/parse.ts';
import { instanceRow } from '../support/subjects.ts';

describe('values of rows', () => {
  test('a column that the release lacks, NULL, and binary read as nothing', () => {
    for (const row of [{}, { a: null }, { a: { base64: 'AA==' } }]) {
      expect(text(row, 'a')).toBeNull();
      expect(number(row, 'a')).toBeNull();
      expect(flag(row, 'a')).toBe(false);
    }
  });
  test('numbers that the driver gives as text', () => {
    expect(number({ a: '12' }, 'a')).toBe(12);
    expect(text({ a: 12 }, 'a')).toBe('12');
    expect(flag({ a: '0' }, 'a')).toBe(false);
    expect(flag({ a: '1' }, 'a')).toBe(true);
  });
  test('every column of an instance has its place', () => {
    const columns = {
      id: 7,
      uuid: 'u',
      display_name: 'web-1',
      project_id: 'p1',
      user_id: 'u1',
      vm_state: 'active',
      task_state: 'deleting',
      power_state: 1,
      host: 'compute1',
      locked: 1,
      disable_terminate: 1,
      hidden: 1,
      cleaned: 1,
      deleted: 7,
      created_at: '2026-01-01 00:00:01',
      updated_at: '2026-01-01 00:00:02',
      deleted_at: '2026-01-01 00:00:03',
      terminated_at: '2026-01-01 00:00:04',
      launched_at: '2026-01-01 00:00:05',
    };
    expect(parseInstance(columns, true)).toEqual({
      id: 7,
      uuid: 'u',
      displayName: 'web-1',
      projectId: 'p1',
      userId: 'u1',
      vmState: 'active',
      taskState: 'deleting',
      powerState: 1,
      host: 'compute1',
      locked: true,
      disableTerminate: true,
      hidden: true,
      cleaned: true,
      deleted: 7,
      createdAt: '2026-01-01 00:00:01',
      updatedAt: '2026-01-01 00:00:02',
      deletedAt: '2026-01-01 00:00:03',
      terminatedAt: '2026-01-01 00:00:04',
      launchedAt: '2026-01-01 00:00:05',
      archived: true,
    });
  });
  test('columns that a release lacks are null, and nothing is marked', () => {
    expect(parseInstance({ id: 1, uuid: 'u', deleted: 0, host: null }, false)).toEqual({
      ...Object.fromEntries(Object.keys(instanceRow()).map((key) => [key, null])),
      id: 1,
      uuid: 'u',
      locked: false,
      disableTerminate: false,
      hidden: false,
      cleaned: false,
      deleted: 0,
      archived: false,
    });
  });
  test('a migration', () => {
    const columns = { id: 3, status: 'error', source_compute: 'compute1', dest_compute: 'compute2' };
    const old = {
      id: 3,
      uuid: null,
      status: 'error',
      sourceCompute: 'compute1',
      destCompute: 'compute2',
      deleted: false,
    };
    expect(parseMigration(columns)).toEqual(old);
    expect(parseMigration({ ...columns, uuid: 'm3', deleted: 3 })).toEqual({
      ...old,
      uuid: 'm3',
      deleted: true,
    });
  });
});

describe('volumes', () => {
  test.each<[string, Record<string, string | number | null>, boolean]>([
    ['a Cinder volume', { volume_id: 'v1', destination_type: 'volume' }, true],
    ['a local disk', { volume_id: null, destination_type: 'local' }, false],
    ['a volume that was never made', { volume_id: null, destination_type: 'volume' }, false],
    ['an image', { volume_id: 'v1', destination_type: 'local' }, false],
  ])('%s', (_, row, isVolume) => {
    expect(parseVolumeMapping({ deleted: 0, ...row }) !== null).toBe(isVolume);
  });

  const attached = { id: 7, volume_id: 'v1', destination_type: 'volume', boot_index: 0, volume_size: 20 };
  const old = {
    rowId: 7,
    volumeId: 'v1',
    bootIndex: 0,
    connection: null,
    connector: null,
    sizeGb: 20,
    attachmentId: null,
    deleteOnTermination: false,
    deleted: false,
    deletedAt: null,
  };
  test('attached by a release before Pike, and not connected yet', () => {
    expect(parseVolumeMapping({ ...attached, connection_info: null })).toEqual(old);
    expect(parseVolumeMapping({ ...attached, connection_info: '{}' })).toEqual(old);
  });
  test('attached, noted with its host, and marked deleted', () => {
    const info = { driver_volume_type: 'local', data: {}, connector: { host: 'compute1' } };
    expect(
      parseVolumeMapping({
        ...attached,
        connection_info: JSON.stringify(info),
        attachment_id: 'a1',
        delete_on_termination: 1,
        deleted: 7,
        deleted_at: '2026-01-01 00:00:00',
      }),
    ).toEqual({
      ...old,
      connection: { type: 'local', devicePath: null, multipathId: null, encrypted: false },
      connector: { host: 'compute1' },
      attachmentId: 'a1',
      deleteOnTermination: true,
      deleted: true,
      deletedAt: '2026-01-01 00:00:00',
    });
  });
});
