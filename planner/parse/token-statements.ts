/** CREATE TOKEN name FOR role [VALID UNTIL 'time'], DROP TOKEN [IF EXISTS] name [, …]. */
import type { StatementSyntax } from './statement-syntax.ts';
import type { TokenCursor } from './token-cursor.ts';

const SPECIAL_ROLES = ['current_user', 'current_role', 'session_user'] as const;

export function parseCreateToken(cursor: TokenCursor): StatementSyntax {
  cursor.expect('create', 'token');
  const name = cursor.name();
  cursor.expect('for');
  const special = SPECIAL_ROLES.find((word) => cursor.accept(word));
  const role = special === undefined ? { name: cursor.name() } : { special };
  const validUntil = cursor.accept('valid', 'until') ? cursor.string() : null;
  cursor.expectEnd();
  return { kind: 'create-token', source: cursor.source, name, role, validUntil };
}

export function parseDropToken(cursor: TokenCursor): StatementSyntax {
  cursor.expect('drop', 'token');
  const missingOk = cursor.accept('if', 'exists');
  const names = [cursor.name()];
  while (cursor.acceptSymbol(',')) names.push(cursor.name());
  cursor.expectEnd();
  return { kind: 'drop-token', source: cursor.source, names, missingOk };
}
