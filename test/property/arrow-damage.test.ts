/** Arrow streams that are broken: no bytes do harm. */
import {
  Dictionary,
  Field,
  Int32,
  Int64,
  List,
  Null,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import type { Field as SqlField } from '../../common/types.ts';
import { decode, table } from '../support/arrow-rows.ts';

describe('broken streams', () => {
  const columns: SqlField[] = [
    { name: 'n', type: { name: 'int8' } },
    { name: 't', type: { name: 'text' } },
    { name: 'l', type: { name: '_int4' } },
    { name: 'u', type: { name: 'uuid' } },
    { name: 'd', type: { name: 'text' } },
  ];
  const sample = (): Uint8Array => {
    const batch = (shift: bigint): Table =>
      new Table({
        n: vectorFromArray([shift, null, 3n], new Int64()),
        t: vectorFromArray(['a', null, 'ccc'], new Utf8()),
        l: vectorFromArray([[1, 2], [], null], new List(new Field('item', new Int32(), true))),
        d: vectorFromArray(['x', 'y', 'x'], new Dictionary(new Utf8(), new Int32(), 7)),
      });
    return tableToIPC(batch(1n), 'stream');
  };

  /** Whatever it says: rows, or a SqlError of the stream's; never another error. */
  const attempt = (bytes: Uint8Array): string => {
    try {
      const { rows, rejected } = decode(columns, bytes);
      return `${rows.length + rejected.length} rows`;
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      return error.code;
    }
  };

  it('every truncation is refused, or ends between messages', () => {
    const bytes = sample();
    const outcomes = new Map<string, number>();
    for (let length = 0; length < bytes.length; length++) {
      const outcome = attempt(bytes.slice(0, length));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // after the schema, the dictionary, the batch, and in place of the end mark
    expect([...outcomes.keys()].sort()).toEqual(['0 rows', '22P04', '3 rows']);
    expect(outcomes.get('0 rows')).toBe(2);
    expect(outcomes.get('3 rows')! + outcomes.get('22P04')! + 2).toBe(bytes.length);
    expect(outcomes.get('3 rows')).toBeLessThanOrEqual(2);
  });

  it('every byte set to anything does no harm', () => {
    const bytes = sample();
    const allowed = new Set(['22P04', '0A000', '42804', '54011', '54000']);
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff, bytes[at]! ^ 4]) {
        const broken = Uint8Array.from(bytes);
        broken[at] = value;
        const outcome = attempt(broken);
        if (!outcome.endsWith(' rows')) expect(allowed).toContain(outcome);
      }
    }
  }, 120_000);

  it('random damage does no harm', () => {
    const bytes = sample();
    const flip = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 12 }), (flips) => {
        const broken = Uint8Array.from(bytes);
        for (const [at, value] of flips) broken[at] = value;
        attempt(broken);
      }),
      { numRuns: 3_000 },
    );
  }, 120_000);

  it('garbage, nothing, and what is text', () => {
    for (const text of ['', 'hello', '{"a":1}', 'ARROW1\0\0'])
      expect(attempt(Buffer.from(text))).toBe('22P04');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        attempt(bytes);
      }),
    );
  });

  it('a column of billions of NULLs is refused', () => {
    const bytes = Uint8Array.from(table(new Null(), [null, null, null]));
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let changed = 0;
    for (let at = 0; at + 8 <= view.length; at += 1) {
      if (view.readBigInt64LE(at) === 3n) {
        view.writeBigInt64LE(1n << 40n, at);
        changed++;
      }
    }
    expect(changed).toBeGreaterThan(0);
    expect(attempt(bytes)).toBe('22P04');
  });
});
