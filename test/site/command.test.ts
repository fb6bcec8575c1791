import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import { Hosts } from '../../src/site/command/hosts.ts';
import { openLocal } from '../../src/site/command/local.ts';
import { quoteArgv, quoteCommand } from '../../src/site/command/quote.ts';
import { openSsh, sshArgv } from '../../src/site/command/ssh.ts';
import {
  BEHIND_A_PROXY,
  lacksSudo,
  normaliseSudo,
  sudoRefusal,
  type Transport,
} from '../../src/site/command/transport.ts';
import type { SiteConfig } from '../../src/site/config/load.ts';
import { NETWORK } from '../../src/site/wires.ts';
import { fakeProgram, hostAccess } from '../support/host-access.ts';
import { tempFolder } from '../support/temp.ts';

describe('argv as text for a shell', () => {
  const print = (argv: readonly string[]) =>
    spawnSync('sh', ['-c', `printf '%s\\0' ${quoteArgv(argv)}`], { encoding: 'utf8' }).stdout;

  test.each([
    [
      'plain words stay as they are',
      ['ip', '-o', '--timeout=10', '/var/lib/x.y:z@1'],
      'ip -o --timeout=10 /var/lib/x.y:z@1',
    ],
    ['what a shell would act on is quoted', ['a b', '$HOME', '*', ';', ''], "'a b' '$HOME' '*' ';' ''"],
    ['a quote', ["it's"], "'it'\\''s'"],
    ['a home and a comment', ['~', '#x'], "'~' '#x'"],
  ])('%s', (_, argv, text) => {
    expect(quoteArgv(argv)).toBe(text);
  });

  test('a shell reads back exactly what was meant, whatever it is', () => {
    const arg = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom(...`'"\\\n\t $\`;&|<>(){}[]*?!~#=%-a`) }),
    );
    fc.assert(
      fc.property(fc.array(arg, { minLength: 1, maxLength: 6 }), (raw) => {
        const argv = raw.map((a) => a.replaceAll('\0', '').toWellFormed());
        expect(print(argv)).toBe(argv.map((a) => `${a}\0`).join(''));
      }),
      { numRuns: 30 },
    );
  });
});

/** What a shell, printf or a frame could take for its own. */
const INPUT = "1\n%s \\n 'it' $HOME `id`; exit 9\n\nend without newline";

describe('a command with what it reads, as text for a shell', () => {
  const run = (text: string) => spawnSync('sh', ['-c', text], { encoding: 'utf8' });

  test('what is given is read to the byte, whatever it is, and the exit code is the command’s own', () => {
    const given = fc.string({ unit: fc.constantFrom(...`'"\\\n\t $\`;&|<>()%-s1`), maxLength: 40 });
    fc.assert(
      fc.property(given, (input) => {
        expect(run(quoteCommand(['cat'], input)).stdout).toBe(input);
      }),
      { numRuns: 20 },
    );
    expect(run(quoteCommand(['sh', '-c', 'cat; exit 7'], '1'))).toMatchObject({ stdout: '1', status: 7 });
  });

  test('without it the command reads nothing', () => {
    expect(quoteCommand(['cat', 'a b'])).toBe("cat 'a b' </dev/null");
  });
});

