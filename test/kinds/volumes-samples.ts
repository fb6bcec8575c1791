/** The kind `volumes` asked about one server, by its front door. */
import type { Subject } from '../../src/kinds/subject/subject.ts';
import { volumes } from '../../src/kinds/volumes/index.ts';
import type { Decisions, Step } from '../../src/plan/types.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, subject, volumeMapping } from '../support/subjects.ts';
import { ATTACHMENT, cinderAnswers, STRANGER, VOLUME, type VolumeWorld } from '../support/volume-answers.ts';

export const TOKEN: FakeAnswers = { serviceToken: { available: true, from: '[service_user]' } };
export const NO_TOKEN: FakeAnswers = { serviceToken: { available: false, why: 'nobody is named' } };
export const AS_NOVA = { volumes: { rest: 'as-nova', named: {} } } as const;
export const KEEP = { volumes: { rest: 'keep', named: {} } } as const;
export const DELETE = { volumes: { rest: 'delete', named: {} } } as const;
export const OTHER = { id: 'cccccccc-0000-4000-8000-000000000002', server: STRANGER };
/** Another attachment of this server. */
export const SECOND = { id: 'cccccccc-0000-4000-8000-000000000003' };
export const DELETED = { volumes: [volumeMapping({ deleteOnTermination: true })] };
export const DOWN = [{ host: 'controller@lvm', state: 'down' }];
export const CONNECTOR = { host: 'compute1', initiator: 'iqn.1993-08.org.debian:01:1', multipath: false };
/** Nova's row of a volume that was attached the old way. */
export const OLD_WAY = { volumes: [volumeMapping({ attachmentId: null, connector: CONNECTOR })] };

export interface Case {
  readonly cinder?: VolumeWorld;
  readonly server?: Partial<Subject>;
  readonly decided?: Partial<Decisions>;
  readonly reader?: FakeAnswers;
}

export async function find({ cinder, server, reader }: Case) {
  const of = subject({ volumes: [volumeMapping()], ...server });
  const found = await volumes.find(fakeReader({ http: cinderAnswers(cinder), ...TOKEN, ...reader }), of);
  return { facts: found.facts, of };
}

export async function plan(one: Case = {}) {
  const { facts, of } = await find(one);
  return volumes.plan(facts, of, decisions({ ...AS_NOVA, ...one.decided }));
}

/** The same while nobody has decided anything. */
export async function planUndecided(one: Case = {}) {
  const { facts, of } = await find(one);
  return volumes.plan(facts, of, decisions());
}

export const ids = ({ steps }: { steps: readonly { id: string }[] }) =>
  steps.map(({ id }) => id.replaceAll(VOLUME, 'V').replaceAll(ATTACHMENT, 'A'));
export const phases = ({ steps }: { steps: readonly Pick<Step, 'phase'>[] }) =>
  steps.map(({ phase }) => phase);
export const codes = ({ refusals }: { refusals: readonly { code: string }[] }) =>
  refusals.map(({ code }) => code);
