import type * as z from '../../plan/zod.ts';

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
  /** the trunk whose parent it is */
  readonly trunk: Trunk | null;
  /** the host that it is bound to; empty: none. null: Neutron shows no binding of it at all */
  readonly host: string | null;
  /** floating addresses that lead to it */
  readonly floating: readonly string[];
  /** null: Neutron has no `dns-integration` */
  readonly dnsName: string | null;
  /** the network's `dns_domain`; empty without one, and where this release of Nova does not look at it */
  readonly dnsDomain: string;
}

export interface Trunk {
  readonly id: string;
  /** ids of the ports that are its subports */
  readonly subports: readonly string[];
  /** false: it may not be changed (`admin_state_up`) */
  readonly changeable: boolean;
}
