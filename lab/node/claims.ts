/** What a self-test says of what it saw. */
export interface Claims {
  readonly claim: (what: string, holds: boolean, seen?: string) => void;
  /** False as soon as one claim did not hold. */
  readonly allHold: () => boolean;
}

/** Prints each claim as one line, and remembers whether all of them held. */
export function makeClaims(say: (line: string) => void): Claims {
  let broken = 0;
  return {
    claim: (what, holds, seen) => {
      if (!holds) broken += 1;
      say(`${holds ? 'ok    ' : 'NOT SO'}  ${what}${seen === undefined || seen === '' ? '' : `: ${seen}`}`);
    },
    allHold: () => broken === 0,
  };
}
