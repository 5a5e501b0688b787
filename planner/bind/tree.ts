/** Small readings of PostgreSQL's tree. */
import type { Node } from 'libpg-query';

export const stringOf = (node: Node): string => ('String' in node ? (node.String.sval ?? '') : '');

/** Items of a List node; the node itself where it is none. */
export const listOf = (node: Node | undefined): readonly Node[] => {
  if (node === undefined) return [];
  return 'List' in node ? (node.List.items ?? []) : [node];
};

/** The node's kind: `SelectStmt`. */
export const kindOf = (node: Node): string => Object.keys(node)[0] ?? '';

/** Byte location where the node has one of its own. */
export function locationOf(node: Node | undefined): number {
  if (node === undefined) return -1;
  const body = Object.values(node)[0] as { location?: number } | undefined;
  return body === undefined ? -1 : (body.location ?? 0);
}

/**
 * exprLocation of PostgreSQL: the leftmost location of an expression, where errors about the whole of it point. Nodes
 * without a location of their own (lists) give −1.
 */
export function leftmostLocation(node: Node | undefined): number {
  if (node === undefined) return -1;
  if ('A_Expr' in node) return least(locationOf(node), leftmostLocation(node.A_Expr.lexpr));
  if ('TypeCast' in node) {
    const own = least(node.TypeCast.location ?? 0, node.TypeCast.typeName?.location ?? 0);
    return least(leftmostLocation(node.TypeCast.arg), own);
  }
  if ('BoolExpr' in node) return least(locationOf(node), ...(node.BoolExpr.args ?? []).map(leftmostLocation));
  if ('NullTest' in node) return least(locationOf(node), leftmostLocation(node.NullTest.arg));
  if ('BooleanTest' in node) return least(locationOf(node), leftmostLocation(node.BooleanTest.arg));
  if ('FuncCall' in node) return least(locationOf(node), ...(node.FuncCall.args ?? []).map(leftmostLocation));
  if ('CollateClause' in node) return least(locationOf(node), leftmostLocation(node.CollateClause.arg));
  if ('A_Indirection' in node) return leftmostLocation(node.A_Indirection.arg);
  if ('SubLink' in node) return least(locationOf(node), leftmostLocation(node.SubLink.testexpr));
  return locationOf(node);
}

function least(...locations: readonly number[]): number {
  const known = locations.filter((l) => l >= 0);
  return known.length === 0 ? -1 : Math.min(...known);
}
