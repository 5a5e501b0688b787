/** FROM: relations, views, sub-queries, windows as table functions, joins with tables FOR SYSTEM_TIME AS OF PROCTIME(). */
import type { JoinExpr, Node, RangeSubselect, RangeVar } from 'libpg-query';
import type { SqlType } from '../../common/types.ts';
import type { RelationDefinition, StreamDefinition } from '../../runtime/plan/relation.ts';
import { SYSTEM_VIEWS, type SystemViewName } from '../../runtime/plan/system-views.ts';
import { withRowSecurity } from '../authorize/row-security.ts';
import { requireRight } from '../authorize/requirements.ts';
import { filter, type LogicalNode } from '../logical/logical-plan.ts';
import type { BindingContext } from './binding-context.ts';
import { usesWindow } from './bound.ts';
import { type Origins, plainClause } from './clause.ts';
import type { BindEnvironment } from './environment.ts';
import { ExpressionBinder } from './expression-binder.ts';
import type { FromItem } from './from-item.ts';
import { mergeUsing, usingCondition } from './join-columns.ts';
import { shownName, requireThisDatabase } from './relation-lookup.ts';
import { Scope, type ScopeColumn, type ScopeRelation } from './scope.ts';
import { visibleSystemRows } from './system-view-rows.ts';
import { stringOf } from './tree.ts';
import { applyWindowClause, windowMarker } from './window-clause.ts';

/** What FROM needs of the query binder. */
export type FromBinder = Readonly<{
  context: BindingContext;
  environment: BindEnvironment;
  outer: Scope | null;
  origins: Origins;
  bindSelectNode: (
    context: BindingContext,
    select: Node,
    environment: BindEnvironment,
    outer: Scope | null,
  ) => LogicalNode;
  bindView: (
    from: FromBinder,
    view: Extract<RelationDefinition, { kind: 'view' }>,
    location: number,
  ) => LogicalNode;
  bindWindowFunction: (from: FromBinder, node: Extract<Node, { RangeFunction: unknown }>) => FromItem;
}>;

const JOIN_HINT =
  'Write [LEFT] JOIN table FOR SYSTEM_TIME AS OF PROCTIME() ON … to join each row with a table as it is then.';

export function bindFrom(from: FromBinder, items: readonly Node[]): FromItem {
  const { context } = from;
  let result: FromItem | null = null;
  for (const item of items) {
    const marker = windowMarker(item);
    if (marker !== null && result !== null) {
      result = applyWindowClause(context, result, marker);
      continue;
    }
    if (result !== null) {
      throw context.error(
        startOf(item),
        '0A000',
        'joins without FOR SYSTEM_TIME AS OF PROCTIME() are not supported',
        JOIN_HINT,
      );
    }
    result = bindItem(from, item);
  }
  if (result !== null) return result;
  const node: LogicalNode = { kind: 'values', rows: [[]], schema: [] };
  return { node, relations: [], window: null };
}

export function startOf(node: Node): number {
  if ('RangeVar' in node) return node.RangeVar.location ?? 0;
  if ('JoinExpr' in node && node.JoinExpr.larg !== undefined) return startOf(node.JoinExpr.larg);
  if ('RangeFunction' in node) {
    const list = node.RangeFunction.functions?.[0];
    const call = list !== undefined && 'List' in list ? list.List.items?.[0] : undefined;
    if (call !== undefined && 'FuncCall' in call) return call.FuncCall.location ?? 0;
  }
  return -1;
}

function bindItem(from: FromBinder, item: Node): FromItem {
  if ('RangeVar' in item) return bindRelation(from, item.RangeVar);
  if ('RangeSubselect' in item) return bindSubselect(from, item.RangeSubselect);
  if ('RangeFunction' in item) return from.bindWindowFunction(from, item);
  if ('JoinExpr' in item) return bindJoin(from, item.JoinExpr);
  throw from.context.error(startOf(item), '0A000', 'this item of FROM is not supported');
}

