/**
 * The record of QoS that os-vif makes for each port that it plugs into the kernel's datapath (os-vif 3.2
 * `vif_plug_ovs/ovsdb/ovsdb_lib.py:create_ovs_vif_port`, option `default_qos_type`) and deletes with it (`delete_ovs_vif_port`).
 */
import { createHash } from 'node:crypto';
import type { DraftStep } from '../../plan/types.ts';
import type { Plug } from './find.ts';
import type { OvsQos } from './ovs.ts';
import { ovsGet, ovsSaved, recordIsOurs, stopped } from './steps.ts';

/** A record of QoS, and the device that it was made for. */
export interface DeviceQos {
  readonly uuid: string;
  readonly device: string;
}

/** os-vif 3.2 `vif_plug_ovs/ovsdb/ovsdb_lib.py:QOS_UUID_NAMESPACE` */
const NAMESPACE = Buffer.from('68da264a847f42a88ab05e774aee3d95', 'hex');

/** A uuid of version 5 (RFC 4122 section 4.3) of the device's name, by which os-vif finds it again (`get_qos`). */
function qosIdOf(device: string): string {
  const hash = createHash('sha1').update(NAMESPACE).update(device).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function qosOf(all: readonly OvsQos[], devices: readonly string[]): readonly DeviceQos[] {
  return [...new Set(devices)].flatMap((device) => {
    const id = qosIdOf(device);
    return all.filter((qos) => qos.id === id).map(({ uuid }) => ({ uuid, device }));
  });
}

/**
 * By its uuid. Open vSwitch refuses it while a port bears it.
 *
 * @param needs the steps that take that port out
 */
export function qosStep(plug: Plug, qos: DeviceQos, uuid: string, needs: readonly string[]): DraftStep {
  const { host } = plug;
  return {
    id: `interfaces/${host}/qos/${qos.uuid}`,
    phase: 'unplug',
    place: `host ${host}`,
    title: `delete the QoS record of ${qos.device}`,
    why: 'os-vif made it for this one device, and Open vSwitch keeps it for ever.',
    act: {
      door: 'command',
      host,
      argv: ['ovs-vsctl', '--timeout=10', '--', '--if-exists', 'destroy', 'QoS', qos.uuid],
      exit: [0],
    },
    guards: [stopped(host, uuid), ...recordIsOurs(plug, qos.device, uuid)],
    settled: { ...ovsGet(host, 'QoS', qos.uuid, '_uuid'), out: { equals: '' } },
    before: [ovsSaved(host, 'QoS', qos.uuid)],
    needs: [...needs],
    undo: 'never',
  };
}