describe('commands on this machine', () => {
  const local = openLocal(hostAccess({ transport: 'local' }));

  test('both outputs and the exit code are the answer', async () => {
    expect(await local.run(['sh', '-c', 'echo out; echo err >&2; exit 3'], 1_000)).toEqual({
      exit: 3,
      out: 'out\n',
      err: 'err\n',
    });
  });

  test('a program that is not there is 127, as a shell has it', async () => {
    expect(await local.run(['no-such-program-here'], 1_000)).toMatchObject({
      exit: 127,
      err: 'no-such-program-here: command not found',
    });
  });

  test('a program that may not be run is no answer', async () => {
    await expect(local.run(['/etc/passwd'], 1_000)).rejects.toMatchObject({ code: 'command-not-started' });
  });

  test('no shell is between: what looks like one is text', async () => {
    expect((await local.run(['printf', '%s', '$HOME; `id`'], 1_000)).out).toBe('$HOME; `id`');
  });

  test('it hears nothing on its input', async () => {
    expect((await local.run(['cat'], 1_000)).out).toBe('');
  });

  test('it hears what it is given', async () => {
    expect((await local.run(['cat'], 1_000, INPUT)).out).toBe(INPUT);
  });

  test('one that does not read what it is given answers all the same', async () => {
    expect(await local.run(['true'], 1_000, 'x'.repeat(1_000_000))).toMatchObject({ exit: 0 });
  });

  test('the messages are English, the environment is not ours', async () => {
    const { out } = await local.run(['env'], 1_000);
    expect(out.trim().split('\n')).toEqual(expect.arrayContaining(['LC_ALL=C']));
    expect(out).not.toContain('VITEST');
  });

  test('one that does not end is given up, also when its child holds the pipe', async () => {
    const begin = performance.now();
    await expect(local.run(['sh', '-c', 'sleep 5; true'], 50)).rejects.toMatchObject({
      code: 'command-timeout',
      place: 'host compute1',
    });
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test('one that talks without an end is given up: it would fill the memory', async () => {
    await expect(local.run(['yes'], 20_000)).rejects.toMatchObject({
      code: 'command-timeout',
      message: 'yes said more than 16 MiB',
    });
  });

  test('Ctrl-C at the terminal does not reach it: it has a group of its own', async () => {
    const { out } = await local.run(['cut', '-d ', '-f5', '/proc/self/stat'], 10_000);
    const own = readFileSync('/proc/self/stat', 'utf8').split(' ')[4];
    expect(out.trim()).not.toBe(own);
  });

  test('a death by signal is no success', async () => {
    expect((await local.run(['sh', '-c', 'kill -9 $$'], 1_000)).exit).toBe(255);
  });
});

test('a program that looks like an assignment is a program', () => {
  expect(quoteArgv(['A=b', 'c=d', 'e'])).toBe("'A=b' c=d e");
});

describe('what ssh is started with', () => {
  test('it never asks a person, and a host cannot pass for an option', () => {
    const argv = sshArgv(hostAccess());
    expect(argv.join(' ')).toContain('-o BatchMode=yes');
    expect(argv.slice(-3)).toEqual(['--', '10.0.0.1', 'exec sh']);
  });
  test('port, user, key and known hosts as the site file has them', () => {
    const argv = sshArgv(
      hostAccess({ port: 2222, user: 'stack', identityFile: '/k', knownHostsFile: '/kh' }),
    ).join(' ');
    for (const words of ['-p 2222', '-l stack', '-i /k -o IdentitiesOnly=yes', '-o UserKnownHostsFile=/kh'])
      expect(argv).toContain(words);
  });
});

describe('commands through ssh', () => {
  /** The system's ssh stands in for: everything after the address is run here. */
  function open(script = 'for last; do :; done; eval "$last"', changes = {}): Transport {
    fakeProgram('ssh', script);
    const transport = openSsh(hostAccess(changes));
    onTestFinished(() => transport.close());
    return transport;
  }

  test('each command gets its own answer, asked one after the other or all at once', async () => {
    const ssh = open();
    const answers = await Promise.all([
      ssh.run(['sh', '-c', 'echo one; echo first >&2'], 1_000),
      ssh.run(['printf', 'no newline at the end'], 1_000),
      ssh.run(['sh', '-c', 'exit 7'], 1_000),
      ssh.run(['true'], 1_000),
    ]);
    expect(answers).toEqual([
      { exit: 0, out: 'one\n', err: 'first\n' },
      { exit: 0, out: 'no newline at the end', err: '' },
      { exit: 7, out: '', err: '' },
      { exit: 0, out: '', err: '' },
    ]);
    expect(await ssh.run(['echo', 'later'], 1_000)).toMatchObject({ out: 'later\n' });
  });

  test('one connection for all of them', async () => {
    const ssh = open();
    const [a, b] = [
      await ssh.run(['sh', '-c', 'echo $PPID'], 1_000),
      await ssh.run(['sh', '-c', 'echo $PPID'], 1_000),
    ];
    expect(a.out).toBe(b.out);
  });

  test('a command that reads its input does not eat the next one', async () => {
    const ssh = open();
    const [cat, next] = await Promise.all([ssh.run(['cat'], 1_000), ssh.run(['echo', 'next'], 1_000)]);
    expect(cat).toEqual({ exit: 0, out: '', err: '' });
    expect(next.out).toBe('next\n');
  });

  test('a command hears what it is given, and only that', async () => {
    const ssh = open();
    const [cat, next, none] = await Promise.all([
      ssh.run(['cat'], 1_000, INPUT),
      ssh.run(['echo', 'next'], 1_000),
      ssh.run(['cat'], 1_000),
    ]);
    expect(cat).toEqual({ exit: 0, out: INPUT, err: '' });
    expect([next.out, none.out]).toEqual(['next\n', '']);
  });

  test('one that does not read what it is given leaves the rest to nobody', async () => {
    const ssh = open();
    const [deaf, next] = await Promise.all([
      ssh.run(['true'], 1_000, 'exit 9\n'.repeat(20_000)),
      ssh.run(['echo', 'next'], 1_000),
    ]);
    expect([deaf.exit, next.out]).toEqual([0, 'next\n']);
  });

  test('hostile words stay words', async () => {
    const ssh = open();
    const words = ["it's", '$(id)', 'a\nb', '; exit 9', '', '密'];
    expect((await ssh.run(['printf', '%s|', ...words], 1_000)).out).toBe(words.map((w) => `${w}|`).join(''));
  });

  test('what looks like the end of an answer is not one', async () => {
    const ssh = open();
    const fake = `\nexpunge-${'0'.repeat(24)} 0\n`;
    expect((await ssh.run(['printf', '%s', fake], 1_000)).out).toBe(fake);
  });

  test('a large answer comes whole', async () => {
    const ssh = open();
    const { out } = await ssh.run(['sh', '-c', 'yes 0123456789 | head -n 20000'], 2_000);
    expect(out.length).toBe(220_000);
  });

  test('what a login script or a banner says is not part of an answer', async () => {
    const ssh = open('echo Welcome; echo "authorised use only" >&2; for last; do :; done; eval "$last"');
    expect(await ssh.run(['echo', 'x'], 1_000)).toEqual({ exit: 0, out: 'x\n', err: '' });
  });

  test('messages are English, sbin is in the path', async () => {
    const ssh = open();
    const { out } = await ssh.run(['sh', '-c', 'echo $LC_ALL $PATH'], 1_000);
    expect(out).toMatch(/^C .*\/usr\/sbin/);
  });

  test('Ctrl-C at the terminal does not reach it', async () => {
    const ssh = open();
    const { out } = await ssh.run(['cut', '-d ', '-f5', '/proc/self/stat'], 1_000);
    expect(out.trim()).not.toBe(readFileSync('/proc/self/stat', 'utf8').split(' ')[4]);
  });

  test('the time of a command begins when the one before it has ended', async () => {
    const ssh = open();
    const [slow, quick] = await Promise.all([ssh.run(['sleep', '0.6'], 2_000), ssh.run(['true'], 400)]);
    expect([slow.exit, quick.exit]).toEqual([0, 0]);
  });

  describe('when there is no answer, it says so and does not hang', () => {
    test('a command that does not end, nor what waits behind it', async () => {
      const ssh = open();
      const work = [ssh.run(['sleep', '5'], 200), ssh.run(['true'], 60_000)];
      const ended = await Promise.allSettled(work);
      expect(ended.map((one) => one.status === 'rejected' && one.reason.message)).toEqual([
        'sleep gave no answer in 0.2 s',
        'sleep gave no answer in 0.2 s',
      ]);
    });

    test('a command that talks without an end, nor what waits behind it', async () => {
      const ssh = open();
      const work = [ssh.run(['yes'], 20_000), ssh.run(['true'], 60_000)];
      const ended = await Promise.allSettled(work);
      expect(ended.map((one) => one.status === 'rejected' && one.reason.message)).toEqual([
        'yes said more than 16 MiB',
        'yes said more than 16 MiB',
      ]);
    });

    test('the host has another key than before', async () => {
      const ssh = open(
        'echo "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @" >&2; echo "Host key verification failed." >&2; exit 255',
      );
      await expect(ssh.run(['true'], 1_000)).rejects.toMatchObject({
        message: 'ssh ended with 255: Host key verification failed.',
      });
    });

    test('a proxy closes the connection: that there is one is said', async () => {
      const ssh = open('echo "Connection closed by 127.0.0.1 port 2223" >&2; exit 255', { proxied: true });
      await expect(ssh.run(['true'], 1_000)).rejects.toMatchObject({ hint: BEHIND_A_PROXY });
    });

    test('ssh does not get there', async () => {
      const ssh = open('echo "ssh: connect to host 10.0.0.1 port 22: Connection refused" >&2; exit 255');
      await expect(ssh.run(['true'], 1_000)).rejects.toMatchObject({
        code: 'host-unreachable',
        place: 'host compute1',
        message: 'ssh ended with 255: ssh: connect to host 10.0.0.1 port 22: Connection refused',
      });
    });

    test('nor does its jump host: the line that says why, not the last', async () => {
      const ssh = open(
        'echo "channel 0: open failed: connect failed: No route to host" >&2; echo "Connection closed by UNKNOWN port 65535" >&2; exit 255',
      );
      await expect(ssh.run(['true'], 1_000)).rejects.toMatchObject({
        message: 'ssh ended with 255: channel 0: open failed: connect failed: No route to host',
      });
    });

    test('the connection ends in the middle of a command: that one and all after it', async () => {
      const ssh = open();
      const answers = await Promise.allSettled([
        ssh.run(['echo', 'before'], 1_000),
        ssh.run(['sh', '-c', 'echo half; kill -9 $PPID'], 1_000),
        ssh.run(['echo', 'after'], 1_000),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
      for (const answer of answers.slice(1))
        expect((answer as PromiseRejectedResult).reason).toBeInstanceOf(LookError);
    });

    test('the next command after that connects anew', async () => {
      const ssh = open();
      await expect(ssh.run(['sh', '-c', 'kill -9 $PPID'], 1_000)).rejects.toThrow(LookError);
      expect(await ssh.run(['echo', 'again'], 1_000)).toMatchObject({ out: 'again\n' });
    });

    test('a host that lets nobody in says so on standard output', async () => {
      const ssh = open('echo "This account is currently not available."; exit 1');
      await expect(ssh.run(['true'], 1_000)).rejects.toMatchObject({
        message: 'ssh ended with 1: This account is currently not available.',
      });
    });

    test('what a command had said by then is not taken for such a greeting', async () => {
      const ssh = open();
      await expect(ssh.run(['sh', '-c', 'echo half; kill -9 $PPID'], 1_000)).rejects.toMatchObject({
        message: 'ssh ended with SIGKILL: no message',
      });
    });

    test('what ssh has started ends with it: a proxy would hold the program up', async () => {
      const pid = join(tempFolder(), 'pid');
      const ssh = open(`sleep 30 & echo $! >${pid}; for last; do :; done; eval "$last"`);
      await expect(ssh.run(['sleep', '5'], 200)).rejects.toThrow('gave no answer');
      const proxy = Number(readFileSync(pid, 'utf8'));
      // Its entry stays until somebody has asked for its exit code.
      await expect.poll(() => /^State:\s+[SR]/m.test(statusOf(proxy))).toBe(false);
    });

    test('ssh is there, and no command runs: a connection that is shared may be dead', async () => {
      fakeProgram('ssh', 'exec sleep 5');
      const ssh = openSsh(hostAccess(), 200);
      onTestFinished(() => ssh.close());
      await expect(ssh.run(['id', '-un'], 5_000)).rejects.toMatchObject({
        code: 'host-unreachable',
        message: 'ssh began, and no command ran in 0.2 s',
        hint: expect.stringContaining('ssh -O exit'),
      });
    });

    test('at the end a host that froze is not waited for', { timeout: 20_000 }, () => {
      const script = 'for last; do :; done; eval "$last"; sleep 10';
      fakeProgram('ssh', script);
      const program = `import { openSsh } from ${JSON.stringify(new URL('../../src/site/command/ssh.ts', import.meta.url).href)};
        const ssh = openSsh(${JSON.stringify(hostAccess())});
        process.stdout.write((await ssh.run(['echo', 'x'], 5_000)).out);
        await ssh.close();`;
      const begin = performance.now();
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
      });
      expect(stdout).toBe('x\n');
      expect(performance.now() - begin).toBeLessThan(8_000);
    });

    test('there is no ssh at all', async () => {
      const before = process.env['PATH'];
      process.env['PATH'] = '/nowhere';
      onTestFinished(() => {
        process.env['PATH'] = before;
      });
      await expect(openSsh(hostAccess()).run(['true'], 1_000)).rejects.toMatchObject({
        code: 'host-unreachable',
        message: 'there is no ssh on this machine',
      });
    });
  });

  describe('to many hosts at once', () => {
    const HOSTS = 20;

    test('a jump host is not asked by more than it takes before they have logged in', async () => {
      const log = join(tempFolder(), 'log');
      const script = `printf + >>${log}; sleep 0.05; printf - >>${log}; for last; do :; done; eval "$last"`;
      const all = Array.from({ length: HOSTS }, () => open(script));
      const answers = await Promise.all(all.map((ssh) => ssh.run(['echo', 'x'], 5_000)));
      expect(answers.map(({ out }) => out)).toEqual(Array.from(all, () => 'x\n'));
      let most = 0;
      let now = 0;
      for (const sign of readFileSync(log, 'utf8')) {
        now += sign === '+' ? 1 : -1;
        most = Math.max(most, now);
      }
      expect(most).toBeLessThan(10);
      expect(most).toBeGreaterThan(1);
    });

    test('nor do those for which ssh cannot even be started: each is a place where nobody could look', async () => {
      fakeProgram('ssh', 'for last; do :; done; eval "$last"');
      // No argv may hold a NUL.
      const all = Array.from({ length: HOSTS }, () => openSsh(hostAccess({ address: 'cmp\0' })));
      for (const ssh of all)
        await expect(ssh.run(['true'], 5_000)).rejects.toMatchObject({ code: 'host-unreachable' });
      const ssh = openSsh(hostAccess());
      expect(await ssh.run(['true'], 5_000)).toMatchObject({ exit: 0 });
      await ssh.close();
    });

    test('hosts that let nobody in do not hold up the others', async () => {
      fakeProgram('ssh', 'case "$*" in *10.0.0.9*) exit 255; esac; for last; do :; done; eval "$last"');
      const all = Array.from({ length: HOSTS }, (_, i) =>
        openSsh(hostAccess({ address: i === HOSTS - 1 ? '10.0.0.1' : '10.0.0.9' })),
      );
      const answers = await Promise.allSettled(all.map((ssh) => ssh.run(['true'], 5_000)));
      expect(answers.map(({ status }) => status)).toEqual(
        Array.from(all, (_, i) => (i === HOSTS - 1 ? 'fulfilled' : 'rejected')),
      );
      await Promise.all(all.map((ssh) => ssh.close()));
    });

    test('one that waits for its turn when all ends is not begun', async () => {
      const { args } = fakeProgram('ssh', 'sleep 0.2; for last; do :; done; eval "$last"');
      const all = Array.from({ length: HOSTS }, (_, i) => openSsh(hostAccess({ address: `10.0.0.${i}` })));
      const answers = all.map((ssh) => ssh.run(['true'], 5_000));
      const settled = Promise.allSettled(answers);
      await expect.poll(() => existsSync(args)).toBe(true);
      await Promise.all(all.map((ssh) => ssh.close()));
      expect((await settled).at(-1)).toMatchObject({ reason: { code: 'host-unreachable' } });
      expect(readFileSync(args, 'utf8')).not.toContain(`10.0.0.${HOSTS - 1}`);
    });
  });
});

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

describe('sudo', () => {
  const answer = (exit: number, err: string) => ({ exit, out: '', err });

  test.each([
    'sudo: a password is required\n',
    'sudo: a terminal is required to read the password; either use the -S option\n',
    'sudo: sorry, you must have a tty to run sudo\n',
    'Sorry, user nova is not allowed to execute "/usr/bin/virsh list" as root on compute1.\n',
    'Sorry, user nova may not run sudo on compute1.\n',
    'nova is not in the sudoers file.  This incident will be reported.\n',
    'nova is not allowed to run sudo on compute1.\n',
    'sudo: unable to resolve host compute1: Name or service not known\nsudo: a password is required\n',
  ])('refuses: %j', (err) => {
    expect(sudoRefusal(answer(1, err))).toEqual(expect.any(String));
  });

  test.each([
    ['an answer of the program', answer(1, '')],
    ['words of the program', answer(1, 'error: failed to get domain\n')],
    ['a program that is not there', answer(1, 'sudo: virsh: command not found\n')],
    [
      'a remark, and then the answer',
      answer(1, 'sudo: unable to resolve host compute1: Name or service not known\n'),
    ],
    ['a remark on limits', answer(1, 'sudo: setrlimit(RLIMIT_CORE): Operation not permitted\n')],
    ['a success with a remark', answer(0, 'sudo: a password is required\n')],
    ['another exit code', answer(2, 'sudo: whatever\n')],
  ])('does not refuse: %s', (_, given) => {
    expect(sudoRefusal(given)).toBeNull();
  });

  test('a program that is not there is 127, with sudo too', () => {
    expect(normaliseSudo(answer(1, 'sudo: virsh: command not found\n')).exit).toBe(127);
    expect(normaliseSudo(answer(1, 'no such domain\n')).exit).toBe(1);
  });

  test.each([
    'sh: 1: sudo: not found',
    'sh: line 3: sudo: command not found',
    'sh: sudo: not found',
    'sudo: command not found',
  ])('there is none: %s', (err) => {
    expect(lacksSudo(answer(127, `${err}\n`))).toBe(true);
    expect(lacksSudo(answer(1, `${err}\n`))).toBe(false);
    expect(lacksSudo(answer(127, 'sudo: virsh: command not found\n'))).toBe(false);
  });

  describe('on a host', () => {
    const hosts = (sudo: boolean) =>
      new Hosts(
        { file: { hosts: { default: { sudo } } }, novaConf: null } as unknown as SiteConfig,
        NETWORK.command,
      );

    /** An ssh behind which `sudo` is a function. */
    function withSudo(body: string): void {
      fakeProgram('ssh', `{ echo 'sudo() { shift 2; ${body}; }'; cat; } | sh`);
    }

    test('every command goes through sudo, which never asks', async () => {
      withSudo('echo "with sudo:" "$@"');
      const on = hosts(true);
      onTestFinished(() => on.close());
      expect((await on.run('compute1', ['virsh', 'list'], 1_000)).out).toBe('with sudo: virsh list\n');
    });

    test('what a command reads reaches it through sudo', async () => {
      withSudo('"$@"');
      const on = hosts(true);
      onTestFinished(() => on.close());
      expect((await on.run('compute1', ['cat'], 1_000, INPUT)).out).toBe(INPUT);
    });

    test('that there is no sudo is not taken for a program that is not there', async () => {
      withSudo('echo "sh: 1: sudo: not found" >&2; return 127');
      const on = hosts(true);
      onTestFinished(() => on.close());
      await expect(on.run('compute1', ['ovs-vsctl', 'list-br'], 1_000)).rejects.toMatchObject({
        code: 'sudo-refused',
        message: 'sudo is not there',
        hint: expect.stringContaining('leave sudo out'),
      });
    });

    test('that sudo refuses is not an answer of the program', async () => {
      withSudo('echo "sudo: a password is required" >&2; return 1');
      const on = hosts(true);
      onTestFinished(() => on.close());
      await expect(on.run('compute1', ['test', '-e', '/x'], 1_000)).rejects.toMatchObject({
        code: 'sudo-refused',
        exitCode: 4,
        message: 'sudo: a password is required',
      });
    });

    test('without sudo its words are only words', async () => {
      fakeProgram('ssh', 'for last; do :; done; eval "$last"');
      const on = hosts(false);
      onTestFinished(() => on.close());
      const argv = ['sh', '-c', 'echo "sudo: a password is required" >&2; exit 1'];
      expect(await on.run('compute1', argv, 1_000)).toMatchObject({ exit: 1 });
    });
  });
});
