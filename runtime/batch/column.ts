/**
 * Columns: the values of one batch for one field, in typed arrays.
 *
 *   bool     Uint8Array, 0 or 1
 *   int32    Int32Array                    int2, int4, date (±infinity: the extreme values)
 *   int64    Float64Array while every value is a safe integer, else BigInt64Array in `wide`
 *   float64  Float64Array                  float4, float8, time, timestamp(tz) in µs (±Infinity)
 *   bytes    bytes[starts[i], ends[i])     text and its kin, json(b), bytea, uuid (16 raw bytes)
 *   boxed    one datum per row             numeric, interval, arrays
 *
 * `valid` has one bit a row, least significant first, 1 = not NULL; `null` = no NULLs in the column.
 * The slot of a NULL holds any value of the array's type (bytes: an empty range; boxed: null).
 * Arrays may be longer than the batch. A column is never changed once its batch has been handed on.
 */
export type Validity = Uint8Array | null;

export type BoolColumn = Readonly<{ kind: 'bool'; values: Uint8Array; valid: Validity }>;
export type Int32Column = Readonly<{ kind: 'int32'; values: Int32Array; valid: Validity }>;
export type Int64Column = Readonly<{
  kind: 'int64';
  /** Meaningful while `wide` is null: every value is an integer within ±(2^53 − 1). */
  values: Float64Array;
  wide: BigInt64Array | null;
  valid: Validity;
}>;
export type Float64Column = Readonly<{
  kind: 'float64';
  values: Float64Array;
  valid: Validity;
  /** Known to hold one value (a window's bound), so that nobody looks for others; absent: unknown. */
  constant?: boolean;
}>;
export type BytesColumn = Readonly<{
  kind: 'bytes';
  bytes: Uint8Array;
  starts: Uint32Array;
  ends: Uint32Array;
  valid: Validity;
}>;
export type BoxedColumn = Readonly<{ kind: 'boxed'; values: readonly unknown[]; valid: Validity }>;

export type Column = BoolColumn | Int32Column | Int64Column | Float64Column | BytesColumn | BoxedColumn;

/** Columns of equal length. `weights`: signed count of each row; null = all +1. */
export type Batch = Readonly<{
  rows: number;
  columns: readonly Column[];
  weights: Int32Array | null;
}>;

/** Rows in a batch at the most (kernels cost the same from 1,024 to 16,384). */
export const BATCH_ROWS_MAX = 4096;

export const isValid = (valid: Validity, row: number): boolean =>
  valid === null || ((valid[row >> 3]! >> (row & 7)) & 1) === 1;
