/** Numbers that are the same for the same seed (xorshift32). */
export type Random = Readonly<{
  /** In [0, 1). */
  next(): number;
  state(): number;
  restore(state: number): void;
}>;

export function createRandom(seed: number): Random {
  let s = seed >>> 0 || 1;
  return {
    next() {
      s ^= s << 13;
      s >>>= 0;
      s ^= s >>> 17;
      s ^= s << 5;
      s >>>= 0;
      return s / 4294967296;
    },
    state: () => s,
    restore(state) {
      s = state;
    },
  };
}
