/** Pieces of any size, taken out in portions of any size: the same bytes in their order, in few blocks. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteBlocks } from '../../common/byte-blocks.ts';

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ push: fc.oneof(fc.nat(5), fc.integer({ min: 60_000, max: 140_000 })) }),
  },
  { weight: 1, arbitrary: fc.record({ take: fc.oneof(fc.nat(10), fc.nat(200_000)) }) },
);

it('gives what came', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const blocks = new ByteBlocks();
      const came: Uint8Array[] = [];
      const went: Uint8Array[] = [];
      let next = 0;
      for (const one of steps) {
        if ('push' in one) {
          const piece = Buffer.alloc(one.push, next++ % 251);
          came.push(piece);
          blocks.push(piece);
        } else {
          const before = blocks.bytes;
          const taken = Buffer.concat(blocks.take(one.take));
          expect(taken.length).toBe(Math.min(before, one.take));
          went.push(taken);
        }
      }
      went.push(...blocks.takeAll());
      expect(Buffer.concat(went).equals(Buffer.concat(came))).toBe(true);
      expect(blocks.bytes).toBe(0);
    }),
    { numRuns: 60 },
  );
});

it('keeps a million pieces of a byte in a few blocks', () => {
  const blocks = new ByteBlocks();
  for (let i = 0; i < 1_000_000; i++) blocks.push(Uint8Array.of(i));
  expect(blocks.takeAll().length).toBeLessThan(20);
});
