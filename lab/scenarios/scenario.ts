import type { Deviation } from '../delta.ts';
import type { Lab } from '../paths.ts';
import type { LabServer } from '../servers.ts';

/** One way in which a server gets stuck, with a healthy twin that Nova deletes itself. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly outcome: 'purged' | 'already-clean';
  /** What expunge is told besides the server: what becomes of its volumes, say. */
  readonly decisions?: readonly string[];
  /** Name of the site file; the lab's usual one when it is not there. */
  readonly site?: 'expunge-ceph' | 'expunge-no-token';
  /** Makes one server with everything that victim and twin share; called once for each. */
  make(lab: Lab, name: string): Promise<LabServer>;
  /** Breaks the victim only; returns when the breakage is stable. */
  break(lab: Lab, server: LabServer): Promise<void>;
  /** How Nova itself deletes the twin; returns when it is really gone and the agents have settled. */
  novaDelete(lab: Lab, server: LabServer): Promise<void>;
  /** Brings the services back after expunge has run, so that the next scenario can start. */
  mend(lab: Lab): Promise<void>;
  /** Where expunge does more than Nova's delete, or something else, each with the reason. */
  readonly beyondNova: readonly Deviation[];
}
