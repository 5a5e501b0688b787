/** What went wrong while a row was computed, if it is the row's fault and not ours. */
import { SqlError } from '../../common/sql-error.ts';

const TOO_LARGE: ReadonlySet<string> = new Set([
  'Invalid string length',
  'Invalid array length',
  'Array buffer allocation failed',
]);

export const resultTooLarge = (): SqlError => new SqlError('54000', 'requested length too large');

/** The user's error; null: an error of ours. A text longer than the machine can hold is the user's too. */
export function expressionError(error: unknown): SqlError | null {
  if (error instanceof SqlError) return error;
  return error instanceof RangeError && TOO_LARGE.has(error.message) ? resultTooLarge() : null;
}
