import { AssertionError } from '../common/assert.ts';
import { SqlError } from '../common/sql-error.ts';
import type { Logger } from 'pino';

/** Whatever was thrown, as the client may see it. What is not the user's error is logged and shown as XX000. */
export function flattenError(error: unknown, log: Logger): SqlError {
  if (error instanceof SqlError) return error;
  log.error({ err: error }, 'internal error');
  const what = error instanceof AssertionError ? `internal error: ${error.message}` : 'internal error';
  return new SqlError('XX000', what, { hint: "The server's log has the details." });
}
