/**
 * What leads to the places of a server, and may be gone when they are looked at again: Nova empties `network_info` when it deletes a
 * server, and archives and purges the rows of deleted ones. Every plan carries it, so that each later look, the one that is to prove a
 * purge and the one at a host that was off, knows where the first one looked.
 */
import * as z from '../../plan/zod.ts';
import type { Connection } from './connection.ts';
import { isLedTo, type Subject, type Vif, type VolumeMapping } from './subject.ts';

const text = z.string().nullable();

const vif: z.ZodType<Vif> = z.object({
  portId: z.uuid(),
  type: text,
  devname: text,
  bridge: text,
  hybrid: z.boolean(),
  vnicType: z.string(),
  mac: z.string().exactOptional(),
  otherSwitch: z.enum(['vrouter', 'fast-path', 'none']).exactOptional(),
  trusted: z.string().exactOptional(),
  ownTap: z.literal(true).exactOptional(),
  preserveOnDelete: z.boolean().nullable(),
});

const common = { devicePath: text, multipathId: text, encrypted: z.boolean() };
const path = z.object({ portal: z.string(), iqn: z.string(), lun: z.int() });
const connection: z.ZodType<Connection> = z.discriminatedUnion('type', [
  z.object({ ...common, type: z.literal('iscsi'), paths: z.array(path) }),
  z.object({
    ...common,
    type: z.literal('fibre_channel'),
    wwns: z.array(z.string()),
    luns: z.array(z.int()),
  }),
  z.object({ ...common, type: z.literal('rbd'), pool: z.string(), image: z.string() }),
  z.object({ ...common, type: z.literal('nvmeof'), nqn: z.string(), portals: z.array(z.string()) }),
  z.object({ ...common, type: z.literal('nfs'), export: z.string(), file: z.string() }),
  z.object({ ...common, type: z.literal('local') }),
  z.object({ ...common, type: z.literal('other'), driver: z.string() }),
]);

const volume: z.ZodType<VolumeMapping> = z.object({
  rowId: z.int(),
  volumeId: z.string(),
  bootIndex: z.int().nullable(),
  connection: connection.nullable(),
  connector: z.record(z.string(), z.json()).nullable(),
  sizeGb: z.int().nullable(),
  attachmentId: text,
  deleteOnTermination: z.boolean(),
  deleted: z.boolean(),
  deletedAt: text,
  rowGone: z.literal(true).exactOptional(),
});

const traces = z.object({
  name: text,
  projectId: text,
  domainName: text,
  hosts: z.array(z.string()),
  portIds: z.array(z.uuid()),
  vifs: z.array(vif),
  volumes: z.array(volume),
});

export type Traces = z.infer<typeof traces>;

type Json = z.infer<ReturnType<typeof z.json>>;

/**
 * As a plan holds it. The order of what APIs listed does not count, so that equal facts give equal plans. A host that a look at all of them
 * passed by is none that a later look has to go to; one that is off is waited for.
 */
export function writeTraces(subject: Subject): Json {
  const { name, projectId, domainName, hosts, portIds = [], vifs, volumes } = subject;
  return z.json().parse({
    name,
    projectId,
    domainName,
    hosts: hosts.filter((host) => isLedTo(host) || host.fenced !== undefined).map((host) => host.name),
    portIds: [...portIds].sort(),
    vifs,
    volumes,
  });
}

/** Null: another version of expunge wrote them, in another way. */
export function readTraces(written: Json): Traces | null {
  return traces.safeParse(written).data ?? null;
}

/** Those of several runs on one server, the newest first: of two that differ the newer counts. */
export function mergeTraces(all: readonly Traces[]): Traces | null {
  const [first, ...others] = all;
  if (first === undefined) return null;
  return others.reduce<Traces>(
    (sum, older) => ({
      name: sum.name ?? older.name,
      projectId: sum.projectId ?? older.projectId,
      domainName: sum.domainName ?? older.domainName,
      hosts: [...new Set([...sum.hosts, ...older.hosts])],
      portIds: [...new Set([...sum.portIds, ...older.portIds])],
      vifs: withOthers(sum.vifs, older.vifs, (one) => one.portId),
      volumes: withOthers(sum.volumes, older.volumes, (one) => one.volumeId),
    }),
    first,
  );
}

/** All of `own`, and of `known` what is not among them. */
export function withOthers<T>(own: readonly T[], known: readonly T[], keyOf: (one: T) => string): T[] {
  const keys = new Set(own.map(keyOf));
  return [...own, ...known.filter((one) => !keys.has(keyOf(one)))];
}
