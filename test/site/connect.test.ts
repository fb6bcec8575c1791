import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ActError, LookError } from '../../src/plan/errors.ts';
import type { Act } from '../../src/plan/types.ts';
import { connect } from '../support/sites.ts';
import { tempFolder } from '../support/temp.ts';

type CommandAct = Extract<Act, { door: 'command' }>;

const LOCAL = { file: { hosts: { compute1: { transport: 'local' as const } } } };

describe('the reading door', () => {
  test('runs nothing that could change something', async () => {
    const { reader } = connect(LOCAL);
    for (const argv of [['rm', '-rf', '/nowhere'], ['sh', '-c', 'true'], ['virsh', 'destroy', 'x'], []])
      await expect((async () => reader.command.run('compute1', argv))()).rejects.toMatchObject({
        code: 'not-a-reading',
      });
  });
  test('a command that is asked twice in one survey runs once', async () => {
    const { reader, timings } = connect(LOCAL);
    const [a, b] = await Promise.all([
      reader.command.run('compute1', ['id', '-un']),
      reader.command.run('compute1', ['id', '-un']),
    ]);
    expect(a).toBe(b);
    await reader.fresh().command.run('compute1', ['id', '-un']);
    expect(timings.spans.map(({ what }) => what)).toEqual(['read host compute1', 'read host compute1']);
  });
  test('a host that the site file does not know is null, not a guess', () => {
    const { reader } = connect(LOCAL);
    expect(reader.host('compute1')).toEqual({
      name: 'compute1',
      instancesPath: '/var/lib/nova/instances',
      novasInstancesPath: '/var/lib/nova/instances',
      containers: null,
      images: null,
      proxied: false,
    });
    expect(reader.host('compute2')).toBeNull();
  });
  test('a survey hands out no way to write', () => {
    const { reader } = connect(LOCAL);
    expect(Object.keys(reader).sort()).toEqual([
      'cache',
      'command',
      'fresh',
      'holds',
      'host',
      'http',
      'image',
      'queue',
      'sql',
    ]);
    expect(Object.keys(reader.http).sort()).toEqual(['get', 'has', 'list', 'serviceToken']);
    expect(Object.keys(reader.sql).sort()).toEqual(['columns', 'names', 'rows']);
    expect(Object.keys(reader.cache).sort()).toEqual(['get', 'servers']);
    expect(Object.keys(reader.queue)).toEqual(['waiting']);
  });
  test('checks and before-images go through it, and only through it', async () => {
    const { reader } = connect(LOCAL);
    const folder = tempFolder();
    const there = {
      door: 'command' as const,
      host: 'compute1',
      argv: ['test', '-d', folder],
      exit: [0],
      no: [1],
    };
    expect(await reader.holds(there)).toBe(true);
    const image = reader.image({ door: 'command', host: 'compute1', argv: ['rm', folder] });
    await expect(image).rejects.toMatchObject({ code: 'not-a-reading' });
  });
});

describe('a command that acts', () => {
  const act = (changes: Partial<CommandAct>): CommandAct => ({
    door: 'command',
    host: 'compute1',
    argv: ['true'],
    exit: [0],
    ...changes,
  });
  const perform = (changes: Partial<CommandAct>, config = LOCAL) =>
    connect(config).openWriter().perform(act(changes));

  test('done', async () => {
    await perform({});
    await perform({ argv: ['sh', '-c', 'exit 3'], exit: [0, 3] });
  });
  test('failed, with the last line of what it said', async () => {
    const argv = ['sh', '-c', 'echo first >&2; echo "error: busy" >&2; exit 1'];
    await expect(perform({ argv })).rejects.toMatchObject({
      name: 'ActError',
      unknown: false,
      message:
        'host compute1: sh -c echo first >&2; echo "error: busy" >&2; exit 1 … ended with 1: error: busy',
    });
  });
  test('the older way is tried when the newer one fails, and not when it works', async () => {
    const folder = tempFolder();
    await perform({ argv: ['false'], otherwise: [['false'], ['mkdir', `${folder}/a`]] });
    await perform({ argv: ['test', '-d', `${folder}/a`], otherwise: [['rm', '-r', `${folder}/a`]] });
    await perform({ argv: ['test', '-d', `${folder}/a`] });
    await expect(perform({ argv: ['false'], otherwise: [['false']] })).rejects.toThrow(ActError);
  });
  test('what it reads comes with it, also to the older way', async () => {
    const file = `${tempFolder()}/a`;
    await perform({ argv: ['tee', file], input: '1' });
    expect(readFileSync(file, 'utf8')).toBe('1');
    const older = [['tee', '-a', file]];
    await perform({ argv: ['false'], otherwise: older, input: '2' });
    expect(readFileSync(file, 'utf8')).toBe('12');
  });
  test('what comes first runs first, and reads nothing', async () => {
    const file = `${tempFolder()}/a`;
    const first = [
      { argv: ['tee', file], exit: [0] },
      { argv: ['sh', '-c', `echo first >>${file}; exit 3`], exit: [3] },
    ];
    await perform({ first, argv: ['tee', '-a', file], input: 'then' });
    expect(readFileSync(file, 'utf8')).toBe('first\nthen');
  });
  test('when what comes first fails the act is not done', async () => {
    const file = `${tempFolder()}/a`;
    const acts = { argv: ['touch', file], otherwise: [['touch', file]] };
    await expect(perform({ first: [{ argv: ['false'], exit: [0] }], ...acts })).rejects.toMatchObject({
      code: 'command-failed',
      message: 'host compute1: false … ended with 1: no message',
    });
    expect(existsSync(file)).toBe(false);
  });
  test('a host that nobody knows was surely not reached', async () => {
    await expect(perform({ host: 'compute9' })).rejects.toMatchObject({
      name: 'ActError',
      code: 'host-unknown',
      unknown: false,
    });
  });
  test('a line that broke: nobody knows', async () => {
    const before = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    onTestFinished(() => {
      process.env['PATH'] = before;
    });
    const ssh = { file: { hosts: { compute1: { transport: 'ssh' as const } } } };
    await expect(perform({}, ssh as never)).rejects.toMatchObject({
      name: 'ActError',
      code: 'host-unreachable',
      unknown: true,
    });
  });
});

test('memcached through both halves', async () => {
  const site = connect({ file: { memcached: ['127.0.0.1:1'] } });
  expect(site.reader.cache.servers).toEqual(['127.0.0.1:1']);
  await expect(site.reader.cache.get('127.0.0.1:1', 'k')).rejects.toThrow(LookError);
  await expect(site.openWriter().perform({ door: 'cache', server: '127.0.0.1:1', key: 'k' })).rejects.toThrow(
    ActError,
  );
});
