import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plain } from '../../src/cli/render/plain.ts';
import { anyText } from '../support/any-text.ts';

describe('text from a cloud, on its way to a terminal', () => {
  test.each([
    ['plain text stays', 'web-1 (äöü 密码 🦊)', 'web-1 (äöü 密码 🦊)'],
    ['colours', '\x1b[31mred\x1b[0m', '\\u{1b}[31mred\\u{1b}[0m'],
    [
      'the title of the window, a link',
      '\x1b]0;x\x07\x1b]8;;http://evil\x1b\\',
      '\\u{1b}]0;x\\u{7}\\u{1b}]8;;http://evil\\u{1b}\\',
    ],
    ['one-byte escapes', '\x9b31m\x9d', '\\u{9b}31m\\u{9d}'],
    ['line breaks', 'a\nb\rc\u2028d\u2029e\x85f', 'a\\u{a}b\\u{d}c\\u{2028}d\\u{2029}e\\u{85}f'],
    ['a tab, a bell, a backspace, NUL', '\t\x07\b\0', '\\u{9}\\u{7}\\u{8}\\u{0}'],
    ['the direction of writing', 'a\u202egpj.exe\u2066\u061c', 'a\\u{202e}gpj.exe\\u{2066}\\u{61c}'],
    ['what nobody sees', 'a\u200bb\ufeffc\u2060', 'a\\u{200b}b\\u{feff}c\\u{2060}'],
    ['half a character', 'a\ud800b', 'a\\u{d800}b'],
  ])('%s', (_, given, shown) => {
    expect(plain(given)).toBe(shown);
  });

  test('10 kB of Chinese is cut, and says how much there was', () => {
    const shown = plain('密'.repeat(10_000));
    expect(shown).toBe(`${'密'.repeat(200)}… (10000 characters)`);
  });

  test('a pair of surrogates is one character, and is not cut in two', () => {
    expect(plain('🦊'.repeat(5), 3)).toBe('🦊🦊🦊… (5 characters)');
    expect(plain('🦊🦊🦊', 3)).toBe('🦊🦊🦊');
  });

  test('whatever it is: one line, no control characters, not too long', () => {
    fc.assert(
      fc.property(anyText, (given) => {
        const shown = plain(given, 50);
        expect(shown).toMatch(/^[^\p{Cc}\u2028-\u202e\u2066-\u2069\p{Cs}]*$/u);
        expect([...shown].length).toBeLessThan(80);
      }),
    );
  });
});
