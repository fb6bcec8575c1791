import type { RecordedRow } from '../../src/simulator/recorded/types.ts';

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const hex = '(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])';
const mac = '(?<![0-9a-fA-F:])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?![0-9a-fA-F:])';
const address = '(?<![\\d.])\\d{1,3}(?:\\.\\d{1,3}){3}(?![\\d.]|/(?!32\\b))';
const domain = 'instance-[0-9a-f]{8}(?![0-9a-f])';

const token = new RegExp([uuid, hex, mac, address, domain].join('|'), 'g');

/** Columns that tell of a thing's content: equal in things that have nothing to do with each other. */
const contents: ReadonlySet<string> = new Set(['checksum', 'os_hash_value']);

const checksumInJson = /checksum\\*": ?\\*"[0-9a-f]{32}/g;

/**
 * Every text in a row by which something could be known: uuids, 32 hex digits, hardware addresses in small letters,
 * addresses of single machines (10.9.0.4, 10.9.0.4/32; not 10.9.0.0/16), names of domains. In the order of their columns, but not
 * the hashes of an image's content.
 */
export function findTokens(row: RecordedRow): readonly string[] {
  return Object.entries(row).flatMap(([column, value]) =>
    typeof value === 'string' && !contents.has(column) ? findTokensIn(value) : [],
  );
}

export function findTokensIn(text: string): readonly string[] {
  return (text.replaceAll(checksumInJson, '').match(token) ?? []).map((found) =>
    isMac(found) ? found.toLowerCase() : found,
  );
}

export function isUuid(text: string): boolean {
  return new RegExp(`^${uuid}$`).test(text);
}

export function isHex(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

export function isMac(text: string): boolean {
  return /^(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text);
}

export function isAddress(text: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text);
}
