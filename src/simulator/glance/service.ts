/** Glance's API v2 (glance 25, Zed): images. */
import { type Answer, type Asked, type DatabaseRow, notTaught } from '../http/exchange.ts';
import { authenticate } from '../keystone/authenticate.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import { glanceError, glanceUnauthorized } from './errors.ts';
import { deleteImage, findImage, imageBody, isInUse } from './images.ts';
import { listImages } from './list.ts';

export function answerImage(world: World, asked: Asked): Answer {
  const caller = authenticate(world, asked);
  // Refused before anything numbers the request.
  if (caller === null) return glanceUnauthorized();
  const answer = route(world, asked, caller);
  return { ...answer, headers: { 'x-openstack-request-id': asked.requestId, ...answer.headers } };
}

function route(world: World, asked: Asked, caller: Caller): Answer {
  const [whole, id] = /^\/v2\/images(?:\/([^/]+))?$/.exec(asked.path) ?? [];
  if (whole !== undefined && id === undefined && asked.method === 'GET')
    return listImages(world, asked, caller);
  if (id === undefined) return glanceError(501, notTaught(asked));
  if (asked.query.size > 0)
    return glanceError(501, notTaught(asked, `the query ${[...asked.query.keys()].join(', ')}`));
  const image = findFor(world, id, caller);
  if (asked.method === 'GET')
    return image === null
      ? glanceError(404, `No image found with ID ${id}`)
      : { status: 200, body: imageBody(world, image) };
  if (asked.method === 'DELETE') return removeImage(world, asked, id, image, caller);
  return glanceError(501, notTaught(asked));
}

/** An image of another project that is not for all is not found. Who it was shared with is not taught. */
function findFor(world: World, id: string, caller: Caller): DatabaseRow | null {
  const image = findImage(world, id);
  if (image === null || isAdmin(caller) || image['owner'] === caller.project) return image;
  return ['public', 'community'].includes(String(image['visibility'])) ? image : null;
}

function removeImage(
  world: World,
  asked: Asked,
  id: string,
  image: DatabaseRow | null,
  caller: Caller,
): Answer {
  if (image === null) return glanceError(404, `Failed to find image ${id} to delete`);
  if (!isAdmin(caller))
    return glanceError(501, notTaught(asked, 'what a user without the role admin may delete'));
  if (image['protected'] === 1) return glanceError(403, `Image ${id} is protected and cannot be deleted.`);
  if (isInUse(world, id))
    return glanceError(
      409,
      `Image ${id} could not be deleted because it is in use: The image cannot be deleted because it is in use through the backend store outside of Glance.`,
    );
  deleteImage(world, id);
  return { status: 204 };
}
