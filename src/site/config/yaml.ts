/** YAML that may hold passwords: what is wrong with it is told by its place, never by its text. */
import { type Document, parseDocument, visit } from 'yaml';
import * as z from '../../plan/zod.ts';

/** A name or a password: of digits alone, YAML reads it as a number. */
export const text = z.union([z.string(), z.number()]).transform(String);

/**
 * The parser's own messages quote what they stumble over, and a password that begins with `*`, `!` or `&` and stands without
 * quotes is exactly that. A warning counts as a fault: behind it a value was read as something else than was meant. `<<: *anchor`
 * takes over the keys of another, as PyYAML has it.
 *
 * @returns `fault` as `line 3` or a like few words
 */
export function readYaml(content: string): { readonly data: unknown } | { readonly fault: string } {
  const document = parseDocument(content, { merge: true });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) {
    const line = fault.linePos?.[0].line;
    return { fault: line === undefined ? fault.code : `line ${line}` };
  }
  keepNumbersAsWritten(document);
  try {
    return { data: document.toJS() };
  } catch {
    return { fault: 'an alias (*) that names nothing: quote the value' };
  }
}

/** A password of digits alone, or with one `e` among them, is a number in YAML: `1e5`, `0123` and one of 20 digits would be others. */
function keepNumbersAsWritten(document: Document): void {
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'number' && node.source !== undefined && String(node.value) !== node.source)
        node.value = node.source;
    },
  });
}
