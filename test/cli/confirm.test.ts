import { describe, expect, test } from 'vitest';
import { assertCanAsk, confirmByName } from '../../src/cli/confirm.ts';
import { openIo } from '../../src/cli/io.ts';
import { fakeProcess } from '../support/fake-process.ts';
import { plan } from '../support/plans.ts';

function confirm(name: string | null, typed: string) {
  const terminal = fakeProcess({ terminal: true, typed });
  const server = { ...plan().server, name };
  return confirmByName(plan({ server }), openIo(terminal)).then(() => terminal.out());
}
const REFUSED = expect.objectContaining({ code: 'not-confirmed', exitCode: 2 });

describe('the name has to be typed', () => {
  test('that name, and it is asked for by name', async () => {
    const out = await confirm('web-1', 'web-1\n');
    expect(out).toContain("Type the server's name, \x1b[1mweb-1\x1b[22m, to go on: ");
  });
  test('blanks around it are nothing', async () => {
    await confirm('web-1', '  web-1 \n');
  });
  test.each(['', '\n', 'yes\n', 'y\n', 'web-2\n', 'WEB-1\n', 'web-1x\n', 'no\nweb-1\n'])(
    '%j is not it',
    async (typed) => {
      await expect(confirm('web-1', typed)).rejects.toEqual(REFUSED);
    },
  );
  test('a name of blanks within and of other scripts can be typed', async () => {
    await confirm('web 服务器 1', 'web 服务器 1\n');
  });
});

describe('a name that nobody can type: the first eight digits of the uuid', () => {
  test.each([null, '', '   ', ' web', 'web\x1b[31m', 'a\nb', 'a\u202eb', '密'.repeat(100)])(
    '%j',
    async (name) => {
      const out = await confirm(name, '11111111\n');
      expect(out).toContain('the first eight digits of its uuid, \x1b[1m11111111');
      await expect(confirm(name, `${name}\n`)).rejects.toEqual(REFUSED);
    },
  );
});

describe('where nobody can be asked, it says why', () => {
  test.each([
    [{ terminal: false }, 'text', 'there is no terminal to ask on'],
    [{ terminal: false }, 'json', 'there is no terminal to ask on'],
    [{ terminal: true }, 'yaml', 'nobody is asked with --format yaml'],
  ])('%j, --format %s', (process, format, why) => {
    const io = openIo(fakeProcess(process));
    expect(() => assertCanAsk('undo', { format }, io)).toThrow(
      `undo asks for the name of the server, and ${why}`,
    );
    assertCanAsk('undo', { format, yes: true }, io);
  });
});
