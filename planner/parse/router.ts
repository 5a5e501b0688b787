/** Which parser reads a statement: PostgreSQL's grammar, or one of ours beside it. */

import { parseOptionList } from './clause-items.ts';
import { parseCreateSink } from './create-sink-syntax.ts';
import { parseCreateStream } from './create-stream-syntax.ts';
import { parseTree } from './grammar.ts';
import { changesSecret, parseAlterSecret, parseCreateSecret } from './secret-statements.ts';
import { parseQueryRegion } from './query-region.ts';
import { SourceText } from './source-text.ts';
import type { OptionSyntax, QualifiedName, StatementSyntax, SubscribeSyntax } from './statement-syntax.ts';
import { rewriteStreamClauses } from './stream-clauses.ts';
import { parseSubscribe } from './subscribe-syntax.ts';
import { closingIndex, isName, isSymbol, isWord, type Token } from './token.ts';
import { TokenCursor } from './token-cursor.ts';
import { parseCreateToken, parseDropToken } from './token-statements.ts';

/** One statement; `tokens` are those of `text`. */
export function parseStatement(text: string, tokens: readonly Token[]): StatementSyntax {
  const source = new SourceText(text);
  const cursor = new TokenCursor(source, tokens);
  const [first, second, third] = tokens;
  if (first === undefined) return { kind: 'empty', source };
  switch (first.kind === 'word' ? first.value : '') {
    case 'create':
      if (isWord(second, 'stream', 'source')) return parseCreateStream(cursor);
      if (isWord(second, 'sink')) return parseCreateSink(cursor);
      if (isWord(second, 'token')) return parseCreateToken(cursor);
      if (isWord(second, 'secret')) return parseCreateSecret(cursor);
      break;
    case 'alter':
      if (changesSecret(tokens)) return parseAlterSecret(cursor);
      break;
    case 'drop':
      if (isWord(second, 'token')) return parseDropToken(cursor);
      break;
    case 'subscribe':
      return parseSubscribe(cursor);
    case 'show':
      if (isWord(second, 'materialized') && isWord(third, 'views')) {
        new TokenCursor(source, tokens, 3).expectEnd();
        return { kind: 'show', source, what: 'materialized views' };
      }
      break;
    case 'describe':
    case 'desc': {
      cursor.next();
      const name = cursor.qualifiedName();
      cursor.expectEnd();
      return { kind: 'describe', source, name };
    }
    case 'explain':
      if (isWord(second, 'silence')) return parseExplainSilence(cursor);
      break;
  }
  return parsePostgres(source, tokens);
}

function parseExplainSilence(cursor: TokenCursor): StatementSyntax {
  cursor.expect('explain', 'silence');
  const source = cursor.source;
  if (isWord(cursor.peek(), 'subscribe')) {
    return { kind: 'explain-silence', source, target: parseSubscribe(cursor) };
  }
  if (isWord(cursor.peek(), 'select', 'with', 'values', 'table') || isSymbol(cursor.peek(), '(')) {
    const target = parseQueryRegion(cursor, cursor.index, cursor.tokens.length);
    return { kind: 'explain-silence', source, target };
  }
  const target = cursor.qualifiedName();
  cursor.expectEnd();
  return { kind: 'explain-silence', source, target };
}

