import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import type { RowCheck } from '../engine-client.ts';
import { compilePredicate, type ExpressionOptions } from '../expression/compile.ts';

/** 42501 unless all rows pass; NULL does not. `existing`: they were there before. */
export function requireRows(
  relation: string,
  checks: readonly RowCheck[],
  batch: Batch,
  options: ExpressionOptions,
  existing = false,
): void {
  if (checks.length === 0 || batch.rows === 0) return;
  const selected = new Uint32Array(batch.rows);
  for (const { predicate, policy } of checks) {
    if (compilePredicate(predicate, options).select(batch, selected) === batch.rows) continue;
    const named = policy === null ? '' : `"${policy}" `;
    const using = existing ? '(USING expression) ' : '';
    throw new SqlError(
      '42501',
      `new row violates row-level security policy ${named}${using}for table "${relation}"`,
    );
  }
}
