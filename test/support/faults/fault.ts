/** What a fault is, and the counter that decides which call it meets. */

export type Door = 'http' | 'sql' | 'command' | 'queue' | 'cache' | 'journal';

/** A call through a door, as far as a fault must know it. */
export interface Call {
  /** as a message would name it: `Nova`, `host cmp-1` */
  readonly place: string;
  /** what is asked, in a few words */
  readonly what: string;
  /** the call may change something */
  readonly writes: boolean;
}

export interface Fault<C extends Call = Call> {
  readonly name: string;
  /** which calls it can meet; all unless told */
  readonly meets?: (call: C) => boolean;
  /** what becomes of the call. @param really lets it take effect */
  strike(call: C, really: () => Promise<unknown>): Promise<unknown>;
}

export interface Strike {
  readonly door: Door;
  readonly fault: string;
  /** which of the calls that it can meet, from 1 on; 0: none, they are only counted */
  readonly at: number;
  /** that one and all after it */
  readonly lasting: boolean;
}

/** Lets calls through, and the fault strike where it is to. */
export class Striker<C extends Call> {
  readonly #faults: readonly Fault<C>[];
  readonly #fault: Fault<C> | undefined;
  readonly #strike: Strike;
  readonly #seen: C[] = [];
  #calls = 0;
  /** what it met */
  readonly met: string[] = [];

  /** @param strike of this door or of another: then nothing fails here */
  constructor(door: Door, faults: readonly Fault<C>[], strike: Strike) {
    this.#faults = faults;
    this.#fault = strike.door === door ? faults.find(({ name }) => name === strike.fault) : undefined;
    this.#strike = strike;
  }

  async through<T>(call: C, really: () => Promise<T>): Promise<T> {
    this.#seen.push(call);
    const fault = this.#fault;
    if (fault === undefined || !(fault.meets?.(call) ?? true)) return really();
    this.#calls++;
    const { at, lasting } = this.#strike;
    if (at === 0 || (lasting ? this.#calls < at : this.#calls !== at)) return really();
    this.met.push(`${call.place}: ${call.what}`);
    return (await fault.strike(call, really)) as T;
  }

  /** How many of the calls so far each fault could have met. */
  reach(): readonly (readonly [fault: string, calls: number])[] {
    return this.#faults.map(({ name, meets }) => [
      name,
      this.#seen.filter((call) => meets?.(call) ?? true).length,
    ]);
  }
}
