/** Rewrite rule: a filter that bounds row_number() becomes the limit of the ranking below it. */
import { conjunctsOf, type Expression } from '../../runtime/plan/expression.ts';
import type { LogicalNode } from './logical-plan.ts';

type Filter = Extract<LogicalNode, { kind: 'filter' }>;

/** `rn <= 3` keeps three rows of a partition; the conditions stay, for they may say more (rn = 2). */
export function limitRank(node: LogicalNode): LogicalNode {
  if (node.kind !== 'filter') return node;
  const bounds = conjunctsOf(node.predicate).flatMap((c) => boundOf(c) ?? []);
  let result: Filter = node;
  for (const bound of bounds) {
    const input = withLimit(result.input, bound.column, bound);
    if (input !== null) result = { ...result, input };
  }
  return result;
}

/** Its value is read only where the column is a rank: else the plan would depend on it. */
type Bound = Readonly<{ column: number; operator: '<' | '<=' | '='; value: Expression }>;

/** column < n, column <= n, column = n, and the other way round. */
function boundOf(e: Expression): Bound | null {
  if (e.kind !== 'call') return null;
  const symbol = e.function.slice(0, e.function.indexOf('('));
  const [a, b] = e.args;
  if (a === undefined || b === undefined) return null;
  if (a.kind === 'column') return bounded(a.index, symbol, b);
  const flipped: Readonly<Record<string, string>> = { '>': '<', '>=': '<=', '=': '=' };
  return b.kind === 'column' ? bounded(b.index, flipped[symbol] ?? '', a) : null;
}

const bounded = (column: number, operator: string, value: Expression): Bound | null =>
  operator === '<' || operator === '<=' || operator === '=' ? { column, operator, value } : null;

function limitOf({ operator, value }: Bound): number | null {
  const number = numberOf(value);
  if (number === null) return null;
  return Math.max(operator === '<' ? Math.ceil(number) - 1 : Math.floor(number), 0);
}

/** An integer constant, also behind a cast. */
function numberOf(e: Expression): number | null {
  if (e.kind === 'call' && e.function.startsWith('cast(') && e.args[0] !== undefined)
    return numberOf(e.args[0]);
  if (e.kind !== 'constant' || e.text === null || !/^-?\d+(\.\d+)?$/.test(e.text)) return null;
  const value = Number(e.text);
  return Number.isSafeInteger(Math.floor(value)) ? value : null;
}

/** The node with its ranking limited; null where the column is no rank. */
function withLimit(node: LogicalNode, column: number, bound: Bound): LogicalNode | null {
  switch (node.kind) {
    case 'top-n': {
      if (!node.rank || column !== node.schema.length - 1) return null;
      const limit = limitOf(bound);
      if (limit === null) return null;
      return { ...node, limit: node.limit === null ? limit : Math.min(node.limit, limit) };
    }
    case 'project': {
      const e = node.expressions[column];
      if (e?.kind !== 'column') return null;
      const input = withLimit(node.input, e.index, bound);
      return input === null ? null : { ...node, input };
    }
    case 'filter': {
      const input = withLimit(node.input, column, bound);
      return input === null ? null : { ...node, input };
    }
    default:
      return null;
  }
}
