import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, sleep, systemEnv } from './command.ts';
import type { Lab } from './paths.ts';

const markVariable = 'EXPUNGE_LAB_SERVICE';

/** Every process of the lab, and every child of one, carries this variable: `<lab folder>:<service>`. */
export function markEnv(lab: Lab, name: string): Record<string, string> {
  return { [markVariable]: `${lab.dir}:${name}` };
}

export interface Launch {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
}

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  /** Clock ticks after boot. With the pid this names one process for ever, so that a recycled pid is never ended. */
  readonly started: string;
}

/** Starts a service detached, with its log and pid file; does nothing when it already runs. */
export function startProcess(lab: Lab, launch: Launch): number {
  const running = findPid(lab, launch.name);
  if (running !== undefined) return running;
  const [program, ...args] = launch.argv;
  if (program === undefined) throw new Error(`${launch.name}: an empty command`);
  const log = openSync(logFile(lab, launch.name), 'a');
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...systemEnv, ...launch.env, ...markEnv(lab, launch.name) },
    cwd: launch.cwd ?? lab.dir,
    ...(launch.uid === undefined ? {} : { uid: launch.uid }),
    ...(launch.gid === undefined ? {} : { gid: launch.gid }),
  });
  child.on('error', (error) => writeFileSync(logFile(lab, launch.name), `${error.message}\n`, { flag: 'a' }));
  child.unref();
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${launch.name} did not start: ${program} cannot be run`);
  writePidFile(lab, launch.name, child.pid);
  return child.pid;
}

/** The pid of a running service of this lab, from its pid file or, when that was lost, from its mark. */
export function findPid(lab: Lab, name: string): number | undefined {
  const file = pidFile(lab, name);
  if (existsSync(file)) {
    const [pidText, started] = readFileSync(file, 'utf8').split('\n');
    const facts = readFacts(Number(pidText));
    if (facts !== undefined && facts.started === started && facts.state !== 'Z') return facts.pid;
  }
  const mark = `${lab.dir}:${name}`;
  const marked = listMarked(lab).filter((entry) => entry.mark === mark);
  const pids = new Set(marked.map((entry) => entry.pid));
  const top = marked.find((entry) => !pids.has(entry.parent));
  if (top === undefined) return undefined;
  writePidFile(lab, name, top.pid);
  return top.pid;
}

/** Sends a signal to a service and to all processes under it. */
export function signalService(lab: Lab, name: string, signal: NodeJS.Signals): readonly number[] {
  const pid = findPid(lab, name);
  if (pid === undefined) return [];
  const pids = listTree(pid);
  for (const each of pids) sendSignal(each, signal);
  return pids;
}

/** Ends a service and what is under it: politely first, then by force. */
export async function stopService(lab: Lab, name: string, politeMs = 8000): Promise<void> {
  const pid = findPid(lab, name);
  if (pid !== undefined) {
    const tree = listTree(pid)
      .map((each) => readFacts(each))
      .filter((facts) => facts !== undefined);
    // A frozen one would first do all that has waited for it.
    if (politeMs > 0 && tree[0]?.state !== 'T') {
      sendSignal(pid, 'SIGTERM');
      await waitGone(tree.slice(0, 1), politeMs);
    }
    for (const facts of tree) if (isSame(facts)) sendSignal(facts.pid, 'SIGKILL');
    await waitGone(tree, 5000);
  }
  rmSync(pidFile(lab, name), { force: true });
}

/** Ends commands with this mark that an interrupted run of the lab left behind. */
export async function stopMarked(lab: Lab, name: string): Promise<void> {
  const left = listMarked(lab).filter((entry) => entry.mark === `${lab.dir}:${name}`);
  for (const entry of left) sendSignal(entry.pid, 'SIGKILL');
  await waitGone(left, 5000);
}

/** Ends every process that still carries the lab's mark, or is a privileged helper started for the lab's config. */
export async function stopStragglers(lab: Lab): Promise<readonly string[]> {
  const ended: string[] = [];
  for (const entry of listMarked(lab)) {
    sendSignal(entry.pid, 'SIGKILL');
    ended.push(`${entry.pid} ${entry.mark}`);
  }
  for (const pid of listPids()) {
    const line = readProc(pid, 'cmdline').replaceAll('\0', ' ');
    // sudo drops the mark, but these helpers are told the lab's config file.
    if (!line.includes(`${lab.etc}/`) || !/privsep-helper|-rootwrap/.test(line)) continue;
    sendSignal(pid, 'SIGKILL');
    ended.push(`${pid} ${line}`);
  }
  if (ended.length > 0) await sleep(100);
  return ended;
}

/** When a process started, which with its pid names it for ever; nothing when there is no such process. */
export function readStartTime(pid: number): string | undefined {
  return readFacts(pid)?.started;
}

export function isFrozen(lab: Lab, name: string): boolean {
  const pid = findPid(lab, name);
  return pid !== undefined && readFacts(pid)?.state === 'T';
}

export function readLogEnd(lab: Lab, name: string, lines = 25): string {
  const file = logFile(lab, name);
  return existsSync(file) ? lastLines(readFileSync(file, 'utf8'), lines) : '(no log)';
}

function logFile(lab: Lab, name: string): string {
  return join(lab.log, `${name}.log`);
}

function pidFile(lab: Lab, name: string): string {
  return join(lab.run, `${name}.pid`);
}

function writePidFile(lab: Lab, name: string, pid: number): void {
  writeFileSync(pidFile(lab, name), `${pid}\n${readFacts(pid)?.started ?? '?'}\n`);
}

function listMarked(lab: Lab): readonly (ProcessFacts & { readonly mark: string })[] {
  const found: (ProcessFacts & { readonly mark: string })[] = [];
  const prefix = `${markVariable}=${lab.dir}:`;
  for (const pid of listPids()) {
    const entry = readProc(pid, 'environ')
      .split('\0')
      .find((line) => line.startsWith(prefix));
    const facts = entry === undefined ? undefined : readFacts(pid);
    if (entry !== undefined && facts !== undefined && facts.state !== 'Z') {
      found.push({ ...facts, mark: entry.slice(markVariable.length + 1) });
    }
  }
  return found;
}

/** A process and everything under it, parents first. */
function listTree(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const pid of listPids()) {
    const facts = readFacts(pid);
    if (facts !== undefined) children.set(facts.parent, [...(children.get(facts.parent) ?? []), pid]);
  }
  const tree = [root];
  for (let at = 0; at < tree.length; at += 1) tree.push(...(children.get(tree[at] ?? 0) ?? []));
  return tree;
}

function listPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function readFacts(pid: number): ProcessFacts | undefined {
  const text = readProc(pid, 'stat');
  // The program's name stands in brackets and may hold anything, so read behind the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields;
  const started = fields[19];
  if (state === undefined || parent === undefined || started === undefined) return undefined;
  return { pid, parent: Number(parent), state, started };
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function isSame(facts: ProcessFacts): boolean {
  const now = readFacts(facts.pid);
  return now !== undefined && now.started === facts.started && now.state !== 'Z';
}

async function waitGone(tree: readonly ProcessFacts[], timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (tree.some(isSame) && Date.now() < deadline) await sleep(50);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone between looking and sending.
  }
}
