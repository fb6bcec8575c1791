/** When what is on a host is perhaps not this server's, or somebody else uses it. Identity: no flag lifts any of it. */
import type { Decisions, Refusal } from '../../plan/types.ts';
import type { ByHand, ConnectionFacts, User } from './facts.ts';

type Draft = Omit<Refusal, 'kind'>;
type OnHost = ConnectionFacts['volumes'][number];

function refuseUser({ host, volumeId }: OnHost, user: User): Draft {
  const volume = `volume ${volumeId}`;
  switch (user.type) {
    case 'server':
      return {
        code: 'connection-of-other-server',
        flag: null,
        sentence: `what ${host} has of ${volume} is by Nova's record also that of ${user.described}: one of the two records is wrong`,
      };
    case 'domain':
      return {
        code: 'connection-other-domain',
        flag: null,
        sentence: `domain ${user.name} on ${host} uses ${user.disk}, which is ${volume}`,
      };
    case 'mount':
      return {
        code: 'connection-mounted',
        flag: null,
        sentence: `${user.device} on ${host}, which is ${volume}, is mounted at ${user.target}: unmount it first`,
      };
    case 'holder':
      return {
        code: 'connection-held',
        flag: null,
        sentence: `${user.what} ${user.name} on ${host} lies on ${user.device}, which is ${volume}: take it away first`,
      };
    case 'program':
      return {
        code: 'connection-open',
        flag: null,
        sentence: `process ${user.pid} (${user.name}) on ${host} has ${user.device} open, which is ${volume}`,
      };
  }
}

export function refuseUsers(at: OnHost): Draft[] {
  return at.users.map((user) => refuseUser(at, user));
}

/** What stands under the connection of a volume that Nova or Cinder still list, and does not look like it. */
export function refuseDoubts(at: OnHost): Draft[] {
  if (at.type !== 'disks' || at.doubts.length === 0) return [];
  return [
    {
      code: 'connection-other-disk',
      flag: null,
      sentence: `what ${at.host} has under the connection of volume ${at.volumeId} is perhaps not it: ${at.doubts.join('; ')}`,
    },
  ];
}

export function refuseByHand(byHand: readonly ByHand[], decisions: Decisions): Draft[] {
  const open = byHand.filter(() => !decisions.lift.includes('even-manual'));
  return open.map(({ place, volumeId, driver }) => ({
    code: 'connection-by-hand',
    flag: 'even-manual',
    sentence: `volume ${volumeId} is connected to ${place} by ${driver}, which this version has no commands for: disconnect it there by hand`,
  }));
}
