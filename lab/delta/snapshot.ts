import type { Lab } from '../paths.ts';
import { type HostView, readHost } from './host.ts';
import { type Rows, readRows } from './rows.ts';

/** All that there is to see of a cloud at one moment. Plain data, so that it can be kept and compared later. */
export interface Snapshot {
  readonly rows: Rows;
  readonly host: HostView;
}

export async function takeSnapshot(lab: Lab): Promise<Snapshot> {
  const [rows, host] = await Promise.all([readRows(lab), readHost(lab)]);
  return { rows, host };
}
