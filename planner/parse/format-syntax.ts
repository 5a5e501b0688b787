/** FORMAT JSON | CSV | TEXT [(option = value, …)], and RisingWave's FORMAT PLAIN ENCODE JSON [(…)]. */
import { parseOptionList } from './clause-items.ts';
import type { FormatSyntax, OptionSyntax } from './statement-syntax.ts';
import { isSymbol } from './token.ts';
import type { TokenCursor } from './token-cursor.ts';

export function parseFormat(cursor: TokenCursor): FormatSyntax {
  cursor.expect('format');
  const offset = cursor.offset;
  let name = cursor.name().toLowerCase();
  if (name === 'plain' && cursor.accept('encode')) name = cursor.name().toLowerCase();
  let options: readonly OptionSyntax[] = [];
  if (isSymbol(cursor.peek(), '(')) options = parseOptionList(cursor, true);
  return { name, options, offset };
}
