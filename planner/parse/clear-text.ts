/** Statements that hold a password or another secret in clear: no cache keeps them, no error quotes them. */
import { SqlError } from '../../common/sql-error.ts';

const SECRET_WORD = /\b(?:password|secret)\b/i;
const SECRET_STATEMENT = /^[\s(]*(?:create|alter)\s+(?:role|user|group|secret)\b/i;

/** Whether a text may hold one; also true of many that don't. */
export const mayHoldSecret = (text: string): boolean => SECRET_WORD.test(text);

/** What the grammar could not read may be the secret itself. */
export function withoutSecret(error: SqlError, statement: string): SqlError {
  if (!mayHoldSecret(statement) || !SECRET_STATEMENT.test(statement)) return error;
  if (!error.message.includes(' at or near ')) return error;
  return new SqlError(error.code, 'syntax error in a statement that holds a secret', {
    position: error.position,
    hint: 'The text at that place is not shown.',
  });
}
