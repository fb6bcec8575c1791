/** What the steps of rbd images and of logical volumes share. */
import { domainNotActive } from '../domain/virsh.ts';

const GIB = 2 ** 30;

export interface Context {
  readonly uuid: string;
  /** hosts whose libvirt answered */
  readonly asked: readonly string[];
}

export function size(bytes: number): string {
  return `${(bytes / GIB).toFixed(bytes < GIB ? 2 : 0)} GiB`;
}

export function inactive(asked: readonly string[], uuid: string) {
  return asked.map((host) => ({
    must: `the server's domain is not active on ${host}`,
    check: domainNotActive(host, uuid),
  }));
}
