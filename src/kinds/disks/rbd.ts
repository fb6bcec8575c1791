/**
 * rbd on a compute host, asked with the credentials that the host has. Tried on rbd 16.2; what older ones say otherwise is from their
 * sources (ceph `tools/rbd/action/Info.cc`, `Snap.cc`, `Status.cc`).
 */

import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { perhapsInContainer } from '../../site/command/containers.ts';
import { lineNotUnderstood, linesOf, whyFailed } from '../../site/command/lines.ts';
import { parseAnswer } from '../../site/parse.ts';
import { PLAIN_NAME } from '../../site/plain-name.ts';
import type { Reader } from '../../site/reader.ts';
import type { RbdStore } from './stores.ts';

export interface RbdSnapshot {
  readonly name: string;
  /** bytes of the image when it was taken: a resize changes only the image's */
  readonly size: number;
  readonly protected: boolean;
  /** the list of snapshots says so; otherwise only what is told of this one does */
  readonly listsProtection: boolean;
  /** clones of it, `pool/image` */
  readonly children: readonly string[];
}

export interface RbdImage {
  readonly name: string;
  /** of the image itself, the same from whichever host it is seen */
  readonly id: string;
  /** bytes */
  readonly size: number;
  readonly snapshots: readonly RbdSnapshot[];
  /** clients that have it open, as Ceph names them: address and client id */
  readonly watchers: readonly string[];
}

const names = z.array(z.string());
// The objects of an image are called after its id, which Ceph 10 does not tell otherwise.
const info = z.union([
  z.object({ id: z.string(), size: z.number() }),
  z
    .object({ block_name_prefix: z.string(), size: z.number() })
    .transform(({ block_name_prefix, size }) => ({ id: block_name_prefix, size })),
]);
/** A flag as text, in every release. */
const isProtected = z.enum(['true', 'false']);
// Ceph 13 and older leave `protected` out of the list.
const snapshots = z.array(
  z.object({ name: z.string(), size: z.number(), protected: isProtected.optional() }),
);
const snapshotInfo = z.object({ protected: isProtected });
const children = z.array(
  z.object({ pool: z.string(), pool_namespace: z.string().optional(), image: z.string() }),
);

/** argv of rbd on one pool. */
export function rbd({ user, conf, pool }: RbdStore, ...words: readonly string[]): string[] {
  return [
    'rbd',
    ...(user === null ? [] : ['--id', user]),
    ...(conf === null ? [] : ['--conf', conf]),
    '-p',
    pool,
    ...words,
  ];
}

/**
 * The server's images, by the beginning of their names as Nova finds them (nova 26 `virt/libvirt/driver.py:_cleanup_rbd`).
 *
 * rbd ends with 2 for an image that is not there and for a cluster that it cannot reach, so no exit code is read as "not there".
 *
 * @throws LookError when the cluster does not answer, or not in words that are understood
 */
export async function readImages(
  look: Reader,
  host: string,
  store: RbdStore,
  uuid: string,
): Promise<RbdImage[]> {
  const place = `host ${host}`;
  const run = async (...words: string[]): Promise<string> => {
    const answer = await look.command.run(host, rbd(store, ...words));
    const { exit, out } = answer;
    if (exit === 127)
      throw new LookError(place, 'rbd is not there, but its servers have disks on Ceph', {
        code: 'rbd-missing',
        hint: `${perhapsInContainer(host)}; else install ceph-common there`,
      });
    if (exit !== 0)
      throw new LookError(place, `rbd cannot look into pool ${store.pool}: ${whyFailed('rbd', answer)}`, {
        code: 'rbd-unreachable',
        hint: 'images.user and images.conf of the host in the site file',
      });
    return out;
  };
  const ask = async <T>(shape: z.ZodType<T>, ...words: string[]): Promise<T> => {
    const out = await run(...words, '--format', 'json');
    try {
      return parseAnswer(place, shape, JSON.parse(out));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new LookError(place, 'the answer of rbd is not JSON', { code: 'answer-not-understood' });
    }
  };
  const own = (await ask(names, 'ls')).filter((name) => name.startsWith(uuid));
  return Promise.all(
    own.map(async (name): Promise<RbdImage> => {
      assertPlain(place, 'an image', name);
      const [about, snaps, used] = await Promise.all([
        ask(info, 'info', name),
        ask(snapshots, 'snap', 'ls', name),
        run('status', name),
      ]);
      return {
        name,
        ...about,
        snapshots: await Promise.all(
          snaps.map(async (snap): Promise<RbdSnapshot> => {
            assertPlain(place, 'a snapshot', snap.name);
            const full = `${name}@${snap.name}`;
            const clones = await ask(children, 'children', full);
            const kept = snap.protected ?? (await ask(snapshotInfo, 'info', full)).protected;
            return {
              name: snap.name,
              size: snap.size,
              protected: kept === 'true',
              listsProtection: snap.protected !== undefined,
              children: clones.map((c) =>
                [c.pool, ...(c.pool_namespace ? [c.pool_namespace] : []), c.image].join('/'),
              ),
            };
          }),
        ),
        watchers: parseWatchers(host, used),
      };
    }),
  );
}

/**
 * `Watchers: none`, or a line for each client; what later releases say of a migration and of a cache stands below. Their words have not
 * changed, unlike the JSON, which up to Ceph 10 puts all of them under one key.
 *
 * @throws LookError when neither is said
 */
function parseWatchers(host: string, out: string): string[] {
  const [first = '', ...others] = linesOf(out).map((line) => line.trim());
  if (first === 'Watchers: none') return [];
  const watchers = others.flatMap((line) => {
    const [, address, client] = /^watcher=(\S+) (client\.\d+) cookie=\d+$/.exec(line) ?? [];
    return address === undefined ? [] : [`${address} (${client})`];
  });
  if (first !== 'Watchers:' || watchers.length === 0)
    throw lineNotUnderstood(host, 'the list of watchers', first);
  return watchers;
}

function assertPlain(place: string, what: string, name: string): void {
  if (PLAIN_NAME.test(name)) return;
  throw new LookError(
    place,
    `${what} of the server is called ${JSON.stringify(name)}: not a name that expunge works on`,
    {
      code: 'name-not-plain',
    },
  );
}
