import type { Decisions, DraftStep, Kept, Manual, Remain } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { diskSteps, stepId } from './disk-steps.ts';
import type { ByHand, ConnectionFacts, DiskFacts, SessionFacts } from './facts.ts';
import { disconnectStep, unmapStep, unmountStep } from './other-steps.ts';
import { refuseByHand, refuseDoubts, refuseUsers } from './refusals.ts';
import { type Ending, isController, sessionSteps, staleRecordStep } from './session-steps.ts';

type OnHost = ConnectionFacts['volumes'][number];
type KeptHere = Omit<Kept, 'kind'>;

/**
 * Whether what is there is to go. What a row that is marked deleted led to, and another server has a claim on, was never this
 * server's: the storage gave its LUN again.
 */
type Fate =
  | { readonly is: 'goes' }
  | { readonly is: 'not-ours' }
  | { readonly is: 'stays'; readonly why: string };

function fateOf(at: OnHost): Fate {
  if (!at.live && at.type === 'disks' && at.users.some((user) => user.type === 'server'))
    return { is: 'not-ours' };
  if (at.sharedWith.length > 0)
    return { is: 'stays', why: `the same volume is attached to ${at.sharedWith.join(', ')}` };
  if (!at.live && at.type === 'disks' && at.doubts.length > 0)
    return {
      is: 'stays',
      why: `only an older record leads to it, or one of another host, and it is perhaps another volume: ${at.doubts.join('; ')}`,
    };
  if (at.type === 'mount' && at.users.length > 0)
    return { is: 'stays', why: `all volumes of ${at.export} are below it, and ${describeUsers(at)}` };
  if (at.type === 'nvme') return fateOfSubsystem(at);
  return { is: 'goes' };
}

/** The namespaces of a subsystem come and go by the storage's doing: os-brick too disconnects only when none, or only ours, is left. */
function fateOfSubsystem(at: Extract<OnHost, { type: 'nvme' }>): Fate {
  const others = at.users.flatMap((user) => (user.type === 'server' ? [user.described] : []));
  if (others.length > 0) return { is: 'stays', why: `the same subsystem is that of ${others.join(', ')}` };
  if (at.namespaces.length > 1)
    return {
      is: 'stays',
      why: `it has several namespaces (${at.namespaces.join(', ')}): the storage takes away the one that is not used any more`,
    };
  return { is: 'goes' };
}

function describeUsers({ users }: OnHost): string {
  const names = users.map((user) => {
    if (user.type === 'server') return user.described;
    if (user.type === 'program') return `process ${user.pid} (${user.name})`;
    return user.type === 'domain' ? `domain ${user.name}` : user.type;
  });
  return `in use by ${[...new Set(names)].join(', ')}`;
}

function describe(at: OnHost): string {
  switch (at.type) {
    case 'disks': {
      const above = [at.multipath?.name, at.crypt?.name].flatMap((name) => name ?? []);
      const disks = at.disks.map((disk) => disk.name).join(', ');
      return `volume ${at.volumeId}: ${at.disks.length === 1 ? 'disk' : 'disks'} ${disks}${above.length === 0 ? '' : `, below ${above.join(' and ')}`}`;
    }
    case 'nvme':
      return `volume ${at.volumeId}: NVMe subsystem ${at.nqn}`;
    case 'rbd':
      return `volume ${at.volumeId}: ${at.device}`;
    case 'mount':
      return `volume ${at.volumeId}: ${at.source} at ${at.target}`;
  }
}

function stepsOf(at: OnHost, uuid: string): DraftStep[] {
  switch (at.type) {
    case 'disks':
      return diskSteps(at, uuid);
    case 'nvme':
      return [disconnectStep(at, uuid)];
    case 'rbd':
      return [unmapStep(at, uuid)];
    case 'mount':
      return [unmountStep(at, uuid)];
  }
}

/** Disks that go, on one host, with the step that removes each. */
type Going = ReadonlyMap<string, string>;

