/** YAML that may hold passwords: what is wrong with it is told by its place, never by its text. */
import { parseDocument, visit } from 'yaml';

/**
 * The parser's own messages quote what they stumble over, and a password that begins with `*`, `!` or `&` and stands without
 * quotes is exactly that. A warning counts as a fault: behind it a value was read as something else than was meant.
 *
 * @returns `fault` as `line 3` or a like few words
 */
export function readYaml(text: string): { readonly data: unknown } | { readonly fault: string } {
  const document = parseDocument(text);
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) {
    const line = fault.linePos?.[0].line;
    return { fault: line === undefined ? fault.code : `line ${line}` };
  }
  // A password or an id may look like a number: what a number would lose of it (`1e5`, 20 digits, a zero in front) makes it text.
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'number' && node.source !== String(node.value)) node.value = node.source;
    },
  });
  try {
    return { data: document.toJS() };
  } catch {
    return { fault: 'an alias (*) that names nothing: quote the value' };
  }
}
