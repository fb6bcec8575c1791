/** The ladder by which a volume is let go of: the first rung that can work, and why those above it cannot. */
import type { Decisions } from '../../plan/types.ts';
import type { Connector } from '../subject/connector.ts';
import type { Subject } from '../subject/subject.ts';
import { capital, countOf } from '../words.ts';
import type { Attachment } from './attachments.ts';
import { describeVolume } from './describe.ts';
import { serviceOf } from './fate.ts';
import type { HeldVolume, VolumeFacts } from './find.ts';

/** How Cinder is asked to end an attachment. */
export interface Manner {
  readonly asService: boolean;
  /** after Nova's rows: Cinder would refuse before, or a nova-compute that starts meanwhile would take the volume from its other servers */
  readonly late: boolean;
}

export type Rung =
  | { readonly rung: 'attachment'; readonly manner: Manner; readonly why: string }
  | {
      readonly rung: 'force';
      readonly manner: Manner;
      /** null: every mapping of the volume, of which there are only this server's */
      readonly connector: Connector | null;
      readonly why: string;
    }
  /** of the whole volume */
  | { readonly rung: 'reset' | 'surgery'; readonly why: string }
  | { readonly rung: 'none'; readonly code: string; readonly sentence: string; readonly flag: string | null };

interface Asked {
  readonly held: HeldVolume;
  readonly attachment: Attachment;
  readonly facts: VolumeFacts;
  readonly subject: Subject;
  readonly decisions: Decisions;
}

/** `--detach` says where to begin; `--surgery` that one may go on to the end. */
export function chooseRung(asked: Asked): Rung {
  const { held, attachment, decisions } = asked;
  const start = decisions.detach ?? 'attachment';
  // What is only reserved Cinder's API deletes by itself; to force it would ask cinder-volume all the same.
  const isDown = held.backend === 'down' && attachment.status !== 'reserved';
  const not: string[] = [];
  if (start === 'attachment') {
    const against = isDown ? null : againstAttachment(asked);
    if (!isDown && against === null) return attachmentRung(asked);
    if (against !== null) not.push(`the attachment cannot be deleted: ${against}`);
  } else not.push(`--detach ${start} begins lower`);
  if (held.backend === 'down')
    not.push(`${serviceOf(held.volume.backend)} is down, and a request to it would hang`);
  else if (start !== 'reset') {
    const against = againstForce(asked);
    if (against === null) return forceRung(asked, not);
    not.push(`it cannot be force-detached: ${against}`);
  }
  return lowerRung(asked, not);
}

/** Below here the storage is not asked any more. */
function lowerRung({ held, subject, decisions }: Asked, not: readonly string[]): Rung {
  const { others, volume } = held;
  const mayReset = decisions.detach === 'reset' || decisions.surgery === true;
  const because = capital(not.join('; '));
  if (mayReset && others === 0)
    return {
      rung: 'reset',
      why: `${because}. Its state is reset in Cinder alone: export and mapping stay on the storage, to be removed there by hand.`,
    };
  if (decisions.surgery === true) {
    const against = againstSurgery(held, subject.uuid);
    if (against !== null)
      return none(
        'volume-cannot-detach',
        `${describeVolume(volume)}: ${not.join('; ')}; and --surgery cannot be done: ${against}`,
        null,
      );
    return {
      rung: 'surgery',
      why: `${because}; ${countOf(others, 'other')} hold${others === 1 ? 's' : ''} it, so its state is not reset. Cinder's rows are changed as it would do it: export and mapping stay on the storage, to be removed there by hand.`,
    };
  }
  if (decisions.detach === 'reset')
    return none(
      'volume-shared-reset',
      `${describeVolume(volume)}: resetting its state would end the attachments of ${countOf(others, 'other')} too`,
      'surgery',
    );
  const flag = others === 0 ? 'detach reset' : 'surgery';
  return held.backend === 'down'
    ? none(
        'volume-backend-down',
        `${describeVolume(volume)}: ${not.join('; ')}. Start it, or let go of the volume in Cinder alone, with its export left on the storage`,
        flag,
      )
    : none('volume-cannot-detach', `${describeVolume(volume)}: ${not.join('; ')}`, flag);
}

function againstSurgery({ rows }: HeldVolume, server: string): string | null {
  if ('why' in rows) return rows.why;
  const own = rows.attachments.some((row) => row.server === server);
  return own
    ? null
    : "Cinder's database has no attachment of this server: it changed meanwhile, or is another's";
}

