/**
 * Cuts stream clauses out of a query by same-length replacement, so that PostgreSQL's grammar can read the rest and
 * every position stays true. What was cut stands in the side table, by offset:
 *
 *   FROM TABLE(HOP(TABLE t, DESCRIPTOR(at), OFFSET => …))    FROM       HOP(      t, DESCRIPTOR(at), offse_ => …)
 *   FROM t WINDOW TUMBLING (SIZE 1 MINUTE)                   FROM t ,      windowed(             )
 *   JOIN t FOR SYSTEM_TIME AS OF PROCTIME()                  JOIN t
 *   LIMIT 3 PER WINDOW                                       LIMIT 3
 *   SESSION(t PARTITION BY tag, at, gap)                     SESSION(t                 , at, gap)
 *   window(at, '1 minute')                                   windo_(at, '1 minute')
 *   INTERVAL '10' MINUTES                                    INTERVAL '10' MINUTE
 */
import { SqlError } from '../../common/sql-error.ts';
import { parseDuration } from './clause-items.ts';
import { parseEmit, startsEmit } from './emit-clause.ts';
import type { SourceText } from './source-text.ts';
import type { EmitSyntax, StreamClauses, WindowClauseSyntax } from './statement-syntax.ts';
import { closingIndex, isName, isSymbol, isWord, type Token } from './token.ts';
import { TokenCursor } from './token-cursor.ts';

/** Function names that stand for a window clause in FROM, by length of the word they replace. */
export const WINDOW_CLAUSE_MARKERS: ReadonlySet<string> = new Set(['window_', 'windowed']);
/** `window(` in GROUP BY, and the argument name `offset`: both words are reserved. */
export const WINDOW_FUNCTION_MARKER = 'windo_';
export const OFFSET_MARKER = 'offse_';

const WINDOW_FUNCTIONS = ['hop', 'tumble', 'cumulate', 'session'] as const;
const PLURAL_UNITS = ['years', 'months', 'days', 'hours', 'minutes', 'seconds'] as const;

const EMIT_LAST = 'EMIT stands last: write GROUP BY, ORDER BY and LIMIT before it.';
const WINDOW_FORMS =
  'Write WINDOW TUMBLING (SIZE 1 MINUTE), WINDOW HOPPING (SIZE 10 MINUTES, ADVANCE BY 1 SECOND) or WINDOW SESSION (30 SECONDS).';

export type Rewritten = Readonly<{ text: string; clauses: StreamClauses }>;

/** The tokens from `start` to `end` hold one query and what stands around it; EMIT belongs at depth `emitDepth`. */
export function rewriteStreamClauses(
  source: SourceText,
  original: string,
  tokens: readonly Token[],
  emitDepth: number,
): Rewritten {
  return new Rewriter(source, original, tokens, emitDepth).run();
}

class Rewriter {
  readonly #source: SourceText;
  readonly #tokens: readonly Token[];
  readonly #emitDepth: number;
  readonly #units: string[];
  readonly #windows = new Map<number, WindowClauseSyntax>();
  readonly #partitions = new Map<number, { names: string[]; offset: number }[]>();
  readonly #processingTime = new Set<number>();
  readonly #limitsPerWindow = new Set<number>();
  /** Of each open parenthesis: whether a sub-query stands in it. */
  readonly #queries: boolean[] = [];
  #emit: EmitSyntax | null = null;

  constructor(source: SourceText, original: string, tokens: readonly Token[], emitDepth: number) {
    this.#source = source;
    this.#tokens = tokens;
    this.#emitDepth = emitDepth;
    this.#units = original.split('');
  }

  run(): Rewritten {
    for (let i = 0; i < this.#tokens.length; i++) i = this.#visit(i);
    return {
      text: this.#units.join(''),
      clauses: {
        emit: this.#emit,
        windows: this.#windows,
        partitions: this.#partitions,
        processingTime: this.#processingTime,
        limitsPerWindow: this.#limitsPerWindow,
      },
    };
  }

  /** Gives the index of the last token taken. */
  #visit(i: number): number {
    const token = this.#tokens[i];
    if (token === undefined) return i;
    if (isSymbol(token, '(')) {
      const isArguments = isWord(this.#tokens[i - 1], ...WINDOW_FUNCTIONS);
      this.#queries.push(!isArguments && isWord(this.#tokens[i + 1], 'select', 'with', 'values', 'table'));
      return i;
    }
    if (isSymbol(token, ')')) this.#queries.pop();
    if (token.kind !== 'word') return i;
    switch (token.value) {
      case 'emit':
        return startsEmit(this.#tokens, i) ? this.#cutEmit(i) : i;
      case 'asof':
        return this.#refuseAsof(i);
      case 'for':
        return this.#cutProcessingTime(i);
      case 'window':
        return this.#cutWindow(i);
      case 'table':
        return this.#unwrapTableFunction(i);
      case 'limit':
        return this.#cutPerWindow(i);
      case 'interval':
        return this.#singularUnit(i);
      case 'hop':
      case 'tumble':
      case 'cumulate':
      case 'session':
        this.#rewriteWindowArguments(i);
        return i;
      default:
        return i;
    }
  }

  #at(i: number): Token | undefined {
    return this.#tokens[i];
  }

  #put(start: number, end: number, text: string): void {
    for (let k = start; k < end; k++) this.#units[k] = text[k - start] ?? ' ';
  }

