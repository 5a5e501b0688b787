/** The compiled loops against the plain meaning of an expression, row by row. */
import { expect } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import type { SqlType } from '../../common/types.ts';
import { formatDatum, textFormat } from '../../common/value-text.ts';
import type { Batch, Column } from '../../runtime/batch/column.ts';
import { buildColumn, readDatum } from '../../runtime/batch/datum.ts';
import { allValid } from '../../runtime/batch/validity.ts';
import { compileExpressions, evaluateLeniently } from '../../runtime/expression/compile.ts';
import { interpret } from '../../runtime/expression/interpret.ts';
import type { Expression } from '../../runtime/plan/expression.ts';

export const NOW = 1_700_000_000_000_000;
const OPTIONS = { now: () => NOW, timeZone: 'UTC' };
const CONTEXT = { now: () => NOW, format: textFormat({ timeZone: 'UTC', now: () => NOW }) };

const show = (datum: unknown, type: SqlType): string | null =>
  datum === null ? null : formatDatum(datum, type);

/** Text or SQLSTATE of each row, one row at a time. */
export function plainAnswers(
  e: Expression,
  rows: readonly (readonly unknown[])[],
): readonly (string | null)[] {
  return rows.map((row) => {
    try {
      return show(interpret(e, row, CONTEXT), e.type);
    } catch (error) {
      if (error instanceof SqlError) return `${error.code} ${error.message}`;
      throw error;
    }
  });
}

export function compiledAnswers(e: Expression, batch: Batch): readonly (string | null)[] {
  const answers = new Array<string | null>(batch.rows).fill(null);
  const program = compileExpressions([e], OPTIONS);
  let last = -1;
  const { columns, rows } = evaluateLeniently(program, batch, (row, error) => {
    expect(row).toBeGreaterThan(last);
    last = row;
    answers[row] = `${error.code} ${error.message}`;
  });
  const count = rows === null ? batch.rows : rows.length;
  for (let i = 0; i < count; i++)
    answers[rows === null ? i : rows[i]!] = show(readDatum(columns[0]!, i, e.type), e.type);
  return answers;
}

/** The same int8 values held as 64-bit integers. */
export function widened(column: Column): Column {
  if (column.kind !== 'int64' || column.wide !== null) return column;
  const wide = BigInt64Array.from(column.values, (value) => BigInt(value));
  return { kind: 'int64', values: new Float64Array(0), wide, valid: column.valid };
}

/** The same column with validity bits though nothing is NULL. */
function withBits(column: Column, rows: number): Column {
  return column.valid === null ? { ...column, valid: allValid(rows) } : column;
}

export function batchOf(types: readonly SqlType[], rows: readonly (readonly unknown[])[]): Batch {
  const columns = types.map((type, i) =>
    buildColumn(
      type,
      rows.map((row) => row[i] ?? null),
    ),
  );
  return { rows: rows.length, columns, weights: null };
}

/** Compares all variants of the loops: narrow and wide, with and without validity bits. */
export function expectSameAsPlain(
  e: Expression,
  types: readonly SqlType[],
  rows: readonly (readonly unknown[])[],
): void {
  const plain = plainAnswers(e, rows);
  const batch = batchOf(types, rows);
  expect(compiledAnswers(e, batch)).toEqual(plain);
  const wide = { ...batch, columns: batch.columns.map(widened) };
  expect(compiledAnswers(e, wide)).toEqual(plain);
  const bits = { ...batch, columns: batch.columns.map((column) => withBits(column, batch.rows)) };
  expect(compiledAnswers(e, bits)).toEqual(plain);
}
