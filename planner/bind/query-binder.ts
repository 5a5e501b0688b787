/** Whole queries: WITH, set operations, VALUES, SELECT; views and sub-queries are bound through here. */
import type { Node, SelectStmt, WithClause } from 'libpg-query';
import type { Schema } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { SortKey } from '../../runtime/plan/query-plan.ts';
import type { ViewDefinition } from '../../runtime/plan/relation.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import { projectUnlessIdentity, windowEndOf } from '../logical/project.ts';
import { dependsOnZone } from '../logical/zone-dependence.ts';
import { parseStatements, syntaxOf } from '../parse/parse.ts';
import { BindingContext } from './binding-context.ts';
import { type Bound, column, typed } from './bound.ts';
import type { BoundQuery } from './bound-query.ts';
import { plainClause } from './clause.ts';
import { coerceAll, tryCoerce } from './coerce.ts';
import type { BindEnvironment, CommonTable, CommonTables } from './environment.ts';
import { requireEquality } from './equality.ts';
import { ExpressionBinder } from './expression-binder.ts';
import { type FromBinder, HIDDEN_WINDOW_END } from './from-binder.ts';
import { bindLimit } from './limit-clause.ts';
import { Scope } from './scope.ts';
import { bindPlainSelect } from './select-binder.ts';
import { sortDirection } from './sort-direction.ts';
import { leftmostLocation, listOf, stringOf } from './tree.ts';
import { bindWindowTableFunction } from './window-table-function.ts';

/** Views inside views. */
const VIEW_DEPTH_MAX = 32;

export function bindQuery(
  context: BindingContext,
  select: SelectStmt,
  environment: BindEnvironment,
  outer: Scope | null,
  keepsOpen = false,
): BoundQuery {
  context.gathered.countQuery();
  const inner = withTables(context, select.withClause, environment);
  if (select.op !== undefined && select.op !== 'SETOP_NONE')
    return bindSetOperation(context, select, inner, outer);
  if (select.valuesLists !== undefined) return bindValues(context, select, inner, outer);
  return bindPlainSelect(fromBinder(context, inner, outer), select, keepsOpen);
}

export function fromBinder(
  context: BindingContext,
  environment: BindEnvironment,
  outer: Scope | null,
): FromBinder {
  return {
    context,
    environment,
    outer,
    origins: new WeakMap(),
    bindSelectNode: (ctx, node, env, scope) => relationOf(bindQuery(ctx, selectOf(ctx, node), env, scope)),
    bindView: bindViewNode,
    bindWindowFunction: bindWindowTableFunction,
  };
}

function selectOf(context: BindingContext, node: Node): SelectStmt {
  if ('SelectStmt' in node) return node.SelectStmt;
  throw context.error(leftmostLocation(node), '0A000', 'only SELECT and VALUES may stand here');
}

/** A query as a relation: its LIMIT is applied, its order has no effect; a hidden window_end goes on behind its columns. */
export function relationOf(query: BoundQuery): LogicalNode {
  let { node } = query;
  if (query.limit !== null || query.offset > 0) {
    node = {
      kind: 'top-n',
      input: node,
      partition: [],
      order: query.order,
      limit: query.limit,
      offset: query.offset,
      perWindow: null,
      rank: false,
      schema: node.schema,
    };
  }
  const expressions = query.output.map((o, i) => column(o, query.columns[i]?.type ?? { name: 'text' }));
  const names = query.columns.map((c) => c.name);
  const end = windowEndOf(node);
  if (end !== null && !query.output.includes(end)) {
    expressions.push(column(end, node.schema[end]?.type ?? { name: 'timestamptz' }));
    names.push(HIDDEN_WINDOW_END);
  }
  return projectUnlessIdentity(node, expressions, names);
}

