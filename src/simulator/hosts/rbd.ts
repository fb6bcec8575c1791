/** `rbd` of Ceph 16.2: looking at images and snapshots, and taking them away. The words are those of a real cluster. */
import type { CommandAnswer } from '../../site/reader.ts';
import {
  childrenOf,
  findImage,
  imagesOf,
  POOLS,
  type RbdImage,
  removeImage,
  removeSnapshot,
  snapshotsOf,
  unprotectSnapshot,
  watchersOf,
} from '../storage/rbd.ts';
import { inTransaction, type World } from '../world.ts';
import { fails, says, untaught } from './answer.ts';

/** librbd's own line in front of rbd's: time, thread, -1. */
const LOG = '2026-11-01T10:00:00.000+0000 7f0000000000 -1 librbd::';

/** @throws LookError for words that are not modelled */
export function runRbd(world: World, host: string, args: readonly string[]): CommandAnswer {
  const refused = untaught(host, ['rbd', ...args]);
  const { pool, words, flags } = parse(args);
  const json = flags.includes('--format json');
  const known = flags.every((flag) => flag === '--format json' || flag === '--no-progress');
  if (!known || new Set(flags).size < flags.length) throw refused;
  if (words.join(' ') === 'showmapped' && json) return says(`${JSON.stringify(mapped(world, host))}\n`);
  if (words[0] === 'unmap' && words.length === 2) return unmap(world, host, words[1] ?? '');
  if (pool === null) throw refused;
  if (!POOLS.includes(pool))
    return fails(2, `rbd: error opening pool '${pool}': (2) No such file or directory`);
  const [verb = '', ...rest] = words;
  const isSnapshot = verb === 'snap';
  const word = isSnapshot ? `snap ${rest[0] ?? ''}` : verb;
  const specs = isSnapshot ? rest.slice(1) : rest;
  const act = Object.hasOwn(VERBS, word) ? VERBS[word] : undefined;
  if (act === undefined || specs.length !== act.specs) throw refused;
  if (act.quiet === true ? json : flags.includes('--no-progress')) throw refused;
  if (act.json === true && !json) throw refused;
  const [name = '', snapshot = ''] = (specs[0] ?? '').split('@');
  if (act.snapshot === true ? snapshot === '' : snapshot !== '') throw refused;
  return inTransaction(world.machines, () => act.run(world, { pool, name, snapshot, json }));
}

interface Asked {
  readonly pool: string;
  readonly name: string;
  readonly snapshot: string;
  readonly json: boolean;
}

interface Verb {
  /** how many images or snapshots it takes */
  readonly specs: 0 | 1;
  readonly snapshot?: true;
  /** only asked for as JSON */
  readonly json?: true;
  /** takes --no-progress */
  readonly quiet?: true;
  readonly run: (world: World, asked: Asked) => CommandAnswer;
}

const VERBS: Readonly<Record<string, Verb>> = {
  ls: {
    specs: 0,
    run: (world, { pool, json }) => {
      const names = imagesOf(world, pool).map(({ name }) => name);
      return says(json ? `${JSON.stringify(names)}\n` : names.map((name) => `${name}\n`).join(''));
    },
  },
  info: { specs: 1, json: true, run: (world, asked) => ofImage(world, asked, showInfo) },
  status: { specs: 1, run: (world, asked) => ofImage(world, asked, showStatus) },
  'snap ls': { specs: 1, json: true, run: (world, asked) => ofImage(world, asked, listSnapshots) },
  children: {
    specs: 1,
    snapshot: true,
    json: true,
    run: (world, asked) => ofImage(world, asked, listChildren),
  },
  rm: { specs: 1, quiet: true, run: remove },
  'snap rm': {
    specs: 1,
    snapshot: true,
    quiet: true,
    run: (world, asked) => ofImage(world, asked, dropSnapshot),
  },
  'snap unprotect': { specs: 1, snapshot: true, run: (world, asked) => ofImage(world, asked, unprotect) },
};

/** Options that say where the cluster is and who asks are the same for every call. */
function parse(args: readonly string[]): { pool: string | null; words: string[]; flags: string[] } {
  const words: string[] = [];
  const flags: string[] = [];
  let pool: string | null = null;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    const value = args[i + 1] ?? '';
    if (arg === '--id' || arg === '--conf' || arg === '-p' || arg === '--format') {
      if (arg === '-p') pool = value;
      if (arg === '--format') flags.push(`--format ${value}`);
      i += 1;
    } else if (arg.startsWith('-')) flags.push(arg);
    else words.push(arg);
  }
  return { pool, words, flags };
}

function ofImage(
  world: World,
  asked: Asked,
  tell: (world: World, image: RbdImage, asked: Asked) => CommandAnswer,
): CommandAnswer {
  const image = findImage(world, asked.pool, asked.name);
  if (image === null)
    return fails(2, `rbd: error opening image ${asked.name}: (2) No such file or directory`);
  return tell(world, image, asked);
}

