/**
 * CREATE SECRET [IF NOT EXISTS] name [WITH (backend = 'meta')] AS 'value' and ALTER SECRET [IF EXISTS] name [WITH (…)] AS
 * 'value'. All else of secrets PostgreSQL's grammar reads as it reads tables.
 */
import { SqlError } from '../../common/sql-error.ts';
import { Secret } from '../../common/secret.ts';
import type { SecretValue } from '../statement.ts';
import { parseOptionList } from './clause-items.ts';
import type { StatementSyntax } from './statement-syntax.ts';
import { stringConstant } from './string-constant.ts';
import { isWord, type Token } from './token.ts';
import type { TokenCursor } from './token-cursor.ts';

export function parseCreateSecret(cursor: TokenCursor): StatementSyntax {
  cursor.expect('create', 'secret');
  const missing = cursor.accept('if');
  if (missing) cursor.expect('not', 'exists');
  return { kind: 'create-secret', source: cursor.source, ifNotExists: missing, ...parseRest(cursor) };
}

export function parseAlterSecret(cursor: TokenCursor): StatementSyntax {
  cursor.expect('alter', 'secret');
  const missingOk = cursor.accept('if', 'exists');
  return { kind: 'alter-secret', source: cursor.source, missingOk, ...parseRest(cursor) };
}

/** Only another value is ours to read. */
export const changesSecret = ([alter, secret, ...rest]: readonly Token[]): boolean =>
  isWord(alter, 'alter') && isWord(secret, 'secret') && rest.some((token) => isWord(token, 'as'));

function parseRest(
  cursor: TokenCursor,
): Pick<Extract<StatementSyntax, { kind: 'create-secret' }>, 'name' | 'options' | 'value'> {
  const name = cursor.qualifiedName();
  const options = cursor.accept('with') ? parseOptionList(cursor) : [];
  cursor.expect('as');
  const value = parseValue(cursor);
  cursor.expectEnd();
  return { name, options, value };
}

/** `'text'`, `E'te\nxt'`, `$$text$$`, `'\x…'::bytea`. */
function parseValue(cursor: TokenCursor): SecretValue {
  const token = cursor.peek();
  const offset = cursor.offset;
  const text = token === undefined ? null : stringConstant(cursor.source, token);
  if (text === null) throw cursor.error();
  cursor.next();
  if (!cursor.acceptSymbol('::')) return { secret: new Secret(text), encoding: 'utf8' };
  if (cursor.accept('text')) return { secret: new Secret(text), encoding: 'utf8' };
  cursor.expect('bytea');
  const digits = /^\\x((?:[0-9a-f]{2}|\s)*)$/i.exec(text)?.[1];
  if (digits !== undefined) return { secret: new Secret(digits.replaceAll(/\s/g, '')), encoding: 'hex' };
  throw new SqlError('22P02', "a secret's bytes are written as '\\x…', two hexadecimal digits each", {
    position: cursor.source.positionOfOffset(offset),
  });
}
