type Numbers = Uint8Array | Int32Array | Uint32Array | Float64Array | BigInt64Array;

/** A longer copy; the rest is zero. */
export function grown<A extends Numbers>(array: A, length: number): A {
  const copy = new (array.constructor as new (n: number) => A)(length);
  copy.set(array as never);
  return copy;
}
