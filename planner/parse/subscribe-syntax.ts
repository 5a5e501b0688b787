/** SUBSCRIBE [TO] name | (query) [ENVELOPE UPSERT (KEY (…))] [WITHIN TICK ORDER BY …] [WITH (…)] [AS OF t] [UP TO t]. */
import { parseOptionList } from './clause-items.ts';
import { parseQueryRegion } from './query-region.ts';
import type { OptionSyntax, SubscribeSyntax } from './statement-syntax.ts';
import { isSymbol, isWord } from './token.ts';
import type { TokenCursor } from './token-cursor.ts';

/** The cursor stands at SUBSCRIBE; what belongs to it is taken to the cursor's end. */
export function parseSubscribe(cursor: TokenCursor): SubscribeSyntax {
  const offset = cursor.offset;
  cursor.expect('subscribe');
  cursor.accept('to');
  const target = isSymbol(cursor.peek(), '(') ? parenthesizedQuery(cursor) : cursor.qualifiedName();
  let upsertKey: SubscribeSyntax['upsertKey'] = null;
  let withinTick: SubscribeSyntax['withinTick'] = [];
  let options: readonly OptionSyntax[] = [];
  let asOf: string | null = null;
  let upTo: string | null = null;
  while (!cursor.atEnd) {
    if (upsertKey === null && cursor.accept('envelope')) upsertKey = parseEnvelope(cursor);
    else if (withinTick.length === 0 && cursor.accept('within')) withinTick = parseWithinTick(cursor);
    else if (isWord(cursor.peek(), 'with') && options.length === 0) {
      cursor.next();
      options = parseOptionList(cursor);
    } else if (asOf === null && cursor.accept('as', 'of')) asOf = tickNumber(cursor);
    else if (upTo === null && cursor.accept('up', 'to')) upTo = tickNumber(cursor);
    else throw cursor.error();
  }
  return {
    kind: 'subscribe',
    source: cursor.source,
    target,
    upsertKey,
    withinTick,
    options,
    asOf,
    upTo,
    offset,
  };
}

function parenthesizedQuery(cursor: TokenCursor): SubscribeSyntax['target'] {
  const close = cursor.closing();
  const query = parseQueryRegion(cursor, cursor.index + 1, close);
  cursor.index = close + 1;
  return query;
}

function parseEnvelope(cursor: TokenCursor): { name: string; offset: number }[] {
  cursor.expect('upsert');
  cursor.expectSymbol('(');
  cursor.expect('key');
  cursor.expectSymbol('(');
  const key: { name: string; offset: number }[] = [];
  do key.push({ offset: cursor.offset, name: cursor.name() });
  while (cursor.acceptSymbol(','));
  cursor.expectSymbol(')');
  cursor.expectSymbol(')');
  return key;
}

function parseWithinTick(cursor: TokenCursor): SubscribeSyntax['withinTick'] {
  if (!cursor.accept('tick')) cursor.expect('timestamp');
  cursor.expect('order', 'by');
  const keys: { name: string; offset: number; descending: boolean; nullsFirst: boolean }[] = [];
  do {
    const offset = cursor.offset;
    const name = cursor.name();
    const descending = cursor.accept('desc');
    if (!descending) cursor.accept('asc');
    let nullsFirst = descending;
    if (cursor.accept('nulls', 'first')) nullsFirst = true;
    else if (cursor.accept('nulls', 'last')) nullsFirst = false;
    keys.push({ name, offset, descending, nullsFirst });
  } while (cursor.acceptSymbol(','));
  return keys;
}

function tickNumber(cursor: TokenCursor): string {
  const token = cursor.peek();
  if (token?.kind !== 'number' && token?.kind !== 'param' && token?.kind !== 'string') throw cursor.error();
  return cursor.next().value;
}