export function aliasColumns(
  context: BindingContext,
  alias: string,
  columns: readonly ScopeColumn[],
  names: readonly string[],
): readonly ScopeColumn[] {
  const visible = columns.filter((c) => !c.hidden);
  if (names.length > visible.length) {
    throw context.error(
      -1,
      '42P10',
      `table "${alias}" has ${visible.length} columns available but ${names.length} columns specified`,
    );
  }
  let next = 0;
  return columns.map((c) => (c.hidden ? c : { ...c, name: names[next++] ?? c.name }));
}

function itemOf(
  context: BindingContext,
  node: LogicalNode,
  alias: string,
  original: string | null,
  schema: string | null,
  names: readonly string[],
  hidden: (index: number) => boolean = () => false,
): FromItem {
  const columns = node.schema.map((field, index) => ({
    ...field,
    index,
    hidden: hidden(index) || isUnnameable(field.name),
  }));
  const renamed = aliasColumns(context, alias, columns, names);
  return { node, relations: [{ alias, original, schema, columns: renamed }], window: null };
}

function bindRelation(from: FromBinder, range: RangeVar): FromItem {
  const { context } = from;
  const name = range.relname ?? '';
  const location = range.location ?? 0;
  requireThisDatabase(context, range);
  const schema = range.schemaname ?? null;
  const alias = range.alias?.aliasname ?? name;
  const original = range.alias === undefined ? null : name;
  const names = (range.alias?.colnames ?? []).map(stringOf);
  const common = schema === null ? from.environment.tables.get(name) : undefined;
  if (common !== undefined) {
    const environment = { ...from.environment, tables: common.tables };
    const node = from.bindSelectNode(
      common.context,
      { SelectStmt: common.select } as Node,
      environment,
      null,
    );
    const item = itemOf(context, node, alias, original, null, common.columns);
    const relation = item.relations[0] as ScopeRelation;
    return {
      ...item,
      relations: [{ ...relation, columns: aliasColumns(context, alias, relation.columns, names) }],
    };
  }
  const node = relationNode(from, schema, name, location);
  const streamWidth = streamOf(node)?.columns.length ?? null;
  // arrived_at is found by name, the number of arrival never.
  return itemOf(
    context,
    node,
    alias,
    original,
    schema,
    names,
    (i) => streamWidth !== null && i >= streamWidth,
  );
}

/** The stream that the node is a scan of, whole or what its reader may see of it. */
export function streamOf(node: LogicalNode): StreamDefinition | null {
  if (node.kind === 'filter') return streamOf(node.input);
  return node.kind === 'scan' && node.relation.kind === 'stream' ? node.relation : null;
}

/** 42P01 where there is none; views are expanded. */
export function relationNode(
  from: FromBinder,
  schema: string | null,
  name: string,
  location: number,
): LogicalNode {
  const { context } = from;
  const found = context.relation(schema, name);
  if (found === null) {
    throw context.error(location, '42P01', `relation "${shownName(schema, name)}" does not exist`);
  }
  if (found.kind === 'catalog') {
    throw context.error(
      location,
      '0A000',
      `system relation "${shownName(schema, name)}" can only be read by a query of its own`,
      'Views, writes and continuous queries cannot read the system catalog.',
    );
  }
  if (found.kind === 'system') {
    const visible = visibleSystemRows(context, found.view);
    const node = systemNode(found.view);
    return visible === null ? node : filter(node, visible);
  }
  const { definition } = found;
  context.gathered.relations.add(definition.oid);
  if (definition.kind === 'sink') throw context.error(location, '42809', `cannot select from sink "${name}"`);
  requireRight(context, definition, 'r');
  return withRowSecurity(context, from.environment, definition, rowsOf(from, definition, location));
}

function rowsOf(
  from: FromBinder,
  definition: Exclude<RelationDefinition, { kind: 'sink' }>,
  location: number,
): LogicalNode {
  switch (definition.kind) {
    case 'view':
      return { ...from.bindView(from, definition, location), ofView: definition.oid };
    case 'stream': {
      const hidden = [
        { name: 'arrived_at', type: { name: 'timestamptz' } as const },
        { name: ARRIVAL_NAME, type: { name: 'int8' } as const },
      ];
      return { kind: 'scan', relation: definition, schema: [...fieldsOf(definition), ...hidden] };
    }
    default:
      return { kind: 'scan', relation: definition, schema: fieldsOf(definition) };
  }
}

