import type { Lab } from '../paths.ts';
import { type HostView, readHost } from './host.ts';
import { type NodeView, readNode } from './node.ts';
import { type Rows, readRows } from './rows.ts';

/** All that there is to see of a cloud at one moment. Plain data, so that it can be kept and compared later. */
export interface Snapshot {
  readonly rows: Rows;
  readonly host: HostView;
  /** of the second machine; not there while it does not answer */
  readonly node?: NodeView;
}

export async function takeSnapshot(lab: Lab): Promise<Snapshot> {
  const [rows, host, node] = await Promise.all([readRows(lab), readHost(lab), readNode(lab)]);
  return { rows, host, ...(node === undefined ? {} : { node }) };
}
