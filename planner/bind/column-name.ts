/** How PostgreSQL names a column of the select list that has no AS (FigureColname). */
import type { Node } from 'libpg-query';
import { stringOf } from './tree.ts';

const CURRENT_VALUE_NAMES: Readonly<Record<string, string>> = {
  SVFOP_CURRENT_DATE: 'current_date',
  SVFOP_CURRENT_TIME: 'current_time',
  SVFOP_CURRENT_TIME_N: 'current_time',
  SVFOP_CURRENT_TIMESTAMP: 'current_timestamp',
  SVFOP_CURRENT_TIMESTAMP_N: 'current_timestamp',
  SVFOP_LOCALTIME: 'localtime',
  SVFOP_LOCALTIME_N: 'localtime',
  SVFOP_LOCALTIMESTAMP: 'localtimestamp',
  SVFOP_LOCALTIMESTAMP_N: 'localtimestamp',
  SVFOP_CURRENT_ROLE: 'current_role',
  SVFOP_CURRENT_USER: 'current_user',
  SVFOP_USER: 'user',
  SVFOP_SESSION_USER: 'session_user',
  SVFOP_CURRENT_CATALOG: 'current_catalog',
  SVFOP_CURRENT_SCHEMA: 'current_schema',
};

export const columnName = (node: Node): string => figure(node)?.name ?? '?column?';

/** Strong names win over the name of a cast's type. */
type Figured = Readonly<{ name: string; strong: boolean }>;

function figure(node: Node | undefined): Figured | null {
  if (node === undefined) return null;
  const strong = (name: string | undefined): Figured | null =>
    name === undefined ? null : { name, strong: true };
  if ('ColumnRef' in node) {
    const last = (node.ColumnRef.fields ?? []).findLast((f) => 'String' in f);
    return strong(last === undefined ? undefined : stringOf(last));
  }
  if ('A_Indirection' in node) {
    const field = (node.A_Indirection.indirection ?? []).findLast((f) => 'String' in f);
    return field === undefined ? figure(node.A_Indirection.arg) : strong(stringOf(field));
  }
  if ('FuncCall' in node) return strong((node.FuncCall.funcname ?? []).map(stringOf).at(-1));
  if ('A_Expr' in node) return node.A_Expr.kind === 'AEXPR_NULLIF' ? strong('nullif') : null;
  if ('TypeCast' in node) {
    const inner = figure(node.TypeCast.arg);
    if (inner?.strong === true) return inner;
    const type = (node.TypeCast.typeName?.names ?? []).map(stringOf).at(-1);
    return type === undefined ? inner : { name: type, strong: false };
  }
  if ('CollateClause' in node) return figure(node.CollateClause.arg);
  if ('CaseExpr' in node) {
    const inner = figure(node.CaseExpr.defresult);
    return inner?.strong === true ? inner : { name: 'case', strong: false };
  }
  if ('A_ArrayExpr' in node) return strong('array');
  if ('RowExpr' in node) return strong('row');
  if ('CoalesceExpr' in node) return strong('coalesce');
  if ('MinMaxExpr' in node) return strong(node.MinMaxExpr.op === 'IS_GREATEST' ? 'greatest' : 'least');
  if ('SQLValueFunction' in node) return strong(CURRENT_VALUE_NAMES[node.SQLValueFunction.op ?? '']);
  if ('GroupingFunc' in node) return strong('grouping');
  if ('SubLink' in node) return subLinkName(node);
  return null;
}

function subLinkName(node: Extract<Node, { SubLink: unknown }>): Figured | null {
  const { subLinkType, subselect } = node.SubLink;
  if (subLinkType === 'EXISTS_SUBLINK') return { name: 'exists', strong: true };
  if (subLinkType === 'ARRAY_SUBLINK') return { name: 'array', strong: true };
  if (subLinkType !== 'EXPR_SUBLINK' || subselect === undefined || !('SelectStmt' in subselect)) return null;
  const target = subselect.SelectStmt.targetList?.[0];
  if (target === undefined || !('ResTarget' in target)) return null;
  if (target.ResTarget.name !== undefined) return { name: target.ResTarget.name, strong: true };
  return figure(target.ResTarget.val);
}
