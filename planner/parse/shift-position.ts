import { SqlError } from '../../common/sql-error.ts';

/** The same error where its text stands `by` characters into a longer one. */
export function shiftPosition(error: SqlError, by: number): SqlError {
  if (error.position === undefined || by === 0) return error;
  const { detail, hint, context } = error;
  return new SqlError(error.code, error.message, { detail, hint, context, position: error.position + by });
}