  /** Line breaks stay, so that psql's LINE n stays true. */
  #blank(start: number, end: number): void {
    for (let k = start; k < end; k++) if (this.#units[k] !== '\n') this.#units[k] = ' ';
  }

  #blankTokens(first: number, last: number): void {
    const from = this.#at(first);
    const to = this.#at(last);
    if (from !== undefined && to !== undefined) this.#blank(from.start, to.end);
  }

  #cutEmit(i: number): number {
    const cursor = new TokenCursor(this.#source, this.#tokens, i);
    if (this.#queries.length !== this.#emitDepth || this.#emit !== null) {
      throw new SqlError('42601', `syntax error at or near "${this.#written(i)}"`, {
        position: this.#source.positionOfOffset(cursor.offset),
        hint: 'EMIT stands once, last in the top-level query.',
      });
    }
    this.#emit = parseEmit(cursor);
    const after = cursor.peek();
    if (after !== undefined && !(this.#emitDepth > 0 && isSymbol(after, ')'))) {
      throw cursor.error(isWord(after, 'order', 'limit', 'offset', 'group', 'where') ? EMIT_LAST : undefined);
    }
    this.#blankTokens(i, cursor.index - 1);
    return cursor.index - 1;
  }

  #written(i: number): string {
    const token = this.#at(i);
    return token === undefined ? '' : this.#source.text.slice(token.start, token.end);
  }

  #refuseAsof(i: number): number {
    if (isWord(this.#at(i - 1), 'as')) return i;
    const joins =
      isWord(this.#at(i + 1), 'join') || (isWord(this.#at(i + 1), 'left') && isWord(this.#at(i + 2), 'join'));
    if (!joins) return i;
    throw new SqlError('0A000', 'ASOF JOIN is not supported', {
      position: this.#source.positionOfOffset(this.#at(i)?.start ?? 0),
      hint: 'Write [LEFT] JOIN table FOR SYSTEM_TIME AS OF PROCTIME() ON … to join each row with a table as it is then.',
    });
  }

  #cutProcessingTime(i: number): number {
    const isClause =
      isWord(this.#at(i + 1), 'system_time') &&
      isWord(this.#at(i + 2), 'as') &&
      isWord(this.#at(i + 3), 'of');
    if (!isClause) return i;
    if (
      !isWord(this.#at(i + 4), 'proctime') ||
      !isSymbol(this.#at(i + 5), '(') ||
      !isSymbol(this.#at(i + 6), ')')
    ) {
      throw new SqlError('0A000', 'FOR SYSTEM_TIME AS OF takes PROCTIME() only', {
        position: this.#source.positionOfOffset(this.#at(i + 4)?.start ?? this.#source.text.length),
        hint: 'Write FOR SYSTEM_TIME AS OF PROCTIME().',
      });
    }
    this.#processingTime.add(this.#nameStart(i - 1));
    this.#blankTokens(i, i + 6);
    return i + 6;
  }

  /** Start of the qualified name whose last part is token i. */
  #nameStart(i: number): number {
    let first = i;
    while (isSymbol(this.#at(first - 1), '.') && isName(this.#at(first - 2))) first -= 2;
    return this.#at(first)?.start ?? 0;
  }

  #cutWindow(i: number): number {
    const word = this.#at(i);
    const next = this.#at(i + 1);
    if (word === undefined) return i;
    if (isSymbol(next, '(')) {
      this.#put(word.start, word.end, WINDOW_FUNCTION_MARKER);
      return i;
    }
    if (!isWord(next, 'hopping', 'tumbling', 'session') || !isSymbol(this.#at(i + 2), '(')) return i;
    const cursor = new TokenCursor(this.#source, this.#tokens, i + 1);
    const kind = cursor.next();
    cursor.expectSymbol('(');
    this.#windows.set(kind.start, this.#windowClause(kind, cursor, word.start));
    if (!cursor.acceptSymbol(')')) throw cursor.error(WINDOW_FORMS);
    this.#blankTokens(i, cursor.index - 1);
    this.#put(word.start, word.start + 1, ',');
    const marker = kind.value === 'tumbling' ? 'windowed' : 'window_';
    this.#put(kind.start, kind.end, marker);
    const open = this.#at(i + 2);
    const close = this.#at(cursor.index - 1);
    if (open !== undefined && close !== undefined) {
      this.#put(open.start, open.end, '(');
      this.#put(close.start, close.end, ')');
    }
    return cursor.index - 1;
  }

  #windowClause(kind: Token, cursor: TokenCursor, offset: number): WindowClauseSyntax {
    if (kind.value === 'session') return { kind: 'session', gap: parseDuration(cursor), offset };
    if (!cursor.accept('size')) throw cursor.error(WINDOW_FORMS);
    const size = parseDuration(cursor);
    if (kind.value === 'tumbling') return { kind: 'tumble', size, offset };
    if (!cursor.acceptSymbol(',') || !cursor.accept('advance', 'by')) throw cursor.error(WINDOW_FORMS);
    return { kind: 'hop', size, advance: parseDuration(cursor), offset };
  }

  /** TABLE(HOP(…)) loses its wrapping; `TABLE t` inside a window function loses its first word. */
  #unwrapTableFunction(i: number): number {
    const wraps =
      isSymbol(this.#at(i + 1), '(') &&
      isWord(this.#at(i + 2), ...WINDOW_FUNCTIONS) &&
      isSymbol(this.#at(i + 3), '(');
    if (!wraps) return i;
    const close = closingIndex(this.#tokens, i + 1);
    this.#blankTokens(i, i + 1);
    this.#blankTokens(close, close);
    this.#queries.push(false);
    return i + 1;
  }

  #rewriteWindowArguments(i: number): void {
    const name = this.#at(i);
    if (name === undefined || !isSymbol(this.#at(i + 1), '(')) return;
    const close = closingIndex(this.#tokens, i + 1);
    for (let k = i + 2; k < close; k++) {
      const token = this.#at(k);
      if (token === undefined) continue;
      if (isWord(token, 'table') && isName(this.#at(k + 1))) this.#blankTokens(k, k);
      if (isWord(token, 'offset') && isSymbol(this.#at(k + 1), '=>'))
        this.#put(token.start, token.end, OFFSET_MARKER);
    }
    if (name.value === 'session') this.#cutPartition(name, i + 2, close);
  }

  #cutPartition(name: Token, first: number, close: number): void {
    let at = first;
    while (at < close && !(isWord(this.#at(at), 'partition') && isWord(this.#at(at + 1), 'by'))) at++;
    if (at >= close) return;
    const items = this.#items(at + 2, close);
    const positional = items.findIndex(
      ([from]) => isWord(this.#at(from), 'descriptor') || isSymbol(this.#at(from + 1), '=>'),
    );
    const count = positional >= 0 ? positional : items.length - 2;
    const columns = items.slice(0, Math.max(count, 0)).flatMap(([from, to]) => this.#columnNames(from, to));
    const last = items[Math.max(count, 1) - 1];
    if (columns.length === 0 || last === undefined) {
      throw new TokenCursor(this.#source, this.#tokens, at + 2).error();
    }
    this.#partitions.set(name.start, columns);
    this.#blankTokens(at, last[1] - 1);
  }

  /** Ranges [from, to) between the commas of one parenthesis. */
  #items(from: number, close: number): [number, number][] {
    const items: [number, number][] = [];
    let depth = 0;
    let start = from;
    for (let k = from; k < close; k++) {
      if (isSymbol(this.#at(k), '(')) depth++;
      else if (isSymbol(this.#at(k), ')')) depth--;
      else if (depth === 0 && isSymbol(this.#at(k), ',')) {
        items.push([start, k]);
        start = k + 1;
      }
    }
    items.push([start, close]);
    return items;
  }

  /** `tag`, `t.tag` or `(tag, author)`. */
  #columnNames(from: number, to: number): { names: string[]; offset: number }[] {
    if (isSymbol(this.#at(from), '(')) {
      return this.#items(from + 1, to - 1).flatMap(([a, b]) => this.#columnNames(a, b));
    }
    const names: string[] = [];
    for (let k = from; k < to; k += 2) {
      const token = this.#at(k);
      if (token === undefined || !isName(token)) throw new TokenCursor(this.#source, this.#tokens, k).error();
      if (k > from && !isSymbol(this.#at(k - 1), '.'))
        throw new TokenCursor(this.#source, this.#tokens, k - 1).error();
      names.push(token.value);
    }
    return [{ names, offset: this.#at(from)?.start ?? 0 }];
  }

  #cutPerWindow(i: number): number {
    if (!isWord(this.#at(i + 2), 'per') || !isWord(this.#at(i + 3), 'window')) return i;
    this.#limitsPerWindow.add(this.#at(i + 1)?.start ?? 0);
    this.#blankTokens(i + 2, i + 3);
    return i + 3;
  }

  /** Only where no alias could stand: inside a function's or window's parentheses. */
  #singularUnit(i: number): number {
    const unit = this.#at(i + 2);
    if (this.#at(i + 1)?.kind !== 'string' || unit === undefined || !isWord(unit, ...PLURAL_UNITS)) return i;
    if (this.#queries.length > 0 && this.#queries.at(-1) === false) this.#blank(unit.end - 1, unit.end);
    return i + 2;
  }
}
