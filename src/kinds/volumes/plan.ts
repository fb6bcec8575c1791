import type { Decisions, DraftStep, Kept, Refusal } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { countOf } from '../words.ts';
import { describeHold, describeVolume } from './describe.ts';
import { decideFate, type Fate, isGivenAway } from './fate.ts';
import type { HeldVolume, VolumeFacts } from './find.ts';
import { chooseRung, type Rung } from './ladder.ts';
import { secureStep } from './secure.ts';
import { attachmentStep, deleteStep, forceStep, PLACE, resetStep } from './steps.ts';
import { surgeryStep } from './surgery.ts';
import type { Volume } from './volume.ts';

type Refused = Omit<Refusal, 'kind'>;

interface Judged {
  readonly held: HeldVolume;
  readonly fate: Fate;
  readonly detach: readonly DraftStep[];
  readonly refused: readonly Refused[];
}

/** Each volume by itself: let go of by the first rung that works, then kept or deleted as was decided. */
export function planVolumes(facts: VolumeFacts, subject: Subject, decisions: Decisions): KindPlan {
  const judged = facts.volumes.map((held) => judge(held, facts, subject, decisions));
  const undecided = judged.filter(({ fate }) => fate.act === 'undecided');
  return {
    remains: judged.flatMap(({ held, fate }) => remainsOf(held, fate)),
    refusals: [
      ...(undecided.length === 0 ? [] : [refuseUndecided(undecided)]),
      ...refuseStrangers(facts, subject, decisions),
      ...judged.flatMap(({ refused }) => refused),
    ],
    kept: [...judged.flatMap(({ held, fate }) => keep(held, fate)), ...facts.doomed.map(keepDoomed)],
    steps: [
      ...secure(judged, subject),
      ...judged.flatMap(({ held, fate, detach }) => [
        ...detach,
        ...(fate.act === 'delete' ? [deleteStep(held, fate.why, detach, facts)] : []),
      ]),
    ],
  };
}

function judge(held: HeldVolume, facts: VolumeFacts, subject: Subject, decisions: Decisions): Judged {
  const fate = decideFate(held, decisions);
  if (fate.act === 'undecided') return { held, fate, detach: [], refused: [] };
  const rungs = held.attachments.map((attachment) => ({
    attachment,
    rung: chooseRung({ held, attachment, facts, subject, decisions }),
  }));
  const detach = rungs.flatMap(({ attachment, rung }) => makeSteps(held, attachment, rung, facts, subject));
  const refused = rungs.flatMap(({ rung }) => (rung.rung === 'none' ? [refuseRung(rung)] : []));
  return {
    held,
    fate,
    // A volume is reset, or its rows changed, once for all that the server has of it.
    detach: uniqueBy(detach, ({ id }) => id),
    refused: [
      ...uniqueBy(refused, ({ sentence }) => sentence),
      ...(fate.act === 'refuse' ? [refuseDeletion(held, fate.obstacle)] : []),
    ],
  };
}

function uniqueBy<T>(all: readonly T[], key: (one: T) => string): T[] {
  return [...new Map(all.map((one) => [key(one), one])).values()];
}

function makeSteps(
  held: HeldVolume,
  attachment: HeldVolume['attachments'][number],
  rung: Rung,
  facts: VolumeFacts,
  subject: Subject,
): DraftStep[] {
  const { id } = attachment;
  switch (rung.rung) {
    case 'attachment':
      return id === null ? [] : [attachmentStep(held, { ...attachment, id }, rung, subject)];
    case 'force':
      return [forceStep(held, attachment, rung, facts, subject)];
    case 'reset':
      return [resetStep(held, attachment, rung.why, facts, subject)];
    case 'surgery':
      return 'why' in held.rows ? [] : [surgeryStep(held, held.rows, subject.uuid, rung.why)];
    case 'none':
      return [];
  }
}

function refuseRung({ code, sentence, flag }: Extract<Rung, { rung: 'none' }>): Refused {
  return { code, sentence, flag };
}

function refuseDeletion(held: HeldVolume, obstacle: string): Refused {
  const { volume } = held;
  return {
    code: 'volume-not-deletable',
    sentence: `${describeVolume(volume)} is to be deleted, and Cinder will refuse: ${obstacle}. Settle that first, or keep it.`,
    flag: `volumes ${volume.id}=keep`,
  };
}

/**
 * A mistyped id leaves the volume that was meant to what is said of the rest. Rows that were deleted count: a run that was cut is
 * repeated with the same words.
 */
