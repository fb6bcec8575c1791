/** `expunge demo`: the whole job on an embedded cloud, with short explanations. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, isExpungeError, UsageError } from '../../plan/errors.ts';
import { isClean } from '../../run/make-plan.ts';
import { restoreHost } from '../../simulator/agents/states.ts';
import { type DemoEntry, listDemo } from '../../simulator/demo/create.ts';
import { OTHER_VERSION, openWholeWorld, type World } from '../../simulator/world.ts';
import { beginSite, type Given } from '../begin.ts';
import { renderServers, renderStage, renderTryNext, renderWelcome } from '../demo/screens.ts';
import { damagedDemo, demoFolder, ensureDemo } from '../demo/site.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../render/error.ts';
import { planUuid, withSite } from '../session.ts';
import { stateFolder } from '../state-folder.ts';

export interface DemoOptions {
  readonly reset?: boolean;
  /** commander's form of `--no-input` */
  readonly input: boolean;
  readonly list?: boolean;
  readonly powerOn?: string;
}

type Action = (given: Given) => Promise<number>;

interface Stage {
  readonly command: string;
  readonly why: string;
  readonly load: () => Promise<Action>;
}

const STAGES: readonly Stage[] = [
  {
    command: 'inspect',
    why: 'Where is it still? inspect looks at every API, database and host that may know it, and only reads.',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    command: 'plan',
    why: 'What would be done, in which order? A plan is data: it can be saved, reviewed, and applied exactly or refused.',
    load: async () => (await import('./plan.ts')).plan,
  },
  {
    command: 'purge',
    why: 'Now for real. Each step looks again just before it acts, and is written down before and after.',
    load: async () => (await import('./purge.ts')).purge,
  },
  {
    command: 'verify',
    why: 'And is it gone? verify is the same look everywhere once more; exit code 0 only when nothing is left.',
    load: async () => (await import('./verify.ts')).verify,
  },
];

/** @returns 0 when the walk went through */
export async function demo(io: Io, options: DemoOptions): Promise<number> {
  await ensureDemo(io, options.reset);
  if (options.powerOn !== undefined) return powerOn(io, options.powerOn);
  const entries = readEntries(io) ?? (await remake(io));
  const program = io.env['npm_lifecycle_event'] === 'demo' ? 'npx expunge' : 'expunge';
  if (options.list) {
    io.out(`${renderServers(entries, io)}`);
    return 0;
  }
  io.out(`${renderWelcome(demoFolder(io), io)}\n`);
  io.out(
    renderServers(
      entries.filter(({ group }) => group === 'usual'),
      io,
    ),
  );
  const [first] = entries;
  if (first === undefined) return 1;
  if (await isGone(io, first)) {
    io.out(
      `\n${first.name} is gone: it was purged before.\n${renderTryNext(program, await lastRun(io, first.uuid))}`,
    );
    return 0;
  }
  const asks = options.input && io.interactive;
  for (const stage of STAGES) {
    // Once it is deleted its name no longer leads to it.
    const server = stage.command === 'verify' ? first.uuid : first.name;
    io.out(renderStage(io, stage.why, `${program} --site demo ${stage.command} ${server}`));
    if (asks && !(await goOn(io))) return 0;
    const exitCode = await runStage(io, stage, first, asks);
    // inspect and plan of a stuck server end with 0; anything else is not what the demo tells of.
    if (exitCode !== 0) return exitCode;
  }
  io.out(renderTryNext(program, await lastRun(io, first.uuid)));
  return 0;
}

/** What somebody does to a host in a machine room. @throws UsageError when the demo has no such host */
function powerOn(io: Io, host: string): number {
  const world = openDemo(io);
  try {
    restoreHost(world, host);
  } catch (error) {
    throw new UsageError(reasonOf(error), { code: 'no-such-host', hint: 'doctor lists the hosts' });
  } finally {
    world.close();
  }
  io.out(`${host} is on. Next: expunge runs --site demo\n`);
  return 0;
}

function openDemo(io: Io): World {
  try {
    return openWholeWorld(demoFolder(io));
  } catch (error) {
    throw isExpungeError(error) ? error : damagedDemo(io);
  }
}

/** Null: another version of expunge made it. */
function readEntries(io: Io): readonly DemoEntry[] | null {
  let world: World;
  try {
    world = openDemo(io);
  } catch (error) {
    if (hasCode(error, OTHER_VERSION)) return null;
    throw error;
  }
  try {
    return listDemo(world);
  } finally {
    world.close();
  }
}

/** A demo of another version has other servers than this one tells of. */
async function remake(io: Io): Promise<readonly DemoEntry[]> {
  await ensureDemo(io, true);
  return readEntries(io) ?? [];
}

async function goOn(io: Io): Promise<boolean> {
  const answer = await io.ask(io.paint.dim('Enter goes on, q ends: '));
  return answer.trim().toLowerCase() !== 'q';
}

async function given(io: Io, server: string, options: Readonly<Record<string, unknown>>): Promise<Given> {
  const all = { site: 'demo', format: 'text', ports: 'as-nova', ...options };
  return { io, options: all, args: [[server]], begun: await beginSite(io, { site: 'demo', format: 'text' }) };
}

async function runStage(io: Io, stage: Stage, server: DemoEntry, asks: boolean): Promise<number> {
  const action = await stage.load();
  // With nobody to ask, the name need not be typed.
  return action(await given(io, server.uuid, asks ? {} : { yes: true }));
}

/** The newest run of a server, by the name of its folder, which begins with the time. */
async function lastRun(io: Io, uuid: string): Promise<string | undefined> {
  const folders = await readdir(join(stateFolder(io), 'runs')).catch(() => []);
  return folders
    .filter((folder) => folder.includes(uuid))
    .sort()
    .at(-1);
}

async function isGone(io: Io, server: DemoEntry): Promise<boolean> {
  let gone = false;
  await withSite(await given(io, server.uuid, {}), async (site) => {
    gone = isClean(await planUuid(site, server.uuid, { ports: 'as-nova', allHosts: false, lift: [] }));
    return 0;
  });
  return gone;
}