function goingOn(host: string, volumes: readonly DiskFacts[]): Going {
  const here = volumes.filter((at) => at.host === host);
  return new Map(
    here.flatMap((at) => at.disks.map((disk) => [disk.name, `${stepId(at)}/${disk.name}`] as const)),
  );
}

/**
 * A session ends when no disk but this server's comes through it and nobody else of this host uses its target. Logging out takes every
 * LUN of the session from the host: those of other servers too.
 */
function planSession(
  at: SessionFacts,
  going: Going,
): Pick<KindPlan, 'remains' | 'kept'> & { ends: Ending[] } {
  const ours = at.devices.flatMap(({ disk }) => (disk === null ? [] : (going.get(disk) ?? [])));
  const strangers = at.devices.filter(
    (device) => !isController(device) && (device.disk === null || !going.has(device.disk)),
  );
  const place = `host ${at.host}`;
  const what = `iSCSI session to ${at.iqn} at ${at.portal}`;
  if (strangers.length === 0 && at.claimedBy.length === 0)
    return { ends: [{ at, needs: ours }], remains: [{ place, what }], kept: [] };
  // One that carries nothing of the server is nobody's business here.
  if (ours.length === 0) return { ends: [], remains: [], kept: [] };
  const others = strangers.map(({ disk, id }) => disk ?? id);
  const why = [
    ...(others.length === 0
      ? []
      : [`${others.join(', ')} ${others.length === 1 ? 'comes' : 'come'} through it too`]),
    ...(at.claimedBy.length === 0 ? [] : [`it is used by ${at.claimedBy.join(', ')}`]),
  ];
  return { ends: [], remains: [], kept: [{ place, what, why: why.join('; ') }] };
}

function planByHand(byHand: readonly ByHand[], decisions: Decisions): Omit<Manual, 'kind'>[] {
  const done = decisions.lift.includes('even-manual');
  return byHand
    .filter(({ live }) => live || !done)
    .map(({ place, volumeId, driver }) => ({
      place,
      what: `connection of volume ${volumeId} by ${driver}`,
      how: `once the domain is gone, do there what the connector of os-brick for ${driver} does in disconnect_volume, and see that no other server uses the device`,
    }));
}

/** Steps are planned even where a refusal stands: what may not be touched is not gone. */
export function planConnections(facts: ConnectionFacts, subject: Subject, decisions: Decisions): KindPlan {
  const fates = facts.volumes.map((at) => ({ at, fate: fateOf(at) }));
  const going = fates.flatMap(({ at, fate }) => (fate.is === 'goes' ? [at] : []));
  const steps = going.flatMap((at) => stepsOf(at, subject.uuid));
  const disks = going.filter((at) => at.type === 'disks');
  const sessions = facts.sessions.map((at) => planSession(at, goingOn(at.host, disks)));
  const remains: Omit<Remain, 'kind'>[] = going.map((at) => ({
    place: `host ${at.host}`,
    what: describe(at),
  }));
  const kept = fates.flatMap(({ at, fate }): KeptHere[] =>
    fate.is === 'stays' ? [{ place: `host ${at.host}`, what: describe(at), why: fate.why }] : [],
  );
  return {
    steps: [
      ...steps,
      ...sessionSteps(sessions.flatMap((s) => s.ends)),
      ...facts.records.map(staleRecordStep),
    ],
    remains: [
      ...remains,
      ...sessions.flatMap((s) => s.remains),
      ...facts.records.map((r) => ({ place: `host ${r.host}`, what: `record of ${r.iqn} at ${r.portal}` })),
    ],
    refusals: [
      ...going.flatMap((at) => [...refuseDoubts(at), ...refuseUsers(at)]),
      ...refuseByHand(facts.byHand, decisions),
    ],
    kept: [...kept, ...sessions.flatMap((s) => s.kept)],
    manual: planByHand(facts.byHand, decisions),
  };
}