function refuseStrangers(facts: VolumeFacts, { volumes }: Subject, decisions: Decisions): Refused[] {
  const own = new Set([
    ...volumes.map(({ volumeId }) => volumeId),
    ...facts.volumes.map(({ volume }) => volume.id),
  ]);
  const strangers = Object.keys(decisions.volumes?.named ?? {}).filter((id) => !own.has(id));
  if (strangers.length === 0 || facts.volumes.length === 0 || decisions.volumes?.rest === undefined)
    return [];
  return [
    {
      code: 'volume-not-its',
      sentence: `--volumes names ${strangers.join(', ')}, which this server has nothing to do with. With volumes by name, say one server at a time.`,
      flag: null,
    },
  ];
}

/** On a terminal `purge` asks instead: `volumes` has what it needs for that. */
function refuseUndecided(undecided: readonly Judged[]): Refused {
  const volumes = undecided.flatMap(({ held, fate }) =>
    fate.act === 'undecided'
      ? [{ id: held.volume.id, what: describeVolume(held.volume), nova: fate.nova, lost: lostWith(held) }]
      : [],
  );
  const list = volumes.map(({ what, nova }) => `${what} (Nova would ${nova} it)`).join('; ');
  return {
    code: 'volumes-undecided',
    sentence: `Nobody has decided what becomes of ${countOf(volumes.length, 'volume')}: ${list}.`,
    flag: 'volumes as-nova',
    volumes,
  };
}

/** What goes with a volume that is deleted, or what keeps it from being deleted; empty when there is nothing more to say. */
function lostWith({ volume, snapshots, others }: HeldVolume): string {
  return [
    ...(volume.encrypted ? ['encrypted: its key goes with it'] : []),
    ...(snapshots.length > 0 ? [`${countOf(snapshots.length, 'snapshot')}: cannot be deleted`] : []),
    ...(others > 0 ? [`held by ${countOf(others, 'other')}: cannot be deleted`] : []),
  ].join('; ');
}

function remainsOf(held: HeldVolume, fate: Fate): KindPlan['remains'] {
  const what = describeVolume(held.volume);
  if (held.attachments.length > 0) return [{ place: PLACE, what: `${what}, ${describeHold(held)}` }];
  return fate.act === 'keep' ? [] : [{ place: PLACE, what: `${what}, not attached, not deleted` }];
}

/** In use by nobody that Cinder names, and yet not to be used: what an earlier detaching that broke off leaves. */
const STUCK = ['attaching', 'detaching', 'reserved', 'in-use'];

function keep(held: HeldVolume, fate: Fate): Omit<Kept, 'kind'>[] {
  if (fate.act !== 'keep') return [];
  const { volume, attachments, others } = held;
  const stuck =
    attachments.length === 0 && others === 0 && STUCK.includes(volume.status)
      ? `; its status is ${volume.status} although nobody holds it: openstack volume set --state available ${volume.id}`
      : '';
  return [{ place: PLACE, what: describeVolume(volume), why: `${fate.why}${stuck}` }];
}

/**
 * A nova-compute that ended the delete in the middle of the run let go of it before the run came to it. Whose it is by now nobody can
 * tell: what can never come back is not deleted on the word of an old plan.
 */
function keepDoomed(volume: Volume): Omit<Kept, 'kind'> {
  const state =
    volume.status === 'available'
      ? `if it is still to go: openstack volume delete ${volume.id}`
      : `it is ${volume.status} now`;
  return {
    place: PLACE,
    what: describeVolume(volume),
    why: `an earlier run was to delete it, and Nova let go of it before; ${state}`,
  };
}

/**
 * All rows that give Nova such a volume to delete, those of earlier attachments too: a nova-compute that comes back reads them with the
 * rest. On a host that is off its domain is still there to be found, so volumes that the server has let go of long ago count there.
 */
function secure(judged: readonly Judged[], { uuid, cell, volumes, hosts }: Subject): DraftStep[] {
  const held = new Map(
    judged.map(({ held: one, fate }) => [one.volume.id, fate.act === 'keep' || isGivenAway(one)]),
  );
  const comesBack = hosts.some(({ fenced }) => fenced !== undefined);
  const mappings = volumes.filter(
    (mapping) =>
      mapping.deleteOnTermination && mapping.rowGone !== true && (held.get(mapping.volumeId) ?? comesBack),
  );
  return cell === null || mappings.length === 0 ? [] : [secureStep(mappings, uuid, cell)];
}
