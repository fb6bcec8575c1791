/**
 * Text from a cloud on its way to a terminal. Server names and error messages are written by tenants: control characters,
 * escape sequences, line breaks and characters that turn the direction of writing become visible escapes.
 */
export function plain(text: string, most = 200): string {
  const shown = text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udfff]/gu,
    (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`,
  );
  if (shown.length <= most) return shown;
  const characters = [...shown];
  return characters.length <= most
    ? shown
    : `${characters.slice(0, most).join('')}… (${characters.length} characters)`;
}
