import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly protected: boolean;
  /** the property `instance_uuid`; null when the image has none */
  readonly server: string | null;
}

export interface SnapshotFacts {
  /** what `system_metadata.shelved_image_id` names, while it exists */
  readonly shelved: Image | null;
  /** all other images that say they come from this server */
  readonly others: readonly Image[];
}

const image = z.object({
  id: z.string(),
  name: z.string().nullish(),
  status: z.string(),
  protected: z.boolean().nullish(),
  instance_uuid: z.string().nullish(),
});

/** Statuses of an image that is gone and only waits for Glance's scrubber (glance 25 `db/sqlalchemy/api.py:STATUSES`). */
const GONE = ['deleted', 'pending_delete'];

function toImage(answer: z.infer<typeof image>): Image {
  return {
    id: answer.id,
    name: answer.name ?? '',
    status: answer.status,
    protected: answer.protected ?? false,
    server: answer.instance_uuid ?? null,
  };
}

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/**
 * Nova writes the key when the snapshot is complete (nova 26 `compute/manager.py:_shelve_instance`) and removes it when the server is
 * unshelved (`compute/utils.py:remove_shelved_keys_from_system_metadata`). Images in every status show in Glance's list.
 */
export async function findShelveSnapshot(look: Reader, subject: Subject): Promise<Found<SnapshotFacts>> {
  const key = subject.systemMetadata.get('shelved_image_id') ?? '';
  const byKey = lookAt(key === '' ? [] : [key], async (id) => {
    if (!isUuid(id))
      throw new LookError('Glance', 'system_metadata.shelved_image_id does not hold the id of an image', {
        code: 'answer-not-understood',
      });
    const { status, body } = await look.http.get('image', `/v2/images/${id}`, { also: [404] });
    return status === 404 ? [] : [toImage(parseAnswer('Glance', image, body))];
  });
  const byProperty = lookAt([`/v2/images?instance_uuid=${subject.uuid}`], async (path) => {
    const answers = await look.http.list('image', path, 'images');
    return parseAnswer('Glance', z.array(image), answers).map(toImage);
  });
  const [named, listed] = await Promise.all([byKey, byProperty]);
  const exists = ({ status }: Image) => !GONE.includes(status);
  return {
    facts: {
      shelved: named.facts.flat().find(exists) ?? null,
      others: listed.facts
        .flat()
        .filter((one) => exists(one) && one.server === subject.uuid && one.id !== key.toLowerCase()),
    },
    unknown: [...named.unknown, ...listed.unknown],
  };
}
