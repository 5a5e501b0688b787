/** EMIT ON WINDOW CLOSE | CHANGES | EVERY duration [WITH (…)], last in the top-level query. */
import { parseDuration, parseOptionList } from './clause-items.ts';
import type { EmitSyntax, OptionSyntax } from './statement-syntax.ts';
import { isSymbol, isWord, type Token } from './token.ts';
import type { TokenCursor } from './token-cursor.ts';

/** EMIT is a clause only before these words; elsewhere it is a name. */
export function startsEmit(tokens: readonly Token[], index: number): boolean {
  if (!isWord(tokens[index], 'emit')) return false;
  if (isWord(tokens[index - 1], 'as') || isSymbol(tokens[index - 1], '.')) return false;
  const next = tokens[index + 1];
  if (isWord(next, 'changes', 'every', 'fill')) return true;
  return isWord(next, 'on') && isWord(tokens[index + 2], 'window') && isWord(tokens[index + 3], 'close');
}

export function parseEmit(cursor: TokenCursor): EmitSyntax {
  const offset = cursor.offset;
  cursor.expect('emit');
  let mode: EmitSyntax['mode'] = 'changes';
  let period: EmitSyntax['period'] = null;
  if (cursor.accept('on', 'window', 'close')) mode = 'close';
  else if (cursor.accept('every')) {
    mode = 'every';
    period = parseDuration(cursor);
  } else if (!cursor.accept('changes')) refuseFill(cursor);
  if (isWord(cursor.peek(), 'fill')) refuseFill(cursor);
  let options: readonly OptionSyntax[] = [];
  if (isWord(cursor.peek(), 'with') && isSymbol(cursor.peek(1), '(')) {
    cursor.next();
    options = parseOptionList(cursor);
  }
  return { mode, period, options, offset };
}

function refuseFill(cursor: TokenCursor): never {
  throw cursor.errorAt(
    cursor.offset,
    '0A000',
    'EMIT … FILL is not supported',
    'Write EMIT ON WINDOW CLOSE: a window without rows of a key gives no row. Who reads the result fills the gaps: window_end goes up by the slide.',
  );
}
