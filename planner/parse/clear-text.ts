/** Statements that hold a password or another secret in clear: no cache keeps them, no error quotes them. */
import { SqlError } from '../../common/sql-error.ts';

const SECRET_WORD = /\b(?:password|secret)\b/i;
/** Comments may stand anywhere: the words alone count, in whatever order. */
const DEFINES = /\b(?:create|alter)\b/i;
const SECRET_OBJECT = /\b(?:role|user|group|secret)\b/i;

/** Whether a text may hold one; also true of many that don't. */
export const mayHoldSecret = (text: string): boolean => SECRET_WORD.test(text);

const holdsSecret = (statement: string): boolean =>
  mayHoldSecret(statement) && DEFINES.test(statement) && SECRET_OBJECT.test(statement);

/** The statement as others may see it. */
export function shownStatement(statement: string): string {
  if (!holdsSecret(statement)) return statement;
  const { index = 0, 0: word = '' } = SECRET_WORD.exec(statement) ?? {};
  return `${statement.slice(0, index + word.length)} ***`;
}

/** Messages of the grammar that quote what it could not read. */
const QUOTES = / at or near |^unrecognized role option /;

/**
 * What the grammar could not read may be the secret itself. `text`: up to the end of the statement, with those before it: a
 * quote may have ended one of them too early.
 */
export function withoutSecret(error: SqlError, text: string): SqlError {
  if (!holdsSecret(text) || !QUOTES.test(error.message)) return error;
  return new SqlError(error.code, 'syntax error in a statement that holds a secret', {
    position: error.position,
    hint: "The text at that place is not shown. Write CREATE SECRET name AS 'value', CREATE ROLE name PASSWORD 'value'.",
  });
}
