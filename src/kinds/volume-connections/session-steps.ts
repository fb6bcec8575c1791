/** Logs out of iSCSI targets, and takes their records away (os-brick 6.1 `connectors/iscsi.py:_disconnect_from_iscsi_portal`). */
import type { BeforeImage, Check, DraftStep } from '../../plan/types.ts';
import type { RecordFacts, SessionFacts } from './facts.ts';
import { type IscsiTarget, NONE, SESSIONS, sameTarget } from './iscsi.ts';

/** 21: there is none. 255: as older iscsiadm say it. */
const DONE_OR_GONE = [0, NONE, 255];

function onTarget({ iqn, portal }: IscsiTarget, ...words: readonly string[]): string[] {
  return ['iscsiadm', '-m', 'node', '-T', iqn, '-p', portal, ...words];
}

function noSession(at: SessionFacts): Check {
  return {
    door: 'command',
    host: at.host,
    argv: [...SESSIONS],
    exit: [0, NONE],
    out: { lacksLine: at.line },
  };
}

function logoutId({ host, sid }: SessionFacts): string {
  return `volume-connections/${host}/session/${sid}`;
}

/** Well known units of SCSI that are no disks of anybody: the controller (LUN 0 without a disk) and the well-known LUNs. */
export function isController({ lun, disk }: SessionFacts['devices'][number]): boolean {
  return disk === null && (lun === 0 || lun >= 0xc000);
}

/**
 * By the number of the session, which is never given twice: `--logout` by target and portal would end every session to them, one
 * that was made a moment ago too.
 */
function logoutStep({ at, needs }: Ending, recordGoes: boolean): DraftStep {
  const { host, iqn, portal, sid } = at;
  const manual = {
    argv: onTarget(at, '--op', 'update', '-n', 'node.startup', '-v', 'manual'),
    exit: DONE_OR_GONE,
  };
  const controllers = at.devices.filter(isController).map((device) => device.id);
  return {
    id: logoutId(at),
    phase: 'disconnect',
    place: `host ${host}`,
    title: `log out of ${iqn} at ${portal}`,
    why: 'No disk of anybody comes through this session any more.',
    act: {
      door: 'command',
      host,
      // First, so that a logout that hangs does not come back as a login when the host boots.
      ...(recordGoes ? { first: [manual] } : {}),
      argv: ['iscsiadm', '-m', 'session', '-r', String(sid), '--logout'],
      exit: DONE_OR_GONE,
    },
    guards: [
      {
        must: `the session has no device left but ${controllers.join(', ') || 'none'}`,
        check: {
          door: 'command',
          host,
          argv: [
            ...['find', at.folder, '-mindepth', '2', '-maxdepth', '4'],
            // A disk that the kernel was still making when it was looked at passed for a controller.
            ...['(', '-name', '*:*:*:*', '-o', '-path', '*/block/*', ')'],
            ...['-printf', '%f\\n'],
          ],
          exit: [0],
          out: { linesWithin: controllers },
        },
      },
    ],
    settled: noSession(at),
    patience: 30,
    before: [],
    needs: [...needs],
    undo: 'recreate',
  };
}

/** iscsiadm masks the password of a record with asterisks unless `-S` is given (open-iscsi `usr/idbm.c:idbm_print`). */
function recordImage(host: string, target: IscsiTarget): BeforeImage {
  return { door: 'command', host, argv: onTarget(target) };
}

/** iscsiadm refuses by itself to delete a record that a session uses. */
function recordStep(at: RecordFacts, guards: DraftStep['guards'], needs: readonly string[]): DraftStep {
  const { host, iqn, portal } = at;
  return {
    id: `volume-connections/${host}/record/${portal}/${iqn}`,
    phase: 'disconnect',
    place: `host ${host}`,
    title: `delete the record of ${iqn} at ${portal}`,
    why: 'The initiator would log in again by it, at boot or when somebody says so.',
    act: { door: 'command', host, argv: onTarget(at, '--op', 'delete'), exit: DONE_OR_GONE },
    guards,
    settled: { door: 'command', host, argv: onTarget(at), exit: [NONE], no: [0] },
    before: [recordImage(host, at)],
    needs: [...needs],
    undo: 'recreate',
  };
}

/** A session that is to end, and the steps that it waits for. */
export interface Ending {
  readonly at: SessionFacts;
  readonly needs: readonly string[];
}

/**
 * Logs out, and takes away the record that the session came by. Several can come by one, and then it goes after the last of them; while
 * one stays, it stays as it is.
 */
export function sessionSteps(endings: readonly Ending[]): DraftStep[] {
  return endings.flatMap((ending, place) => {
    const alike = endings.filter(({ at }) => at.host === ending.at.host && sameTarget(at, ending.at));
    const sids = alike.map(({ at }) => at.sid);
    const recordGoes = ending.at.recorded && ending.at.alike.every((sid) => sids.includes(sid));
    const logout = logoutStep(ending, recordGoes);
    if (!recordGoes || endings.indexOf(alike.at(-1) ?? ending) !== place) return [logout];
    const ended = alike.map(({ at }) => ({
      must: sids.length === 1 ? 'the session has ended' : `session ${at.sid} has ended`,
      check: noSession(at),
    }));
    return [
      logout,
      recordStep(
        ending.at,
        ended,
        alike.map(({ at }) => logoutId(at)),
      ),
    ];
  });
}

export function staleRecordStep(at: RecordFacts): DraftStep {
  return recordStep(at, [], []);
}
