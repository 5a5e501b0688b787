/** DECLARE, FETCH, MOVE, CLOSE. */
import type { DeclareCursorStmt, FetchStmt, Node } from 'libpg-query';
import { durationMicros } from '../bind/window-specification.ts';
import { innerQuery } from '../parse/inner-query.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';
import { unknownOption } from '../physical/query-options.ts';
import { planSelectSource } from '../plan-select.ts';
import type { FetchDirection, Planned, Statement } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { planSubscribeStatement } from './subscribe.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;

/** Bits of DeclareCursorStmt.options. */
const BINARY = 1;
const SCROLL = 2;
const NO_SCROLL = 4;
const HOLD = 0x20;

export function planDeclare(
  context: StatementContext,
  syntax: PostgresSyntax,
  declare: DeclareCursorStmt,
): Planned {
  const { binding } = context;
  const options = declare.options ?? 0;
  const source = cursorSource(context, syntax, declare.query as Node);
  const scroll = (options & SCROLL) !== 0 ? true : (options & NO_SCROLL) !== 0 ? false : null;
  const binary = (options & BINARY) !== 0;
  const hold = (options & HOLD) !== 0;
  const continuous =
    source.kind === 'subscribe' || (source.kind === 'query' && source.plan.emit.kind !== 'finite');
  if (continuous && scroll === true)
    throw binding.error(-1, '0A000', 'a continuous query cannot be a SCROLL cursor');
  if (continuous && hold)
    throw binding.error(
      -1,
      '0A000',
      'a continuous query cannot be a cursor WITH HOLD',
      'It would have to end first; fetch inside the transaction block.',
    );
  return planned(context, { kind: 'declare', name: declare.portalname ?? '', source, scroll, hold, binary });
}

function cursorSource(context: StatementContext, syntax: PostgresSyntax, query: Node): Statement {
  if (syntax.nested !== null) return planSubscribeStatement(context, syntax.nested);
  return planSelectSource(context, query, syntax.clauses, innerQuery(context.parsed.text));
}

const DIRECTIONS: Readonly<Record<string, FetchDirection['direction']>> = {
  FETCH_FORWARD: 'forward',
  FETCH_BACKWARD: 'backward',
  FETCH_ABSOLUTE: 'absolute',
  FETCH_RELATIVE: 'relative',
};

/** FETCH ALL, as the grammar counts it on 32 bits. */
const ALL = 2_147_483_647;

export function planFetch(context: StatementContext, syntax: PostgresSyntax, fetch: FetchStmt): Planned {
  const count = Number(fetch.howMany ?? 0);
  const direction = DIRECTIONS[fetch.direction ?? 'FETCH_FORWARD'] ?? 'forward';
  return planned(context, {
    kind: 'fetch',
    name: fetch.portalname ?? '',
    move: fetch.ismove === true,
    fetch: { direction, count: count >= ALL ? 'all' : count },
    timeoutMs: timeoutOf(context, syntax),
  });
}

function timeoutOf(context: StatementContext, syntax: PostgresSyntax): number | null {
  const { binding } = context;
  let timeoutMs: number | null = null;
  for (const option of syntax.fetchOptions) {
    if (option.name !== 'timeout') throw unknownOption(binding, option, ['timeout']);
    const text = option.value ?? '';
    const micros = /^\d+$/.test(text) ? Number(text) * 1000 : durationMicros(text, 'option "timeout"');
    if (micros < 0)
      throw binding.errorAtOffset(option.offset, '22023', 'option "timeout" must not be negative');
    timeoutMs = Math.ceil(micros / 1000);
  }
  return timeoutMs;
}
