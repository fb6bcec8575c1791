/** rbd on a compute host, asked with the credentials that the host has. Tried on rbd 16.2. */

import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { whyFailed } from '../../site/command/lines.ts';
import { parseAnswer } from '../../site/parse.ts';
import { PLAIN_NAME } from '../../site/plain-name.ts';
import type { Reader } from '../../site/reader.ts';
import type { RbdStore } from './stores.ts';

export interface RbdSnapshot {
  readonly name: string;
  /** bytes of the image when it was taken: a resize changes only the image's */
  readonly size: number;
  readonly protected: boolean;
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
const info = z.object({ id: z.string(), size: z.number() });
// `protected` is text, as ceph 14 and later write it (`tools/rbd/action/Snap.cc:do_list_snaps`).
const snapshots = z.array(
  z.object({ name: z.string(), size: z.number(), protected: z.enum(['true', 'false']) }),
);
const status = z.object({
  watchers: z.array(z.object({ address: z.string(), client: z.union([z.string(), z.number()]) })),
});
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
  const ask = async <T>(shape: z.ZodType<T>, ...words: string[]): Promise<T> => {
    const answer = await look.command.run(host, rbd(store, ...words, '--format', 'json'));
    const { exit, out } = answer;
    if (exit === 127)
      throw new LookError(place, 'rbd is not there, but its servers have disks on Ceph', {
        code: 'rbd-missing',
        hint: 'install ceph-common there',
      });
    if (exit !== 0)
      throw new LookError(place, `rbd cannot look into pool ${store.pool}: ${whyFailed('rbd', answer)}`, {
        code: 'rbd-unreachable',
        hint: 'images.user and images.conf of the host in the site file',
      });
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
        ask(status, 'status', name),
      ]);
      return {
        name,
        ...about,
        snapshots: await Promise.all(
          snaps.map(async (snap): Promise<RbdSnapshot> => {
            assertPlain(place, 'a snapshot', snap.name);
            const clones = await ask(children, 'children', `${name}@${snap.name}`);
            return {
              name: snap.name,
              size: snap.size,
              protected: snap.protected === 'true',
              children: clones.map((c) =>
                [c.pool, ...(c.pool_namespace ? [c.pool_namespace] : []), c.image].join('/'),
              ),
            };
          }),
        ),
        watchers: used.watchers.map((w) => `${w.address} (client.${w.client})`),
      };
    }),
  );
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
