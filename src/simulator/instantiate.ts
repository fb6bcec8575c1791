/** From a recording to real rows and things: each placeholder becomes a value, the same one wherever it stands. */
import type { Random } from './random.ts';
import type { RecordedRows, RecordedValue } from './recorded/types.ts';
import { sqlTime } from './world.ts';

export type Value = string | number | null | Uint8Array;
export type Row = Readonly<Record<string, Value>>;

/** Where the values of placeholders come from. What was asked for once is remembered. */
export interface Identities {
  readonly random: Random;
  /** what the placeholders without a number stand for: server, name, domain, host, instances, … */
  readonly named: Map<string, string>;
  /** the moment that recorded times are relative to */
  readonly now: Date;
  /** A number that this table has not handed out yet. */
  nextId(table: string): number;
  /** An address of the network that nobody has. */
  nextAddress(): string;
}

const PLACEHOLDER = /\{\{([a-zA-Z.]+)(?::([^{}]*))?\}\}/g;

/** What users name stands escaped in JSON and in a domain's XML, as the services write it. */
export function fillText(text: string, identities: Identities): string {
  const escaped = escapeFor(text);
  return text.replaceAll(PLACEHOLDER, (whole, kind: string, what: string | undefined) =>
    escaped(String(fillOne(whole, kind, what ?? '', identities))),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function escapeFor(text: string): (value: string) => string {
  // A placeholder begins with two braces, an object with one and a quote.
  if (/^(\{"|\[)/.test(text)) return (value) => JSON.stringify(value).slice(1, -1);
  if (text.startsWith('<domain')) return (value) => value.replaceAll(/[&<>]/g, (c) => ENTITIES[c] ?? c);
  return (value) => value;
}

/** A text that is one `{{id:…}}` and nothing else becomes a number. */
export function fillValue(value: RecordedValue, identities: Identities): Value {
  if (value === null || typeof value === 'number') return value;
  if (typeof value !== 'string') return Buffer.from(value.base64, 'base64');
  const alone = /^\{\{((?:host\.)?id):([^{}]*)\}\}$/.exec(value);
  if (alone?.[1] !== undefined) return Number(fillOne(value, alone[1], alone[2] ?? '', identities));
  return fillText(value, identities);
}

/** @throws Error for a placeholder that is not known, or that only the host's own recording could have given a value */
function fillOne(whole: string, kind: string, what: string, identities: Identities): string | number {
  const { random, named, now } = identities;
  const remember = (key: string, make: () => string): string => {
    const known = named.get(key);
    if (known !== undefined) return known;
    const made = make();
    named.set(key, made);
    return made;
  };
  switch (kind) {
    case 'uuid':
    case 'host.uuid':
      return remember(`${kind}:${what}`, () => random.uuid());
    case 'short':
      return remember(`uuid:${what}`, () => random.uuid()).slice(0, 11);
    case 'chain':
      return remember(`uuid:${what}`, () => random.uuid()).slice(0, 10);
    case 'hex':
      return remember(`hex:${what}`, () => random.hex(32));
    case 'mac':
      return remember(`mac:${what}`, () => makeMac(random));
    case 'MAC':
      return remember(`mac:${what}`, () => makeMac(random)).toUpperCase();
    case 'ip':
      return remember(`ip:${what}`, () => identities.nextAddress());
    case 'id':
    case 'host.id':
      return remember(`${kind}:${what}`, () => String(identities.nextId(what.replace(/:[^:]*$/, ''))));
    case 'time':
      return sqlTime(later(now, what));
    case 'isotime':
      return `${later(now, what).toISOString().slice(0, 19)}Z`;
    case 'epoch':
      return String(Math.floor(later(now, what).getTime() / 1000));
    case 'domain':
      return remember('domain', () => {
        const id = Number(fillOne(whole, 'id', 'nova.instances:1', identities));
        return `instance-${id.toString(16).padStart(8, '0')}`;
      });
    default: {
      const value = named.get(what === '' ? kind : `${kind}:${what}`);
      if (value === undefined) throw new Error(`the placeholder ${whole} has no value here`);
      return value;
    }
  }
}

function makeMac(random: Random): string {
  const [a, b, c] = [random.hex(2), random.hex(2), random.hex(2)];
  return `fa:16:3e:${a}:${b}:${c}`;
}

function later(now: Date, seconds: string): Date {
  const offset = Number(seconds);
  if (Number.isNaN(offset)) throw new Error(`${seconds} is no number of seconds`);
  return new Date(now.getTime() + offset * 1000);
}

/** All rows of a recording, by `database.table`, in its order. */
export function fillRows(
  recorded: RecordedRows,
  identities: Identities,
): ReadonlyMap<string, readonly Row[]> {
  return new Map(
    Object.entries(recorded).map(([table, rows]) => [
      table,
      rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([column, value]) => [column, fillValue(value, identities)]),
        ),
      ),
    ]),
  );
}