export const isUnnameable = (name: string): boolean => name.startsWith('\u0000');

/** Names that no identifier can have: such columns are found neither by name nor by `*`. */
export const HIDDEN_WINDOW_END = '\u0000window_end';
const ARRIVAL_NAME = '\u0000arrival';

const fieldsOf = (definition: RelationDefinition & { columns: readonly { name: string; type: SqlType }[] }) =>
  definition.columns.map(({ name, type }) => ({ name, type }));

const systemNode = (view: SystemViewName): LogicalNode => ({
  kind: 'system-scan',
  view,
  schema: SYSTEM_VIEWS[view],
});

function bindSubselect(from: FromBinder, range: RangeSubselect): FromItem {
  const { context } = from;
  if (range.lateral === true) throw context.error(-1, '0A000', 'LATERAL is not supported', JOIN_HINT);
  const outer = from.outer;
  const node = from.bindSelectNode(context, range.subquery as Node, from.environment, outer);
  const alias = range.alias?.aliasname ?? '';
  return itemOf(context, node, alias, null, null, (range.alias?.colnames ?? []).map(stringOf));
}

function bindJoin(from: FromBinder, join: JoinExpr): FromItem {
  const { context } = from;
  const right = join.rarg as Node;
  const left = bindItem(from, join.larg as Node);
  const isProcessingTime =
    'RangeVar' in right && context.clauses.processingTime.has(context.offset(right.RangeVar.location ?? 0));
  if (!isProcessingTime) {
    throw context.error(
      startOf(right),
      '0A000',
      'joins without FOR SYSTEM_TIME AS OF PROCTIME() are not supported',
      JOIN_HINT,
    );
  }
  if (join.jointype !== 'JOIN_INNER' && join.jointype !== 'JOIN_LEFT') {
    throw context.error(
      startOf(right),
      '0A000',
      'FOR SYSTEM_TIME AS OF PROCTIME() takes JOIN and LEFT JOIN only',
      JOIN_HINT,
    );
  }
  if (join.isNatural === true || join.alias !== undefined) {
    throw context.error(startOf(right), '0A000', 'NATURAL JOIN is not supported', JOIN_HINT);
  }
  const table = bindItem(from, right);
  const stream = streamOf(table.node);
  if (stream !== null) {
    throw context.error(
      startOf(right),
      '0A000',
      `"${stream.name}" is a stream: FOR SYSTEM_TIME AS OF PROCTIME() reads tables and views`,
      'Keep the latest row of each key in a materialized view and join with that.',
    );
  }
  const width = left.node.schema.length;
  const moved = table.relations.map((r) => ({
    ...r,
    columns: r.columns.map((c) => ({ ...c, index: c.index + width })),
  }));
  const duplicate = moved.find((r) => left.relations.some((l) => l.alias === r.alias && r.alias !== ''));
  if (duplicate !== undefined) {
    throw context.error(startOf(right), '42712', `table name "${duplicate.alias}" specified more than once`);
  }
  const relations = [...left.relations, ...moved];
  const scope = new Scope(relations, from.outer);
  const binder = new ExpressionBinder(
    context,
    scope,
    plainClause('JOIN conditions'),
    from.origins,
    from.environment,
  );
  const using = usingCondition(binder, left, moved, join);
  const condition =
    using ?? (join.quals === undefined ? undefined : binder.bindBoolean(join.quals, 'JOIN/ON'));
  if (condition === undefined)
    throw context.error(startOf(right), '0A000', 'FOR SYSTEM_TIME AS OF PROCTIME() needs ON', JOIN_HINT);
  if (usesWindow(condition)) {
    throw context.error(
      startOf(right),
      '0A000',
      'a join condition cannot use window_start or window_end of its own query',
      'Aggregate by window in a sub-query and join that.',
    );
  }
  const node: LogicalNode = {
    kind: 'table-join',
    input: left.node,
    table: table.node,
    join: join.jointype === 'JOIN_LEFT' ? 'left' : 'inner',
    condition,
    schema: [...left.node.schema, ...table.node.schema],
  };
  return {
    node,
    relations: join.usingClause === undefined ? relations : mergeUsing(relations, left, join),
    window: left.window,
  };
}