function none(code: string, sentence: string, flag: string | null): Rung {
  return { rung: 'none', code, sentence: `${sentence}.`, flag };
}

/**
 * Attached the old way, by os-attach: the row has no connection, so deleting it would tell the storage nothing (cinder 21
 * `volume/manager.py:_connection_terminate`).
 */
function isLegacy({ connection, status }: Attachment): boolean {
  return connection === null && ['attached', 'detaching', 'error_detaching'].includes(status);
}

function againstAttachment({ attachment, facts }: Asked): string | null {
  if (facts.version === null) return 'this Cinder does not tell a server’s attachments (before Pike, 3.28)';
  if (isLegacy(attachment)) return 'it was attached the old way, and Cinder would not tell the storage';
  return null;
}

function attachmentRung(asked: Asked): Rung {
  const { facts, held } = asked;
  const manner = mannerOf(asked);
  const others =
    held.others === 0 ? '' : ` ${countOf(held.others, 'other')} keep${held.others === 1 ? 's' : ''} it.`;
  return {
    rung: 'attachment',
    manner,
    why: `${explainManner(manner, facts)}${others}`,
  };
}

function explainManner({ asService, late }: Manner, { token }: VolumeFacts): string {
  if (asService && token.available) {
    const order = late
      ? ' After Nova’s rows: a nova-compute that starts before would count who has the volume, find only the other, and disconnect it.'
      : '';
    return `As Nova does it: Cinder takes the mapping from the storage, for a service (the account of ${token.from}).${order}`;
  }
  if (late && !token.available)
    return `As Nova does it, but only after Nova's rows: without a service token Cinder answers 409 while Nova lists it (${token.why}).`;
  return 'As Nova does it; Nova does not list it as connected, so Cinder asks for no service token.';
}

/** A volume with several attachments may only be let go of as a whole by a service (cinder 21.3 `volume/api.py:attachment_deletion_allowed`). */
function againstForce({ held, attachment, facts }: Asked): string | null {
  const shared = held.others > 0;
  if (shared && facts.version === null)
    return `${countOf(held.others, 'other')} hold it, and this Cinder cannot show that theirs stays`;
  if (shared && attachment.connector === null)
    return `nobody wrote down its connector, and without it Cinder would take the volume from ${countOf(held.others, 'other')} too`;
  if (attachment.connector === null && held.attachments.length > 1)
    return 'the server has several attachments of it, and nobody wrote down their connectors';
  if (held.others + held.attachments.length > 1 && !facts.token.available)
    return `it has several attachments, so Cinder asks for a service token (${facts.token.why})`;
  return null;
}

function forceRung(asked: Asked, not: readonly string[]): Rung {
  const { attachment, held } = asked;
  const { connector } = attachment;
  return {
    rung: 'force',
    manner: mannerOf(asked),
    connector,
    why: `${capital(not.join('; '))}. Force-detach ${
      connector === null
        ? `without a connector, which nobody wrote down: the storage drops every mapping of the volume, and only this server holds it`
        : `with the connector that was written down when it was connected`
    }${held.others === 0 ? '' : `; ${countOf(held.others, 'other')} keep it`}.`,
  };
}

/**
 * Whether Cinder will ask Nova about it, and Nova still lists it: then it is for a service, or for later. What was never connected
 * Cinder does not ask about.
 *
 * Of a volume that others have too it is for later in any case. A nova-compute that starts on the host goes on with the delete of a server
 * whose row lives (nova 26 `compute/manager.py:_init_instance`), and leaves the disk connected only while Cinder lists more than one
 * attachment of the volume, and more than one of them are of living servers of its host (`virt/libvirt/driver.py:_should_disconnect_target`):
 * with the victim's gone from that list it would take the disk from under its neighbour.
 */
function mannerOf({ held, attachment, facts, subject }: Asked): Manner {
  const { row, volumes } = subject;
  const isListed =
    row !== null &&
    row.deleted === 0 &&
    attachment.status !== 'reserved' &&
    volumes.some((v) => !v.deleted && v.volumeId === attachment.volumeId && v.attachmentId === attachment.id);
  if (facts.token.available && facts.version !== null)
    return { asService: true, late: isListed && held.others > 0 };
  return { asService: false, late: isListed };
}
