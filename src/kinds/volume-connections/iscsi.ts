/** What the initiator of a host says: its sessions, and the records of targets that it knows. */

import { linesOf } from '../../site/command/lines.ts';
import type { Reader } from '../../site/reader.ts';
import type { IscsiPath } from '../subject/connection.ts';
import { ask, notUnderstood } from './ask.ts';

/** `iscsiadm -m session`. What it prints holds no secret; `-S`, which shows passwords, is never given. */
export const SESSIONS = ['iscsiadm', '-m', 'session'];
const RECORDS = ['iscsiadm', '-m', 'node'];

/** ISCSI_ERR_NO_OBJS_FOUND of open-iscsi: there is none */
export const NONE = 21;

export interface Session {
  readonly sid: number;
  readonly portal: string;
  readonly iqn: string;
  /** its line in the list, to see that it is still there, or gone */
  readonly line: string;
}

export interface IscsiTarget {
  readonly portal: string;
  readonly iqn: string;
}

export interface Initiator {
  readonly sessions: readonly Session[];
  readonly records: readonly IscsiTarget[];
}

/** `tcp: [1] 10.0.0.1:3260,1 iqn.… (non-flash)`; before open-iscsi 2.0-873 without what stands in brackets. */
const SESSION = /^[\w-]+: \[(\d+)\] (\S+):(\d+),-?\d+ (\S+)(?: \((flash|non-flash)\))?$/;
const RECORD = /^(\S+):(\d+),-?\d+ (\S+)$/;

/**
 * Every session, and every target that it has a record of: once, also where it has one for each of several interfaces, which
 * `iscsiadm -m node` lists one by one.
 *
 * @throws LookError when the initiator does not answer
 */
export async function readInitiator(look: Reader, host: string): Promise<Initiator> {
  const [sessions, records] = await Promise.all([
    ask(look, host, SESSIONS, [0, NONE]),
    ask(look, host, RECORDS, [0, NONE]),
  ]);
  return {
    sessions: listed(sessions).flatMap((line) => parseSession(host, line) ?? []),
    records: distinct(listed(records).map((line) => parseRecord(host, line))),
  };
}

function distinct(records: readonly IscsiTarget[]): IscsiTarget[] {
  return records.filter((record, at) => records.findIndex((one) => sameTarget(one, record)) === at);
}

function listed({ exit, out }: { readonly exit: number; readonly out: string }): string[] {
  return exit === NONE ? [] : linesOf(out).map((line) => line.trim());
}

/** null: a session of the adapter's own flash, from which the host may have booted; os-brick leaves it alone as well */
function parseSession(host: string, line: string): Session | null {
  const [, sid, address, port, iqn, flash] = SESSION.exec(line) ?? [];
  if (sid === undefined || iqn === undefined) throw notUnderstood(host, 'iscsiadm', line);
  return flash === 'flash' ? null : { sid: Number(sid), portal: portalOf(address, port), iqn, line };
}

function parseRecord(host: string, line: string): IscsiTarget {
  const [, address, port, iqn] = RECORD.exec(line) ?? [];
  if (iqn === undefined) throw notUnderstood(host, 'iscsiadm', line);
  return { portal: portalOf(address, port), iqn };
}

/** In brackets when it is IPv6. iscsiadm goes by the dot: it sets `[san1]:3260`, and leaves `::ffff:10.0.0.1:3260` as it is. */
function portalOf(address = '', port = ''): string {
  const plain = address.replace(/^\[(.*)\]$/, '$1');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

export function sameTarget(a: IscsiTarget, b: IscsiTarget): boolean {
  return a.iqn === b.iqn && a.portal === b.portal;
}

/** Portals are compared without regard to case, as os-brick does (6.1 `connectors/iscsi.py:_connect_to_iscsi_portal_unsafe`). */
export function leadsTo(target: IscsiTarget, path: IscsiPath): boolean {
  return target.iqn === path.iqn && target.portal.toLowerCase() === path.portal.toLowerCase();
}
