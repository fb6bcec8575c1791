/** Gives a port back to the server that a run took it from: exactly what the run's request had changed, as it was. */

import type { HttpAct, Step } from '../../plan/types.ts';
import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import type { ActedStep } from '../read-run.ts';
import { asBefore, type Undone } from './undone.ts';

const portBody = z.object({ port: z.record(z.string(), z.json()) });

type Fields = z.infer<typeof portBody>['port'];

/** Whether an act is a change of a port, and so can be taken back. */
export function isPortChange(act: Step['act']): act is HttpAct {
  return (
    act.door === 'http' &&
    act.service === 'network' &&
    act.method === 'PUT' &&
    /^\/v2\.0\/ports\/[0-9a-f-]+$/.test(act.path) &&
    portBody.safeParse(act.body).success
  );
}

/** @throws LookError when Neutron cannot be asked */
export async function undoPort({ step, images }: ActedStep, act: HttpAct, look: Reader): Promise<Undone> {
  const lost = (why: string): Undone => ({
    ...asBefore(step),
    lost: { place: step.place, what: `port ${act.path.split('/').at(-1)} as this server's`, why },
  });
  const written = portBody.parse(act.body).port;
  const saved = images.map(({ image }) => portBody.safeParse(image)).find((image) => image.success);
  if (saved === undefined) return lost('what it was is not in before.jsonl');
  const answer = await look.http.get('network', act.path, { also: [404] });
  if (answer.status === 404) return lost('it was deleted since the run');
  const now = parseAnswer('Neutron', portBody, answer.body).port;
  const then = saved.data.port;
  // A key that this Neutron did not have then (`dns_name`) it did not lose either.
  const keys = Object.keys(written).filter((key) => then[key] !== undefined);
  if (keys.every((key) => isSameField(now[key], then[key]))) return asBefore(step);
  const device = now['device_id'];
  // What only took it off its host left it the server's.
  if (!isSameField(device, deviceAfter(written, then)))
    return lost(
      typeof device === 'string' && device !== ''
        ? `it belongs to ${device} now`
        : 'it was freed since the run',
    );
  const changed = keys.filter(
    (key) => !isSameField(now[key], written[key]) && !isSameField(now[key], then[key]),
  );
  if (changed.length > 0) return lost(`it was changed since the run: ${changed.join(', ')}`);
  return { ...asBefore(step), step: makeStep(step, act, { keys, then, written }) };
}

function deviceAfter(written: Fields, then: Fields): Fields[string] {
  return ('device_id' in written ? written : then)['device_id'] ?? '';
}

/** Neutron answers an empty text where null was sent, and an empty profile where none is. */
function isSameField(a: Fields[string] | undefined, b: Fields[string] | undefined): boolean {
  const plainly = (value: typeof a) => (value === null || value === undefined ? '' : value);
  return JSON.stringify(sorted(plainly(a))) === JSON.stringify(sorted(plainly(b)));
}

function sorted(value: Fields[string]): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => [key, sorted(each)]);
}

function makeStep(
  step: Step,
  act: HttpAct,
  { keys, then, written }: { keys: readonly string[]; then: Fields; written: Fields },
): Step {
  const { path } = act;
  const read = { door: 'http' as const, service: 'network' as const, path };
  const has = (key: string, value: Fields[string]) => ({
    ...read,
    status: [200],
    at: { keys: ['port', key], equals: value },
  });
  const owner = then['device_id'] ?? '';
  const device = deviceAfter(written, then);
  const id = path.split('/').at(-1);
  const moves = 'device_id' in written;
  const key = moves ? 'device_id' : (keys[0] ?? 'device_id');
  const title = owner === '' ? `take port ${id} from the server` : `give port ${id} back to the server`;
  return {
    id: `undo/${step.id}`,
    kind: step.kind,
    phase: step.phase,
    place: step.place,
    title: moves ? title : `put port ${id} back as it was`,
    why: 'The port then belongs to whom it belonged to before the run, and nobody else can take it.',
    act: {
      ...read,
      method: 'PUT',
      body: { port: Object.fromEntries(keys.map((key) => [key, then[key] ?? null])) },
      status: [200],
    },
    guards: [
      {
        must: device === '' ? `port ${id} is free` : `port ${id} still belongs to ${device}`,
        check: has('device_id', device),
      },
    ],
    settled: has(key, then[key] ?? ''),
    before: [read],
    needs: [],
    undo: 'before-image',
  };
}