/** The environment of a statement that WITH stands in front of. */
export function withTables(
  context: BindingContext,
  withClause: WithClause | undefined,
  environment: BindEnvironment,
): BindEnvironment {
  if (withClause === undefined) return environment;
  if (withClause.recursive === true) {
    throw context.error(withClause.location, '0A000', 'WITH RECURSIVE is not supported');
  }
  let tables: CommonTables = environment.tables;
  for (const item of withClause.ctes ?? []) {
    if (!('CommonTableExpr' in item)) continue;
    const { ctename = '', ctequery, aliascolnames, location } = item.CommonTableExpr;
    if (ctequery === undefined || !('SelectStmt' in ctequery)) {
      throw context.error(location, '0A000', 'data-modifying statements in WITH are not supported');
    }
    if (tables.has(ctename) && !environment.tables.has(ctename)) {
      throw context.error(location, '42712', `WITH query name "${ctename}" specified more than once`);
    }
    const columns = (aliascolnames ?? []).map(stringOf);
    const table: CommonTable = { context, select: ctequery.SelectStmt, columns, tables };
    // Bound once here, so that its errors show even where nobody reads it.
    const bound = bindQuery(context, table.select, { ...environment, tables }, null);
    if (columns.length > bound.columns.length) {
      throw context.error(
        location,
        '42P10',
        `WITH query "${ctename}" has ${bound.columns.length} columns available but ${columns.length} columns specified`,
      );
    }
    tables = new Map([...tables, [ctename, table]]);
  }
  return { ...environment, tables };
}

function bindViewNode(from: FromBinder, view: ViewDefinition, location: number): LogicalNode {
  const { context } = from;
  if (context.viewDepth >= VIEW_DEPTH_MAX)
    throw context.error(location, '54001', 'views are nested too deeply');
  const [parsed] = parseStatements(view.query);
  const syntax = parsed === undefined ? undefined : syntaxOf(parsed);
  if (syntax?.kind !== 'postgres' || !('SelectStmt' in syntax.node)) {
    throw context.error(location, 'XX000', `view "${view.name}" has no query`);
  }
  const inner = new BindingContext(context.plan, syntax.source, syntax.clauses, {
    ...view.settings,
    parameters: context.parameters,
    gathered: context.gathered,
    view: view.securityInvoker ? context.view : view.oid,
    viewDepth: context.viewDepth + 1,
    names: view.names ?? [],
  });
  const environment: BindEnvironment = { ...from.environment, tables: new Map() };
  const node = relationOf(bindQuery(inner, syntax.node.SelectStmt, environment, null));
  if (view.settings.timeZone !== context.timeZone && dependsOnZone(node)) {
    throw context.error(
      location,
      '0A000',
      `view "${view.name}" computes in TimeZone ${view.settings.timeZone}, this session in ${context.timeZone}`,
      `SET TimeZone = '${view.settings.timeZone}', or name the zone in the view: AT TIME ZONE, date_trunc(unit, time, zone).`,
    );
  }
  const names = [...view.columns.map((c) => c.name), HIDDEN_WINDOW_END].slice(0, node.schema.length);
  const expressions = node.schema.map((f, i) => column(i, f.type));
  return projectUnlessIdentity(node, expressions, names);
}

function bindValues(
  context: BindingContext,
  select: SelectStmt,
  environment: BindEnvironment,
  outer: Scope | null,
): BoundQuery {
  const binder = new ExpressionBinder(
    context,
    new Scope([], outer),
    plainClause('VALUES'),
    new WeakMap(),
    environment,
  );
  const rows = (select.valuesLists ?? []).map((row) => listOf(row).map((e) => binder.bind(e)));
  const width = rows[0]?.length ?? 0;
  const uneven = rows.find((r) => r.length !== width);
  if (uneven !== undefined) {
    throw context.error(uneven[0]?.location, '42601', 'VALUES lists must all be the same length');
  }
  const columns: { items: readonly Expression[]; type: Schema[number]['type'] }[] = [];
  for (let i = 0; i < width; i++)
    columns.push(
      coerceAll(
        context,
        rows.map((r) => r[i] as Bound),
        'VALUES',
      ),
    );
  const schema = columns.map((c, i) => ({ name: `column${i + 1}`, type: c.type }));
  const node: LogicalNode = {
    kind: 'values',
    rows: rows.map((_, r) => columns.map((c) => c.items[r] as Expression)),
    schema,
  };
  const open = columns.map((_, i) =>
    rows.length === 1 && rows[0]?.[i]?.open != null ? (rows[0][i] as Bound) : null,
  );
  return withOrder(context, select, environment, {
    node,
    output: schema.map((_, i) => i),
    columns: schema,
    order: [],
    limit: null,
    offset: 0,
    limitLocation: -1,
    open,
    locations: (rows[0] ?? []).map((b) => b.location),
  });
}

