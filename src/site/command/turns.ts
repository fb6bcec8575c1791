/** Turns at something of which only so many may be under way. */
export interface Turns {
  /** Resolves when it is one's turn, in the order of asking, to what ends it; ending it twice ends it once. */
  take(): Promise<() => void>;
}

export function openTurns(atOnce: number): Turns {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  const endTurn = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    async take() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      let ended = false;
      return () => {
        if (!ended) endTurn();
        ended = true;
      };
    },
  };
}
