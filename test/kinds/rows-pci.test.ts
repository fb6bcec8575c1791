import { describe, expect, test } from 'vitest';
import type { PciDevice } from '../../src/kinds/rows/find.ts';
import { facts, NOW, onlyStep, planFor, SERVER, sent } from './rows-samples.ts';

describe('PCI devices', () => {
  const device = (changes: Partial<PciDevice> = {}): PciDevice => ({
    id: 7,
    address: '0000:81:00.1',
    devType: 'type-VF',
    status: 'allocated',
    nodeId: 1,
    parentAddress: '0000:81:00.0',
    follows: [],
    ...changes,
  });
  const freed = (pci: readonly PciDevice[]) => sent(onlyStep(facts({}, { pci }), { row: null }).writes);

  test('a device is freed, and what follows from it with its status as it was seen', () => {
    expect(freed([device({ follows: [{ id: 1, status: 'unavailable' }] })])).toEqual([
      `1: update pci_devices set status = "available", instance_uuid = null, request_id = null, updated_at = ${NOW} where id = 7 and instance_uuid = "${SERVER}"`,
      `1: update pci_devices set status = "available", updated_at = ${NOW} where id = 1 and status = "unavailable"`,
    ]);
  });
  test('each that is still the server’s remains', () => {
    expect(planFor(facts({}, { pci: [device()] }), { row: null }).remains).toEqual([
      { place: 'database of cell1', what: 'PCI device 0000:81:00.1, allocated' },
    ]);
  });
  test('two VFs of one PF free it once: the second time it would touch no row', () => {
    const follows = [{ id: 1, status: 'unavailable' }];
    const writes = freed([device({ follows }), device({ id: 8, follows })]);
    expect(writes.filter((w) => w.includes('where id = 1 '))).toHaveLength(1);
    expect(writes).toHaveLength(3);
  });
  test('each is saved once', () => {
    const follows = [{ id: 1, status: 'unavailable' }];
    const step = onlyStep(facts({}, { pci: [device({ follows }), device({ id: 8, follows })] }), {
      row: null,
    });
    expect(step.before.filter((b) => b.door === 'sql' && b.table === 'pci_devices')).toEqual([
      {
        door: 'sql',
        database: 'cell:c1',
        table: 'pci_devices',
        where: [{ column: 'id', is: 'in', value: [7, 1, 8] }],
      },
    ]);
  });
});