const OPERATIONS: Readonly<Record<string, string>> = {
  SETOP_UNION: 'UNION',
  SETOP_INTERSECT: 'INTERSECT',
  SETOP_EXCEPT: 'EXCEPT',
};

function bindSetOperation(
  context: BindingContext,
  select: SelectStmt,
  environment: BindEnvironment,
  outer: Scope | null,
): BoundQuery {
  const operation = OPERATIONS[select.op ?? ''] ?? 'UNION';
  const left = bindQuery(context, select.larg as SelectStmt, environment, outer, true);
  const right = bindQuery(context, select.rarg as SelectStmt, environment, outer, true);
  if (operation !== 'UNION') {
    throw context.error(
      right.locations[0],
      '0A000',
      `${operation} is not supported`,
      'Write the condition into WHERE, or use UNION.',
    );
  }
  if (left.columns.length !== right.columns.length) {
    throw context.error(
      right.locations[0],
      '42601',
      `each ${operation} query must have the same number of columns`,
    );
  }
  const sides = [left, right].map((query) => ({ query, node: relationOf(query) }));
  const types = left.columns.map((_, i) => {
    const items = sides.map(
      ({ query }): Bound =>
        query.open[i] ??
        typed(column(i, query.columns[i]?.type ?? { name: 'text' }), query.locations[i] ?? -1),
    );
    const { type } = coerceAll(context, items, operation);
    return { type, items };
  });
  const names = left.columns.map((c) => c.name);
  const inputs = sides.map(({ node }, s) => {
    const expressions = types.map(({ type, items }) => {
      const e = tryCoerce(context, items[s] as Bound, { name: type.name }, 'implicit');
      if (e === null)
        throw context.error((items[s] as Bound).location, '42846', `${operation} could not convert types`);
      return e;
    });
    return projectUnlessIdentity(node, expressions, names);
  });
  const schema = types.map(({ type }, i) => ({ name: names[i] ?? '', type }));
  let node: LogicalNode = { kind: 'union-all', inputs, schema };
  if (select.all !== true) {
    const keys = schema.map((f, i) => column(i, f.type));
    for (const key of keys) requireEquality({ context }, key, -1);
    node = { kind: 'reduce', input: node, keys, aggregates: [], schema };
  }
  return withOrder(context, select, environment, {
    node,
    output: schema.map((_, i) => i),
    columns: schema,
    order: [],
    limit: null,
    offset: 0,
    limitLocation: -1,
    open: schema.map(() => null),
    locations: left.locations,
  });
}

/** ORDER BY of VALUES and set operations: output columns by name or number only. */
function withOrder(
  context: BindingContext,
  select: SelectStmt,
  environment: BindEnvironment,
  query: BoundQuery,
): BoundQuery {
  const limit = bindLimit(context, select, environment);
  if (limit.perWindow) {
    throw context.error(
      limit.location,
      '0A000',
      'LIMIT … PER WINDOW is not supported here',
      'Put the UNION into a sub-query.',
    );
  }
  const order = (select.sortClause ?? []).flatMap((item): SortKey[] => {
    if (!('SortBy' in item)) return [];
    const node = item.SortBy.node as Node;
    return [{ column: orderColumn(context, node, query), ...sortDirection(context, item.SortBy) }];
  });
  return { ...query, order, limit: limit.limit, offset: limit.offset, limitLocation: limit.location };
}

function orderColumn(context: BindingContext, node: Node, query: BoundQuery): number {
  const location = leftmostLocation(node);
  if ('A_Const' in node) {
    const { ival } = node.A_Const;
    if (ival === undefined) throw context.error(location, '42601', 'non-integer constant in ORDER BY');
    const at = (ival.ival ?? 0) - 1;
    if (query.columns[at] === undefined)
      throw context.error(location, '42P10', `ORDER BY position ${at + 1} is not in select list`);
    return at;
  }
  if ('ColumnRef' in node && node.ColumnRef.fields?.length === 1) {
    const name = stringOf(node.ColumnRef.fields[0] as Node);
    const at = query.columns.findIndex((c) => c.name === name);
    if (at >= 0) return at;
    throw context.error(location, '42703', `column "${name}" does not exist`);
  }
  throw context.error(
    location,
    '0A000',
    'invalid UNION/INTERSECT/EXCEPT ORDER BY clause',
    'Add the expression/function to every SELECT, or move the UNION into a FROM clause.',
    'Only result column names can be used, not expressions or functions.',
  );
}
