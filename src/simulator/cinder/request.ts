import type { Asked } from '../http/exchange.ts';
import type { Caller } from '../keystone/tokens.ts';

/** A request to Cinder whose token, version and project are known and good. */
export interface VolumeRequest {
  readonly asked: Asked;
  readonly caller: Caller;
  /** the second number of the microversion; the first is 3 */
  readonly version: number;
  /** below version and project: `/volumes/…` */
  readonly path: string;
  /** roles of the service that asks beside the user */
  readonly serviceRoles: readonly string[];
}
