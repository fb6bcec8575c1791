import type { z } from 'zod';

export type Json = z.infer<ReturnType<typeof z.json>>;

export interface Port {
  readonly id: string;
  readonly name: string;
  /** empty while Nova has made the port but not bound it yet */
  readonly deviceOwner: string;
  /** Neutron's word on whether the host's agent has it wired, `ACTIVE` or `DOWN` among others; empty where it says nothing */
  readonly status: string;
  readonly addresses: readonly string[];
  /** UTC, `YYYY-MM-DD HH:MM:SS`; null before Mitaka and without the `standard-attr-timestamp` extension */
  readonly createdAt: string | null;
  readonly profile: Readonly<Record<string, Json>>;
  /** parent of a trunk */
  readonly trunk: boolean;
  /** null: Neutron has no `dns-integration` */
  readonly dnsName: string | null;
  /** the network's `dns_domain`; empty without one, and where this release of Nova does not look at it */
  readonly dnsDomain: string;
}