function parsePostgres(source: SourceText, tokens: readonly Token[]): StatementSyntax {
  const units = source.text.split('');
  const put = (start: number, end: number, replacement: string): void => {
    for (let k = start; k < end; k++) if (units[k] !== '\n') units[k] = replacement[k - start] ?? ' ';
  };
  const objectKind = renameObjectKind(tokens, put) ?? renameGrantedSecret(tokens, put);
  cutGrantedKind(tokens, put);
  const replace = cutReplace(tokens, put);
  const nested = cutSubscribe(source, tokens, put);
  const explained = nested === null ? cutExplainedName(source, tokens, put) : null;
  const fetchOptions = cutFetchOptions(source, tokens, put);
  const text = units.join('') + (explained === null ? '' : ' SELECT 1');
  const live =
    nested === null
      ? tokens
      : tokens.filter((t) => text.slice(t.start, t.end) === source.text.slice(t.start, t.end));
  const copiesQuery = isWord(tokens[0], 'copy') && isSymbol(tokens[1], '(');
  const { text: rewritten, clauses } = rewriteStreamClauses(source, text, live, copiesQuery ? 1 : 0);
  const rewrittenSource = new SourceText(source.text, rewritten);
  const node = parseTree(rewrittenSource, rewritten)[0]?.node;
  if (node === undefined) return { kind: 'empty', source };
  return {
    kind: 'postgres',
    source: rewrittenSource,
    node,
    clauses,
    objectKind,
    replace,
    nested,
    fetchOptions,
    body: bodyRange(tokens),
    explained,
  };
}

type Put = (start: number, end: number, replacement: string) => void;

/** DROP | ALTER | COMMENT ON of a STREAM, SECRET or SINK read as those of a TABLE or VIEW, words of the same length. */
function renameObjectKind(tokens: readonly Token[], put: Put): 'stream' | 'sink' | 'secret' | null {
  const at = isWord(tokens[0], 'comment') && isWord(tokens[1], 'on') ? 2 : 1;
  const word = tokens[at];
  if (!isWord(tokens[0], 'drop', 'alter', 'comment') || word === undefined) return null;
  if (isWord(word, 'stream', 'source', 'secret')) {
    put(word.start, word.end, 'TABLE ');
    return word.value === 'secret' ? 'secret' : 'stream';
  }
  if (!isWord(word, 'sink')) return null;
  put(word.start, word.end, 'VIEW');
  return 'sink';
}

/** GRANT … ON SECRET name, and ON SECRETS of default privileges, read as those of types; ON ALL SECRETS as of tables. */
function renameGrantedSecret(tokens: readonly Token[], put: Put): 'secret' | null {
  const isDefault = isWord(tokens[0], 'alter') && isWord(tokens[1], 'default');
  if (!isDefault && !isWord(tokens[0], 'grant', 'revoke')) return null;
  const on = tokens.findIndex((token) => isWord(token, 'on'));
  const isAll = isWord(tokens[on + 1], 'all');
  const word = tokens[on + (isAll ? 2 : 1)];
  const next = tokens[on + (isAll ? 3 : 2)];
  if (on < 0 || word === undefined) return null;
  if (isDefault || isAll) {
    if (!isWord(word, 'secrets') || (isAll && !isWord(next, 'in'))) return null;
    put(word.start, word.end, isAll ? 'TABLES' : 'TYPES');
    return 'secret';
  }
  // else a relation of that name
  if (!isWord(word, 'secret') || !isName(next) || isWord(next, 'to', 'from')) return null;
  put(word.start, word.end, 'TYPE');
  return 'secret';
}

/** GRANT … ON STREAM name: privileges are on relations of every kind, which the grammar takes without a word for it. */
function cutGrantedKind(tokens: readonly Token[], put: Put): void {
  if (!isWord(tokens[0], 'grant', 'revoke')) return;
  const on = tokens.findIndex((token) => isWord(token, 'on'));
  let at = on + 1;
  const first = tokens[at];
  if (on < 0 || first === undefined) return;
  if (isWord(first, 'materialized') && isWord(tokens[at + 1], 'view')) at++;
  else if (!isWord(first, 'stream', 'source', 'sink', 'view')) return;
  const name = tokens[at + 1];
  // a relation of that name
  if (name === undefined || !isName(name) || isWord(name, 'to', 'from')) return;
  put(first.start, tokens[at]?.end ?? first.end, '');
}

function cutReplace(tokens: readonly Token[], put: Put): boolean {
  const [create, or, replace, materialized] = tokens;
  const found =
    isWord(create, 'create') &&
    isWord(or, 'or') &&
    isWord(replace, 'replace') &&
    isWord(materialized, 'materialized');
  if (found && or !== undefined && replace !== undefined) put(or.start, replace.end, '');
  return found;
}

