/**
 * CREATE STREAM | SOURCE name (columns, WATERMARK FOR …) [WITH (…)] [FORMAT …]. The grammar reads the columns as those
 * of a table: the other parts are blanked.
 */
import { SqlError } from '../../common/sql-error.ts';
import { parseDuration, parseOptionList } from './clause-items.ts';
import { parseFormat } from './format-syntax.ts';
import { parseTree } from './grammar.ts';
import { SourceText } from './source-text.ts';
import type { OptionSyntax, StatementSyntax, WatermarkSyntax } from './statement-syntax.ts';
import { isSymbol, isWord } from './token.ts';
import { TokenCursor } from './token-cursor.ts';

const FORM =
  "Write CREATE STREAM name (column type, …, WATERMARK FOR column AS column - INTERVAL '…') [WITH (option = value, …)] [FORMAT …].";

export function parseCreateStream(cursor: TokenCursor): StatementSyntax {
  try {
    return parseDefinition(cursor);
  } catch (error) {
    if (!(error instanceof SqlError) || error.code !== '42601' || error.hint !== undefined) throw error;
    throw new SqlError(error.code, error.message, { ...error.toPlain(), hint: FORM });
  }
}

function parseDefinition(cursor: TokenCursor): StatementSyntax {
  const source = cursor.source;
  const units = source.text.split('');
  const blank = (start: number, end: number): void => {
    for (let k = start; k < end; k++) if (units[k] !== '\n') units[k] = ' ';
  };
  cursor.expect('create');
  const word = cursor.next();
  'TABLE '.split('').forEach((letter, i) => {
    units[word.start + i] = letter;
  });
  if (cursor.accept('if')) cursor.expect('not', 'exists');
  cursor.qualifiedName();
  if (!isSymbol(cursor.peek(), '(')) throw cursor.error();
  const close = cursor.closing();
  const watermarks = cutWatermarks(cursor, close, blank);
  cursor.index = close + 1;
  const tail = cursor.peek()?.start ?? source.text.length;
  let options: readonly OptionSyntax[] = [];
  if (cursor.accept('with')) options = parseOptionList(cursor, true);
  const format = isWord(cursor.peek(), 'format') ? parseFormat(cursor) : null;
  if (options.length === 0 && cursor.accept('with')) options = parseOptionList(cursor, true);
  cursor.expectEnd();
  blank(tail, source.text.length);
  const rewritten = units.join('');
  const tree = parseTree(new SourceText(source.text, rewritten), rewritten);
  const node = tree[0]?.node;
  if (node === undefined) throw cursor.error();
  return {
    kind: 'create-stream',
    source: new SourceText(source.text, rewritten),
    node,
    watermarks,
    options,
    format,
  };
}

function cutWatermarks(
  cursor: TokenCursor,
  close: number,
  blank: (start: number, end: number) => void,
): readonly WatermarkSyntax[] {
  const watermarks: WatermarkSyntax[] = [];
  let depth = 0;
  let itemStart = cursor.index + 1;
  let hasColumns = false;
  for (let k = cursor.index; k <= close; k++) {
    const token = cursor.tokens[k];
    if (isSymbol(token, '(')) depth++;
    else if (isSymbol(token, ')')) depth--;
    const ends = (depth === 1 && isSymbol(token, ',')) || (depth === 0 && k === close);
    if (!ends) continue;
    const first = cursor.tokens[itemStart];
    if (isWord(first, 'watermark') && isWord(cursor.tokens[itemStart + 1], 'for')) {
      watermarks.push(parseWatermark(new TokenCursor(cursor.source, cursor.tokens, itemStart, k)));
      // One comma goes with it: the one before, or after the first item the one behind.
      const comma = cursor.tokens[itemStart - 1];
      const start = hasColumns ? (comma?.start ?? 0) : (first?.start ?? 0);
      const end = hasColumns || k === close ? (cursor.tokens[k - 1]?.end ?? 0) : (token?.end ?? 0);
      blank(start, end);
    } else hasColumns = true;
    itemStart = k + 1;
  }
  return watermarks;
}

function parseWatermark(cursor: TokenCursor): WatermarkSyntax {
  const offset = cursor.offset;
  cursor.expect('watermark', 'for');
  const column = cursor.name();
  cursor.expect('as');
  const base = cursor.offset;
  if (cursor.name() !== column) {
    throw cursor.errorAt(
      base,
      '0A000',
      'a watermark is its own column minus a constant delay',
      watermarkHint(column),
    );
  }
  let delay: WatermarkSyntax['delay'] = null;
  let idleAfter: WatermarkSyntax['idleAfter'] = null;
  let maxSkew: WatermarkSyntax['maxSkew'] = null;
  if (cursor.acceptSymbol('-')) {
    if (!isWord(cursor.peek(), 'interval')) {
      throw cursor.errorAt(
        cursor.offset,
        '0A000',
        'a watermark is its own column minus a constant delay',
        watermarkHint(column),
      );
    }
    delay = parseDuration(cursor);
  }
  while (!cursor.atEnd) {
    if (idleAfter === null && cursor.accept('idle', 'after')) idleAfter = parseDuration(cursor);
    else if (maxSkew === null && cursor.accept('max', 'skew')) maxSkew = parseDuration(cursor);
    else throw cursor.error();
  }
  return { column, delay, idleAfter, maxSkew, offset };
}

const watermarkHint = (column: string): string =>
  `Write WATERMARK FOR ${column} AS ${column} - INTERVAL '…'; a generated column can hold any other expression.`;
