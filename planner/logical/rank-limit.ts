/** Rewrite rule: a filter that bounds row_number() becomes the limit of the ranking below it. */
import { conjunctsOf, type Expression } from '../../runtime/plan/expression.ts';
import type { LogicalNode } from './logical-plan.ts';

type Filter = Extract<LogicalNode, { kind: 'filter' }>;

/** `rn <= 3` keeps three rows of a partition; the conditions stay, for they may say more (rn = 2). */
export function limitRank(node: LogicalNode): LogicalNode {
  if (node.kind !== 'filter') return node;
  const limits = conjunctsOf(node.predicate).flatMap((c) => bound(c) ?? []);
  let result: Filter = node;
  for (const { column, limit } of limits) {
    const input = withLimit(result.input, column, limit);
    if (input !== null) result = { ...result, input };
  }
  return result;
}

/** column < n, column <= n, column = n, and the other way round. */
function bound(e: Expression): Readonly<{ column: number; limit: number }> | null {
  if (e.kind !== 'call') return null;
  const operator = e.function.slice(0, e.function.indexOf('('));
  const [a, b] = e.args;
  if (a === undefined || b === undefined) return null;
  if (a.kind === 'column') return limitOf(a.index, operator, numberOf(b));
  const flipped: Readonly<Record<string, string>> = { '>': '<', '>=': '<=', '=': '=' };
  return b.kind === 'column' ? limitOf(b.index, flipped[operator] ?? '', numberOf(a)) : null;
}

function limitOf(column: number, operator: string, value: number | null) {
  if (value === null) return null;
  if (operator === '<=' || operator === '=') return { column, limit: Math.max(Math.floor(value), 0) };
  return operator === '<' ? { column, limit: Math.max(Math.ceil(value) - 1, 0) } : null;
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
function withLimit(node: LogicalNode, column: number, limit: number): LogicalNode | null {
  switch (node.kind) {
    case 'top-n': {
      if (!node.rank || column !== node.schema.length - 1) return null;
      return { ...node, limit: node.limit === null ? limit : Math.min(node.limit, limit) };
    }
    case 'project': {
      const e = node.expressions[column];
      if (e?.kind !== 'column') return null;
      const input = withLimit(node.input, e.index, limit);
      return input === null ? null : { ...node, input };
    }
    case 'filter': {
      const input = withLimit(node.input, column, limit);
      return input === null ? null : { ...node, input };
    }
    default:
      return null;
  }
}
