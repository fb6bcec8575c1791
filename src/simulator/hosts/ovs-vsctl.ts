/** `ovs-vsctl` of Open vSwitch 3.1: list, get, destroy, del-port, del-br, list-br, list-ports and br-exists, as far as expunge uses them. */
import type { CommandAnswer } from '../../site/reader.ts';
import { inTransaction, type World } from '../world.ts';
import { fails, sameWords, says, untaught } from './answer.ts';
import {
  bridgeRows,
  COLUMNS,
  interfaceRows,
  type OvsRow,
  type OvsValue,
  portRows,
  qosRows,
} from './ovs-tables.ts';
import { bridgesOf, deleteSwitchPort, switchPortsOf } from './switch.ts';

interface Command {
  readonly words: readonly string[];
  readonly ifExists: boolean;
  readonly columns: readonly string[] | null;
}

/** What ovs-vsctl says instead, with exit 1; nothing of the call has then been done. */
class Complaint extends Error {
  readonly exit: number;

  constructor(message: string, exit = 1) {
    super(message);
    this.exit = exit;
  }
}

const ROWS: Readonly<Record<string, (world: World, host: string) => OvsRow[]>> = {
  Interface: interfaceRows,
  Port: portRows,
  Bridge: bridgeRows,
  QoS: qosRows,
};

/** Tables of which every column is modelled, so that none has to be named. */
const WHOLE: readonly string[] = ['Interface', 'QoS'];

/** @throws LookError for words that are not modelled */
export function runOvsVsctl(world: World, host: string, args: readonly string[]): CommandAnswer {
  const { commands, json } = parse(args);
  const acts = commands.map((command) => understand(world, host, command, json));
  if (acts.length === 0 || acts.includes(null)) throw untaught(host, ['ovs-vsctl', ...args]);
  const state = world.machines.prepare('SELECT openvswitch FROM hosts WHERE name = ?').get(host);
  if (state?.['openvswitch'] === 'down')
    return fails(
      1,
      'ovs-vsctl: unix:/var/run/openvswitch/db.sock: database connection failed (No such file or directory)',
    );
  try {
    const doAll = () => acts.map((act) => act?.() ?? '').join('');
    // Whoever only reads does not wait for another process that writes.
    const writes = commands.some(({ words }) => /^(?:del-|destroy$)/.test(words[0] ?? ''));
    return says(writes ? inTransaction(world.machines, doAll) : doAll());
  } catch (error) {
    // Only br-exists ends with 2, and says nothing.
    if (error instanceof Complaint)
      return fails(error.exit, error.message === '' ? '' : `ovs-vsctl: ${error.message}`);
    throw error;
  }
}

/** Commands are parted by `--`. Options before the first one are for the whole call, with or without a `--` after them. */
function parse(args: readonly string[]): { commands: Command[]; json: boolean } {
  const words = [...args];
  let json = false;
  for (let word = words[0]; word !== undefined; word = words[0]) {
    if (!/^--timeout=\d+$/.test(word) && word !== '--format=json') break;
    json ||= word === '--format=json';
    words.shift();
  }
  if (words[0] === '--') words.shift();
  const parts = words.reduce<string[][]>(
    (found, word) => {
      if (word === '--') found.push([]);
      else found.at(-1)?.push(word);
      return found;
    },
    [[]],
  );
  return { commands: parts.map(parseCommand), json };
}

function parseCommand(part: readonly string[]): Command {
  const first = part.findIndex((word) => !word.startsWith('--'));
  const options = first < 0 ? part : part.slice(0, first);
  const columns = options.find((option) => option.startsWith('--columns='));
  const known = options.filter((option) => option === '--if-exists' || option === columns);
  return {
    // An option that is not known makes the command one that is not known.
    words: known.length === options.length && first >= 0 ? part.slice(first) : [],
    ifExists: options.includes('--if-exists'),
    columns: columns === undefined ? null : columns.slice('--columns='.length).split(','),
  };
}

/** What a command does, or null: it is not modelled. */
function understand(world: World, host: string, command: Command, json: boolean): (() => string) | null {
  const { words, ifExists, columns } = command;
  const [verb, table = '', ...names] = words;
  switch (verb) {
    case 'list':
      return json && !ifExists ? listing(world, host, table, columns, names) : null;
    case 'get':
      return columns === null ? getting(world, host, table, ifExists, names) : null;
    case 'destroy':
      if (columns !== null || table !== 'QoS' || names.length !== 1) return null;
      return () => destroyQos(world, host, names[0] ?? '', ifExists);
    case 'del-port':
      if (columns !== null || words.length !== 3) return null;
      return () => delPort(world, host, table, names[0] ?? '', ifExists);
    case 'del-br':
      return columns === null && words.length === 2 ? () => delBridge(world, host, table, ifExists) : null;
    case 'list-ports':
      return columns === null && !ifExists && words.length === 2 ? () => listPorts(world, host, table) : null;
    case 'br-exists':
      if (columns !== null || ifExists || words.length !== 2) return null;
      return () => {
        if (!bridgesOf(world, host).includes(table)) throw new Complaint('', 2);
        return '';
      };
    case 'list-br':
      if (columns !== null || ifExists || !sameWords(words, 'list-br')) return null;
      return () =>
        bridgesOf(world, host)
          .map((name) => `${name}\n`)
          .join('');
    default:
      return null;
  }
}

