import type { Batch } from '../../runtime/batch/column.ts';

/**
 * Bytes of a batch by what they were encoded for. Subscribers of one relation get the same batch object: the first of
 * them encodes it, the others send the same buffer. Gone with the batch: nothing is kept longer than its slowest reader.
 */
const encodings = new WeakMap<Batch, Map<string, Buffer>>();

/** `format` names everything that the bytes depend on beside the batch. */
export function encodeOnce(batch: Batch, format: string, encode: () => Buffer): Buffer {
  let known = encodings.get(batch);
  if (known === undefined) {
    known = new Map();
    encodings.set(batch, known);
  }
  let bytes = known.get(format);
  if (bytes === undefined) {
    bytes = encode();
    known.set(format, bytes);
  }
  return bytes;
}