/** SUBSCRIBE inside COPY ( … ), DECLARE … FOR, EXPLAIN: the grammar sees SELECT 1 in its place. */
function cutSubscribe(source: SourceText, tokens: readonly Token[], put: Put): SubscribeSyntax | null {
  if (!isWord(tokens[0], 'copy', 'declare', 'explain', 'prepare')) return null;
  const at = tokens.findIndex(
    (token, i) =>
      isWord(token, 'subscribe') &&
      (isWord(tokens[i - 1], 'for', 'as', 'explain', 'analyze', 'verbose') ||
        isSymbol(tokens[i - 1], '(') ||
        isSymbol(tokens[i - 1], ')')) &&
      (isName(tokens[i + 1]) || isSymbol(tokens[i + 1], '(')),
  );
  if (at < 0) return null;
  const end = isSymbol(tokens[at - 1], '(') ? closingIndex(tokens, at - 1) : tokens.length;
  const subscribe = parseSubscribe(new TokenCursor(source, tokens, at, end));
  put(tokens[at]?.start ?? 0, tokens[end - 1]?.end ?? 0, 'SELECT 1');
  return subscribe;
}

const EXPLAINABLE = [
  'select',
  'with',
  'values',
  'table',
  'insert',
  'update',
  'delete',
  'merge',
  'create',
  'declare',
  'execute',
  'refresh',
] as const;

/** EXPLAIN [(…)] name: blanked, and SELECT 1 is put behind it. */
function cutExplainedName(source: SourceText, tokens: readonly Token[], put: Put): QualifiedName | null {
  if (!isWord(tokens[0], 'explain')) return null;
  let at = 1;
  if (isSymbol(tokens[at], '(')) at = closingIndex(tokens, at) + 1;
  else while (isWord(tokens[at], 'analyze', 'verbose')) at++;
  const token = tokens[at];
  if (token === undefined || !isName(token) || isWord(token, ...EXPLAINABLE)) return null;
  const cursor = new TokenCursor(source, tokens, at);
  const name = cursor.qualifiedName();
  if (!cursor.atEnd) return null;
  put(token.start, tokens[cursor.index - 1]?.end ?? token.end, '');
  return name;
}

function cutFetchOptions(source: SourceText, tokens: readonly Token[], put: Put): readonly OptionSyntax[] {
  if (!isWord(tokens[0], 'fetch', 'move')) return [];
  const at = tokens.findIndex((token, i) => isWord(token, 'with') && isSymbol(tokens[i + 1], '('));
  if (at < 0) return [];
  const cursor = new TokenCursor(source, tokens, at + 1);
  const options = parseOptionList(cursor);
  cursor.expectEnd();
  put(tokens[at]?.start ?? 0, source.text.length, '');
  return options;
}

/** What stands behind AS in PREPARE, CREATE VIEW and CREATE MATERIALIZED VIEW. */
function bodyRange(tokens: readonly Token[]): Readonly<{ start: number; end: number }> | null {
  if (!isWord(tokens[0], 'prepare', 'create')) return null;
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (isSymbol(token, '(')) depth++;
    else if (isSymbol(token, ')')) depth--;
    else if (depth === 0 && isWord(token, 'as') && i > 1) {
      const start = tokens[i + 1]?.start;
      const end = tokens[lastOfBody(tokens)]?.end;
      return start === undefined || end === undefined ? null : { start, end };
    }
  }
  return null;
}

/** WITH [NO] DATA is no part of the query. */
function lastOfBody(tokens: readonly Token[]): number {
  const last = tokens.length - 1;
  if (!isWord(tokens[last], 'data')) return last;
  if (isWord(tokens[last - 1], 'with')) return last - 2;
  return isWord(tokens[last - 1], 'no') && isWord(tokens[last - 2], 'with') ? last - 3 : last;
}
