import { SqlError } from '../../common/sql-error.ts';
import type { ParsedStatement } from '../../planner/statement.ts';

/** The planner counts positions in the statement, the client in the whole text that it sent. */
export function inWholeText(error: unknown, { offset }: ParsedStatement): unknown {
  if (!(error instanceof SqlError) || error.position === undefined || offset === 0) return error;
  return new SqlError(error.code, error.message, { ...error.toPlain(), position: error.position + offset });
}
