/** Splits a query string into statements and parses each: the door of the parse layer. */
import { STATEMENT_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { ParsedStatement } from '../statement.ts';
import { withoutSecret } from './clear-text.ts';
import { parseTree } from './grammar.ts';
import { parseStatement } from './router.ts';
import { shiftPosition } from './shift-position.ts';
import { SourceText } from './source-text.ts';
import { NO_CLAUSES, type StatementSyntax } from './statement-syntax.ts';
import { isSymbol, type Token, tokenize } from './token.ts';

/** Texts without these words are PostgreSQL's own: its grammar alone reads them. */
const OWN_WORDS =
  /\b(emit|window|hop|tumble|cumulate|session|system_time|per|asof|interval|create|drop|alter|comment|grant|revoke|subscribe|show|describe|desc|explain|fetch|move|prepare|declare|copy)\b/i;

/** Positions of errors count in the whole string. 42601, 54000, 54001. */
export function parseStatements(sql: string): readonly ParsedStatement[] {
  if (sql.length > STATEMENT_BYTES_MAX || Buffer.byteLength(sql) > STATEMENT_BYTES_MAX) {
    throw new SqlError('54000', `statement is larger than ${STATEMENT_BYTES_MAX} bytes`, {
      hint: 'Send rows by COPY, or in several statements.',
    });
  }
  if (!OWN_WORDS.test(sql) && !/;\s*[^\s;]/.test(sql)) return parseSingle(sql);
  // one for all statements: it looks at the whole text
  const whole = new SourceText(sql);
  return split(sql, tokenize(sql)).map((part) => parsePart(whole, part));
}

/** The protocol counts parameters in 16 bits; the binder refuses higher numbers. */
const PARAMETERS_MAX = 65_535;

export const syntaxOf = (statement: ParsedStatement): StatementSyntax => statement.tree as StatementSyntax;

function parseSingle(sql: string): readonly ParsedStatement[] {
  const source = new SourceText(sql);
  const trees = parseTree(source, sql);
  return trees.map(({ node }) => {
    const syntax: StatementSyntax = {
      kind: 'postgres',
      source,
      node,
      clauses: NO_CLAUSES,
      objectKind: null,
      replace: false,
      nested: null,
      fetchOptions: [],
      body: null,
      explained: null,
    };
    const tokens = sql.includes('$') ? tokenize(sql) : [];
    return { ...describe(syntax, tokens), text: sql.replace(/[;\s]+$/, ''), offset: 0 };
  });
}

type Part = Readonly<{ tokens: readonly Token[]; start: number; end: number; semicolon: number | null }>;

function split(sql: string, tokens: readonly Token[]): readonly Part[] {
  const parts: Part[] = [];
  let first = 0;
  for (let i = 0; i <= tokens.length; i++) {
    if (i < tokens.length && !isSymbol(tokens[i], ';')) continue;
    const start = tokens[first]?.start;
    const end = tokens[i - 1]?.end;
    if (i > first && start !== undefined && end !== undefined) {
      const shifted = tokens
        .slice(first, i)
        .map((t) => ({ ...t, start: t.start - start, end: t.end - start }));
      parts.push({
        tokens: shifted,
        start,
        end: Math.min(end, sql.length),
        semicolon: tokens[i]?.start ?? null,
      });
    }
    first = i + 1;
  }
  return parts;
}

function parsePart(whole: SourceText, part: Part): ParsedStatement {
  const text = whole.text.slice(part.start, part.end);
  const offset = whole.positionOfOffset(part.start) - 1;
  try {
    return { ...describe(parseStatement(text, part.tokens), part.tokens), text, offset };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const shown = withoutSecret(error, whole.text.slice(0, part.end));
    if (shown !== error) throw shiftPosition(shown, offset);
    const { detail, hint, context } = error;
    if (part.semicolon !== null && error.message === 'syntax error at end of input') {
      const position = whole.positionOfOffset(part.semicolon);
      throw new SqlError(error.code, 'syntax error at or near ";"', { detail, hint, context, position });
    }
    throw shiftPosition(error, offset);
  }
}

function describe(
  syntax: StatementSyntax,
  tokens: readonly Token[],
): Omit<ParsedStatement, 'text' | 'offset'> {
  let parameterCount = 0;
  for (const token of tokens) {
    if (token.kind === 'param')
      parameterCount = Math.max(parameterCount, Math.min(Number(token.value.slice(1)), PARAMETERS_MAX));
  }
  return {
    tree: syntax,
    clauses: syntax.kind === 'postgres' ? syntax.clauses : NO_CLAUSES,
    parameterCount,
    endsTransaction: endsTransaction(syntax),
  };
}

function endsTransaction(syntax: StatementSyntax): boolean {
  if (syntax.kind !== 'postgres' || !('TransactionStmt' in syntax.node)) return false;
  const kind = syntax.node.TransactionStmt.kind;
  return kind === 'TRANS_STMT_COMMIT' || kind === 'TRANS_STMT_ROLLBACK' || kind === 'TRANS_STMT_ROLLBACK_TO';
}
