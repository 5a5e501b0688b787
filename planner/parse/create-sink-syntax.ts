/** CREATE SINK name [WITH (…)] { FROM view | INTO stream AS query | AS query } [WITH (…)] [FORMAT …]. */
import { parseOptionList } from './clause-items.ts';
import { startsEmit } from './emit-clause.ts';
import { parseFormat } from './format-syntax.ts';
import { parseQueryRegion } from './query-region.ts';
import type { CreateSinkSyntax, OptionSyntax } from './statement-syntax.ts';
import { isSymbol, isWord } from './token.ts';
import type { TokenCursor } from './token-cursor.ts';

export function parseCreateSink(cursor: TokenCursor): CreateSinkSyntax {
  cursor.expect('create', 'sink');
  const ifNotExists = cursor.accept('if');
  if (ifNotExists) cursor.expect('not', 'exists');
  const name = cursor.qualifiedName();
  let queryOptions: readonly OptionSyntax[] = [];
  if (cursor.accept('with')) queryOptions = parseOptionList(cursor);
  let input: CreateSinkSyntax['input'];
  let into: CreateSinkSyntax['into'] = null;
  if (cursor.accept('from')) input = { kind: 'from', relation: cursor.qualifiedName() };
  else {
    if (cursor.accept('into')) into = cursor.qualifiedName();
    cursor.expect('as');
    input = parseInput(cursor, into !== null);
  }
  let options: readonly OptionSyntax[] = [];
  if (cursor.accept('with')) options = parseOptionList(cursor, true);
  const format = isWord(cursor.peek(), 'format') ? parseFormat(cursor) : null;
  cursor.expectEnd();
  return {
    kind: 'create-sink',
    source: cursor.source,
    name,
    ifNotExists,
    queryOptions,
    input,
    into,
    options,
    format,
  };
}

function parseInput(cursor: TokenCursor, isInto: boolean): CreateSinkSyntax['input'] {
  const first = cursor.index;
  const end = queryEnd(cursor, isInto);
  const query = parseQueryRegion(cursor, first, end);
  cursor.index = end;
  const start = cursor.tokens[first]?.start ?? 0;
  return {
    kind: 'query',
    query,
    text: cursor.source.text.slice(start, cursor.tokens[end - 1]?.end ?? start),
  };
}

/**
 * The query ends before the sink's own WITH ( or FORMAT. A WITH ( right behind EMIT … belongs to EMIT if another one
 * follows, or if the sink needs none (INTO).
 */
function queryEnd(cursor: TokenCursor, isInto: boolean): number {
  const lists: number[] = [];
  let emits = false;
  let depth = 0;
  for (let k = cursor.index; k < cursor.end; k++) {
    const token = cursor.tokens[k];
    if (isSymbol(token, '(')) depth++;
    else if (isSymbol(token, ')')) depth--;
    if (depth !== 0) continue;
    if (startsEmit(cursor.tokens, k)) emits = true;
    if (isWord(token, 'with') && isSymbol(cursor.tokens[k + 1], '(')) lists.push(k);
    if (isWord(token, 'format') && isWord(cursor.tokens[k + 1], 'json', 'csv', 'text', 'plain', 'parquet')) {
      return lists.at(-1) ?? k;
    }
  }
  const ofEmit = emits && lists.length === 1 && isInto;
  return ofEmit ? cursor.end : (lists.at(-1) ?? cursor.end);
}
