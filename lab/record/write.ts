import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RecordedVolume, Recording } from '../../src/simulator/recorded/types.ts';

const folder = join(import.meta.dirname, '..', '..', 'src', 'simulator', 'recorded');

export function writeRecorded(file: string, text: string): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A recording that was written before. */
export function readRecorded(file: string): Recording {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Recording;
}

/** JSON in which each row and each thing has a line, so that a change shows as the line that changed. */
export function renderRecording(recording: Recording | RecordedVolume): string {
  return `${renderValue(recording, '')}\n`;
}

function renderValue(value: unknown, indent: string): string {
  const inner = `${indent} `;
  const wrap = (open: string, lines: readonly string[], close: string): string =>
    lines.length === 0
      ? open + close
      : `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`;
  if (Array.isArray(value))
    return wrap(
      '[',
      value.map((each) => JSON.stringify(each)),
      ']',
    );
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const lines = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}: ${renderValue(each, inner)}`,
  );
  return wrap('{', lines, '}');
}
