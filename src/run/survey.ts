/** Looks at everything, side by side, and writes nothing. */
import type { Kind } from '../kinds/kind.ts';
import { reason } from '../kinds/kind.ts';
import { KINDS } from '../kinds/registry.ts';
import { findSubject } from '../kinds/subject/find.ts';
import { widenHosts } from '../kinds/subject/hosts.ts';
import { resolveServer } from '../kinds/subject/resolve.ts';
import type { Subject, SubjectOptions } from '../kinds/subject/subject.ts';
import type { Traces } from '../kinds/subject/traces.ts';
import { LookError, UsageError } from '../plan/errors.ts';
import type { Unknown } from '../plan/types.ts';
import type { Site } from '../site/connect.ts';
import type { Reader } from '../site/reader.ts';
import { askFenced, withoutHosts } from './fenced.ts';

export interface Survey {
  readonly subject: Subject;
  /** facts per kind, in the registry's order; a kind that could look nowhere is not in it */
  readonly found: readonly { readonly kind: Kind<unknown>; readonly facts: unknown }[];
  readonly unknown: readonly Unknown[];
}

/** What a survey needs of a site: its reading half, and nothing that writes. */
export type SurveySite = Pick<Site, 'config' | 'cells' | 'reader'>;

/** What is unknown of a server because this version cannot read the record of a run on it: no kind of remains. */
export const RUNS = 'runs';

/** nova's defaults: `[DEFAULT] instance_name_template` and `service_down_time` */
const NAME_TEMPLATE = 'instance-%08x';
const SERVICE_DOWN_TIME_S = 60;

/**
 * Resolves what the operator typed.
 *
 * @throws UsageError when it names none or several servers
 */
export async function resolve(site: SurveySite, typed: string): Promise<string> {
  return resolveServer(site.reader, await site.cells(), typed);
}

export interface SurveyOptions {
  readonly allHosts: boolean;
  /** hosts that the operator says are powered off */
  readonly fenced?: readonly string[] | undefined;
  /** what earlier runs wrote down of the server */
  readonly known?: Traces | null;
  /** ids of the volumes that they were to delete */
  readonly doomed?: readonly string[];
  /** records of such runs that this version cannot read */
  readonly unread?: readonly { readonly why: string }[];
}

/**
 * One look at one server, with a memory of its own: nothing that an earlier survey heard counts.
 *
 * @throws LookError when Nova's databases cannot be read, without which nothing at all is known; UsageError when a host that is said to be
 *   off is none of the server's
 */
export async function survey(site: SurveySite, uuid: string, options: SurveyOptions): Promise<Survey> {
  const { fenced = [], known, doomed = [], unread = [] } = options;
  const everywhere = site.reader.fresh();
  const look = withoutHosts(everywhere, fenced);
  const { file, novaConf } = site.config;
  const subjectOptions: SubjectOptions = {
    cells: await site.cells(),
    nameTemplate: novaConf?.instanceNameTemplate ?? NAME_TEMPLATE,
    serviceDownTime:
      (novaConf?.servicegroupDriver ?? 'db') === 'db'
        ? (file.service_down_time ?? novaConf?.serviceDownTime ?? SERVICE_DOWN_TIME_S)
        : null,
    allHosts: options.allHosts,
    ...(known == null ? {} : { known }),
    ...(doomed.length === 0 ? {} : { doomed }),
  };
  const asked = Promise.all(fenced.map(async (host) => [host, await askFenced(everywhere, host)] as const));
  // A host that is off takes its time: nobody waits for it but who needs the answer, and that comes last.
  asked.catch(() => {});
  const narrow = await findSubject(look, uuid, subjectOptions);
  // Hosts that Nova's rows name are asked at once, while Keystone still thinks; only a host that Neutron
  // adds costs a second round, in which every answer already given is remembered.
  const [first, wide] = await Promise.all([findAll(look, narrow), widenHosts(look, narrow, subjectOptions)]);
  const found = wide.hosts === narrow.hosts ? first : await findAll(look, wide);
  return {
    ...found,
    subject: markFenced(wide, new Map(await asked)),
    unknown: [...unread.map(({ why }) => ({ kind: RUNS, place: 'records of runs', why })), ...found.unknown],
  };
}

/** @param answers of each host that is said to be off, what it answered all the same; null: nothing */
function markFenced(subject: Subject, answers: ReadonlyMap<string, string | null>): Subject {
  const names = subject.hosts.map(({ name }) => name);
  const stranger = [...answers.keys()].find((host) => !names.includes(host));
  if (stranger !== undefined)
    throw new UsageError(`${stranger} is no host of server ${subject.uuid}`, {
      code: 'not-its-host',
      hint:
        names.length === 0
          ? 'nothing leads to any host: leave --fenced out'
          : `--fenced takes a host that it may be on: ${names.join(', ')}`,
    });
  const hosts = subject.hosts.map((host) => {
    const said = answers.get(host.name);
    return said === undefined ? host : { ...host, fenced: { answers: said } };
  });
  return { ...subject, hosts };
}

async function findAll(look: Reader, subject: Subject): Promise<Survey> {
  const answers = await Promise.all(
    KINDS.map(async (kind) => {
      try {
        return { kind, found: await kind.find(look, subject) };
      } catch (error) {
        if (!(error instanceof LookError)) throw error;
        return { kind, found: null, unknown: { kind: kind.id, place: error.place, why: reason(error) } };
      }
    }),
  );
  return {
    subject,
    found: answers.flatMap(({ kind, found }) => (found === null ? [] : [{ kind, facts: found.facts }])),
    unknown: [
      ...subject.unknown.map((place) => ({ kind: 'hosts', ...place })),
      ...answers.flatMap((answer) =>
        answer.found === null
          ? [answer.unknown]
          : answer.found.unknown.map((u) => ({ kind: answer.kind.id, ...u })),
      ),
    ],
  };
}
