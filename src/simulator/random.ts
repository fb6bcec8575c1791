/** Numbers that look drawn and follow from a seed, so that the same seed makes the same cloud. */
export interface Random {
  /** whole, from 0 up to and without `below` */
  int(below: number): number;
  uuid(): string;
  hex(digits: number): string;
}

/** mulberry32: small, quick, good enough for names. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  const random: Random = {
    int: (below) => Math.floor(next() * below),
    hex: (digits) => Array.from({ length: digits }, () => random.int(16).toString(16)).join(''),
    uuid() {
      const h = random.hex(32);
      const variant = (8 + random.int(4)).toString(16);
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20)}`;
    },
  };
  return random;
}