function listing(
  world: World,
  host: string,
  table: string,
  columns: readonly string[] | null,
  names: readonly string[],
): (() => string) | null {
  const readRows = Object.hasOwn(ROWS, table) ? ROWS[table] : undefined;
  const modelled = COLUMNS[table] ?? [];
  const headings = columns ?? (WHOLE.includes(table) ? modelled : []);
  if (readRows === undefined || headings.length === 0) return null;
  if (!headings.every((column) => modelled.includes(column))) return null;
  return () => {
    const rows = readRows(world, host);
    const chosen = names.length === 0 ? rows : names.map((name) => find(rows, table, name));
    const data = chosen.map((row) => headings.map((column) => row.get(column)));
    return `${JSON.stringify({ data, headings })}\n`;
  };
}

function find(rows: readonly OvsRow[], table: string, name: string): OvsRow {
  const row = rows.find((each) => each.get('name') === name || textOf(each.get('_uuid'), undefined) === name);
  if (row === undefined) throw new Complaint(`no row "${name}" in table ${table}`);
  return row;
}

/** `get Interface <name> name external_ids:<key> …`: a line for each, empty for a key that is not there. */
function getting(
  world: World,
  host: string,
  table: string,
  ifExists: boolean,
  [name, ...columns]: readonly string[],
): (() => string) | null {
  if (table === 'QoS' && ifExists && name !== undefined && sameWords(columns, '_uuid'))
    return () =>
      qosRows(world, host).some((row) => textOf(row.get('_uuid'), undefined) === name) ? `${name}\n` : '';
  const areKnown = columns.every((column) => column === 'name' || /^external_ids:[\w-]+$/.test(column));
  if (table !== 'Interface' || name === undefined || columns.length === 0 || !areKnown) return null;
  return () => {
    const rows = interfaceRows(world, host);
    if (ifExists && !rows.some((row) => row.get('name') === name)) return '';
    const row = find(rows, table, name);
    const lines = columns.map((column) => {
      const [of = '', key] = column.split(':');
      const value = textOf(row.get(of), key);
      if (value === null && !ifExists)
        throw new Complaint(`no key "${key}" in Interface record "${name}" column ${of}`);
      return `${value === null ? '' : quoteWhereNeeded(value)}\n`;
    });
    return lines.join('');
  };
}

function textOf(value: OvsValue | undefined, key: string | undefined): string | null {
  if (key === undefined && typeof value === 'object' && value[0] === 'uuid') return value[1];
  if (key === undefined) return typeof value === 'string' ? value : null;
  const pairs = typeof value === 'object' && value[0] === 'map' ? value[1] : [];
  const found = pairs.find(([own]) => own === key)?.[1];
  return found === undefined ? null : String(found);
}

/** Open vSwitch 3.1 `lib/ovsdb-data.c:string_needs_quotes`: what could be read as a number, a truth or a uuid is quoted. */
function quoteWhereNeeded(text: string): string {
  const isWord = /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(text);
  const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
  return isWord && !isUuid && text !== 'true' && text !== 'false' ? text : JSON.stringify(text);
}

/** A port refers to its QoS, and ovsdb keeps what is referred to. */
function destroyQos(world: World, host: string, id: string, ifExists: boolean): string {
  const row = world.machines.prepare('SELECT device FROM switch_qos WHERE host = ? AND id = ?').get(host, id);
  if (row === undefined) {
    if (ifExists) return '';
    throw new Complaint(`no row "${id}" in table QoS`);
  }
  if (switchPortsOf(world, host).some(({ name }) => name === row['device']))
    throw new Complaint(
      `transaction error: {"details":"cannot delete QoS row ${id} because of 1 remaining reference(s)","error":"referential integrity violation"}`,
    );
  world.machines.prepare('DELETE FROM switch_qos WHERE host = ? AND id = ?').run(host, id);
  return '';
}

function delPort(world: World, host: string, bridge: string, name: string, ifExists: boolean): string {
  const port = switchPortsOf(world, host).find((each) => each.name === name);
  if (ifExists && (port === undefined || port.name === port.bridge)) return '';
  if (port === undefined) throw new Complaint(`no port named ${name}`);
  if (port.name === port.bridge)
    throw new Complaint(
      `cannot delete port ${name} because it is the local port for bridge ${bridge} (deleting this port requires deleting the entire bridge)`,
    );
  if (!bridgesOf(world, host).includes(bridge)) throw new Complaint(`no bridge named ${bridge}`);
  if (port.bridge !== bridge) throw new Complaint(`bridge ${bridge} does not have a port ${name}`);
  deleteSwitchPort(world, host, name);
  return '';
}

function delBridge(world: World, host: string, bridge: string, ifExists: boolean): string {
  if (!bridgesOf(world, host).includes(bridge)) {
    if (ifExists) return '';
    throw new Complaint(`no bridge named ${bridge}`);
  }
  for (const { name } of switchPortsOf(world, host).filter((port) => port.bridge === bridge))
    deleteSwitchPort(world, host, name);
  return '';
}

/** All ports of a bridge but its own. */
function listPorts(world: World, host: string, bridge: string): string {
  if (!bridgesOf(world, host).includes(bridge)) throw new Complaint(`no bridge named ${bridge}`);
  return switchPortsOf(world, host)
    .filter((port) => port.bridge === bridge && port.name !== bridge)
    .map(({ name }) => `${name}\n`)
    .join('');
}
