/** What a tenant, a service or a host may say to do harm: to a shell, a database, a page, a terminal, a reader's eye, or a parser. */
export const HOSTILE: readonly (readonly [what: string, text: string])[] = [
  ['a shell', `'; rm -rf / #"$(reboot)\`id\` && \${IFS}|tee`],
  ['SQL', `x'; DROP TABLE instances; -- " OR 1=1 \\`],
  ['HTML', `<script>alert(1)</script><img src=x onerror=alert(1)>&amp;`],
  ['colours and a cleared screen', '\x1b[31mred\x1b[2J\x1b[H\x1b[0m'],
  [
    'the title of the window, a link, the clipboard',
    '\x1b]0;t\x07\x1b]8;;http://evil\x1b\\x\x1b]52;c;cm0=\x07',
  ],
  ['one-byte escapes', '\x9b31m\x9d0;t\x9c\x90q\x9c'],
  ['the direction of writing', 'a\u202egpj.exe\u2066b\u2069\u061c\u200f'],
  ['what nobody sees', 'a\u200bb\u2060c\ufeff'],
  ['lines', 'a\nVerified: looked everywhere again, nothing is left.\r\nb\u2028c\u2029d\u0085e'],
  ['NUL and its neighbours', 'a\0b\x01c\x08\x08d\x7f'],
  ['10 kB of Chinese', '密码'.repeat(1_700)],
  ['an option', '-oProxyCommand=reboot'],
  ['a long option', '--no-preserve-root=/'],
  ['a path', '../../../../etc/passwd'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a template would fill in
  ['a template', '{{7*7}}${7*7}%s%n%x'],
  ['half a character', 'a\ud800b'],
];

/** Characters that nothing may send to a terminal as they are: all controls but the end of a line, and those that turn or hide text. */
export const RAW =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;
