/** USING, and what a join condition may name. */
import type { JoinExpr } from 'libpg-query';
import { BOOL, type Expression } from '../../runtime/plan/expression.ts';
import { column, typed } from './bound.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import type { FromItem } from './from-item.ts';
import { operator } from './operators.ts';
import { Scope, type ScopeRelation } from './scope.ts';
import { stringOf } from './tree.ts';

export function usingCondition(
  binder: ExpressionBinder,
  left: FromItem,
  right: readonly ScopeRelation[],
  join: JoinExpr,
): Expression | null {
  if (join.usingClause === undefined) return null;
  const parts = join.usingClause.map(stringOf).map((name) => {
    const find = (relations: readonly ScopeRelation[], side: string) => {
      const match = new Scope(relations, null).findColumn(name);
      if (match.kind === 'ambiguous')
        throw binder.context.error(
          -1,
          '42702',
          `common column name "${name}" appears more than once in ${side} table`,
        );
      if (match.kind !== 'column')
        throw binder.context.error(
          -1,
          '42703',
          `column "${name}" specified in USING clause does not exist in ${side} table`,
        );
      return typed(column(match.column.index, match.column.type), -1);
    };
    return operator(binder, '=', find(left.relations, 'left'), find(right, 'right'), -1).expression;
  });
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : { kind: 'and', args: parts, type: BOOL };
}

/** The right side's columns of USING are found by qualified name only; `*` shows the left ones once, first. */
export function mergeUsing(
  relations: readonly ScopeRelation[],
  left: FromItem,
  join: JoinExpr,
): readonly ScopeRelation[] {
  const names = new Set((join.usingClause ?? []).map(stringOf));
  return relations.map((r) =>
    left.relations.includes(r)
      ? r
      : { ...r, columns: r.columns.map((c) => (names.has(c.name) ? { ...c, hidden: true } : c)) },
  );
}
