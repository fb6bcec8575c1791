/** Volumes in words. Their names are text from the cloud, quoted. */
import type { HeldVolume } from './find.ts';
import type { Volume } from './volume.ts';

/** `volume 5c1e… "data" 100 GiB` */
export function describeVolume({ id, name, size }: Volume): string {
  return ['volume', id, ...(name === '' ? [] : [JSON.stringify(name)]), `${size} GiB`].join(' ');
}

/** `attached`, `attached and reserved`, `not attached`: how the server holds it. */
export function describeHold({ attachments }: HeldVolume): string {
  const statuses = [...new Set(attachments.map(({ status }) => status))];
  return statuses.length === 0 ? 'not attached' : statuses.join(' and ');
}
