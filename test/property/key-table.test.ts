/** The key table against a Map: interning, releasing, looking up, saving and loading in any order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyTable, NO_ID } from '../../runtime/state/key-table.ts';
import { StateReader, StateWriter } from '../../runtime/state/state-codec.ts';

/** Few letters, all lengths about the word's: keys that are prefixes, rotations and one-byte changes of each other. */
const key = fc.array(fc.constantFrom(0, 1, 97, 128, 255), { maxLength: 13 }).map((b) => Uint8Array.from(b));
const step = fc.oneof(
  fc.record({ kind: fc.constant('intern' as const), keys: fc.array(key, { maxLength: 60 }) }),
  fc.record({ kind: fc.constant('release' as const), keys: fc.array(key, { maxLength: 30 }) }),
  fc.record({ kind: fc.constant('lookup' as const), keys: fc.array(key, { maxLength: 30 }) }),
  fc.record({ kind: fc.constant('reload' as const), keys: fc.constant([]) }),
);

/** Keys one after the other, at an offset that words do not divide. */
function packed(keys: readonly Uint8Array[]) {
  const bytes = Buffer.concat([Buffer.from('abc'), ...keys]);
  const starts = new Uint32Array(keys.length);
  const ends = new Uint32Array(keys.length);
  let at = 3;
  keys.forEach((k, i) => {
    starts[i] = at;
    at += k.length;
    ends[i] = at;
  });
  return { bytes, starts, ends, out: new Uint32Array(keys.length) };
}

test('behaves as a map', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let table = new KeyTable();
      const model = new Map<string, number>();
      const name = (k: Uint8Array): string => Buffer.from(k).toString('hex');
      for (const { kind, keys } of steps) {
        const { bytes, starts, ends, out } = packed(keys);
        if (kind === 'intern') {
          table.intern(bytes, starts, ends, keys.length, out);
          keys.forEach((k, i) => {
            const known = model.get(name(k));
            if (known === undefined) {
              expect([...model.values()]).not.toContain(out[i]);
              model.set(name(k), out[i]!);
            } else expect(out[i]).toBe(known);
          });
        } else if (kind === 'lookup') {
          table.lookup(bytes, starts, ends, keys.length, out);
          expect([...out]).toEqual(keys.map((k) => model.get(name(k)) ?? NO_ID));
        } else if (kind === 'release') {
          for (const k of keys) {
            const id = model.get(name(k));
            if (id === undefined) continue;
            table.release(id);
            model.delete(name(k));
          }
        } else {
          const w = new StateWriter();
          table.save(w);
          table = new KeyTable();
          table.load(new StateReader(w.finish()));
        }
        expect(table.size).toBe(model.size);
        for (const [text, id] of model) {
          const held = table.arena.subarray(table.starts[id], table.ends[id]);
          expect(name(held)).toBe(text);
        }
      }
    }),
    { numRuns: 500 },
  );
});