function showInfo(world: World, image: RbdImage): CommandAnswer {
  const at = ctime(image.createdAt);
  const order = 22;
  const info = {
    name: image.name,
    id: image.id,
    size: image.bytes,
    objects: Math.ceil(image.bytes / 2 ** order),
    order,
    object_size: 2 ** order,
    snapshot_count: snapshotsOf(world, image).length,
    block_name_prefix: `rbd_data.${image.id}`,
    format: 2,
    features: ['layering', 'exclusive-lock', 'object-map', 'fast-diff', 'deep-flatten'],
    op_features: [],
    flags: [],
    create_timestamp: at,
    access_timestamp: at,
    modify_timestamp: at,
    ...(image.parent === null
      ? {}
      : {
          parent: {
            pool: image.parent.pool,
            pool_namespace: '',
            image: image.parent.image,
            id: image.parent.id,
            snapshot: image.parent.snapshot,
            trash: false,
            overlap: image.bytes,
          },
        }),
  };
  return says(`${JSON.stringify(info)}\n`);
}

function showStatus(world: World, image: RbdImage, { json }: Asked): CommandAnswer {
  const watchers = watchersOf(world, image);
  if (json) return says(`${JSON.stringify({ watchers })}\n`);
  if (watchers.length === 0) return says('Watchers: none\n');
  const lines = watchers.map(
    ({ address, client, cookie }) => `\twatcher=${address} client.${client} cookie=${cookie}\n`,
  );
  return says(`Watchers:\n${lines.join('')}`);
}

function listSnapshots(world: World, image: RbdImage): CommandAnswer {
  const list = snapshotsOf(world, image).map(({ id, name, bytes, protected: kept, createdAt }) => ({
    id,
    name,
    size: bytes,
    protected: String(kept),
    timestamp: ctime(createdAt),
  }));
  return says(`${JSON.stringify(list)}\n`);
}

function listChildren(world: World, image: RbdImage, { snapshot }: Asked): CommandAnswer {
  if (!snapshotsOf(world, image).some(({ name }) => name === snapshot))
    return fails(2, `rbd: failed to set snapshot: (2) No such file or directory`);
  const list = childrenOf(world, image, snapshot).map(({ pool, name }) => ({
    pool,
    pool_namespace: '',
    image: name,
  }));
  return says(`${JSON.stringify(list)}\n`);
}

function remove(world: World, { pool, name }: Asked): CommandAnswer {
  switch (removeImage(world, pool, name)) {
    case null:
      return says('');
    case 'ENOENT':
      return fails(2, 'rbd: delete error: (2) No such file or directory');
    case 'ENOTEMPTY':
      return fails(
        39,
        "rbd: image has snapshots - these must be deleted with 'rbd snap purge' before the image can be removed.",
      );
    default:
      return fails(
        16,
        `${LOG}image::PreRemoveRequest: 0x55550000a590 check_image_watchers: image has watchers - not removing\n
rbd: error: image still has watchers
This means the image is still open or the client using it crashed. Try again after closing/unmapping it or waiting 30s for the crashed client to timeout.`,
      );
  }
}

function dropSnapshot(world: World, image: RbdImage, { snapshot }: Asked): CommandAnswer {
  const kept = removeSnapshot(world, image, snapshot);
  if (kept === null) return says('');
  if (kept === 'ENOENT') return fails(2, 'rbd: failed to remove snapshot: (2) No such file or directory');
  return fails(
    16,
    `${LOG}Operations: snapshot is protected\n\nrbd: snapshot '${snapshot}' is protected from removal.`,
  );
}

function unprotect(world: World, image: RbdImage, { snapshot }: Asked): CommandAnswer {
  const children = childrenOf(world, image, snapshot);
  const kept = unprotectSnapshot(world, image, snapshot);
  if (kept === null) return says('');
  if (kept === 'ENOENT') return fails(2, 'rbd: unprotecting snap failed: (2) No such file or directory');
  if (kept === 'EINVAL') return fails(22, 'rbd: snap is already unprotected');
  const pool = children[0]?.pool ?? '';
  const ids = children.filter((child) => child.pool === pool).map(({ id }) => id);
  return fails(
    16,
    `${LOG}SnapshotUnprotectRequest: cannot unprotect: at least ${ids.length} child(ren) [${ids.join(',')}] in pool '${pool}'\n
rbd: unprotecting snap failed: (16) Device or resource busy`,
  );
}

function mapped(world: World, host: string): readonly object[] {
  return world.machines
    .prepare('SELECT number, pool, image FROM rbd_maps WHERE host = ? ORDER BY number')
    .all(host)
    .map((row) => ({
      id: String(row['number']),
      pool: row['pool'],
      namespace: '',
      name: row['image'],
      snap: '-',
      device: `/dev/rbd${row['number']}`,
    }));
}

function unmap(world: World, host: string, device: string): CommandAnswer {
  const number = /^\/dev\/rbd(\d+)$/.exec(device)?.[1];
  const { changes } = world.machines
    .prepare('DELETE FROM rbd_maps WHERE host = ? AND number = ?')
    .run(host, number === undefined ? -1 : Number(number));
  return changes === 0
    ? fails(22, `rbd: ${device} is not mapped\nrbd: unmap failed: (22) Invalid argument`)
    : says('');
}

/** `Sat Nov 28 07:34:09 2026`, as ctime(3) writes it. */
function ctime(time: string): string {
  const date = new Date(`${time.replace(' ', 'T')}Z`);
  const [day, month] = [
    date.toLocaleDateString('en-US', { weekday: 'short', timeZone: 'UTC' }),
    date.toLocaleDateString('en-US', { month: 'short', timeZone: 'UTC' }),
  ];
  return `${day} ${month} ${String(date.getUTCDate()).padStart(2)} ${time.slice(11)} ${date.getUTCFullYear()}`;
}
