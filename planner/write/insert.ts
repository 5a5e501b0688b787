/** INSERT INTO table or stream: VALUES with DEFAULT, SELECT, SELECT … EMIT. */
import type { InsertStmt, Node, SelectStmt } from 'libpg-query';
import type { SqlType } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { ColumnDefinition, StreamDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import { appliedPolicies } from '../authorize/applied-policies.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { type Bound, column, typed } from '../bind/bound.ts';
import type { BoundQuery } from '../bind/bound-query.ts';
import { plainClause } from '../bind/clause.ts';
import { coerceForColumn } from '../bind/coerce.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { withTables } from '../bind/query-binder.ts';
import { Scope } from '../bind/scope.ts';
import { leftmostLocation, listOf } from '../bind/tree.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import type { StreamClauses } from '../parse/statement-syntax.ts';
import { planContinuous, planFinite } from '../physical/plan-query.ts';
import { readQueryOptions } from '../physical/query-options.ts';
import type { Planned } from '../statement.ts';
import { bindSelectNode, ENVIRONMENT, planned, type StatementContext } from '../statement-context.ts';
import { columnOrdinal, defaultOf } from './insert-columns.ts';
import { bindConflictAction } from './on-conflict.ts';
import { bindReturning } from './returning.ts';
import { rowChecks } from './row-checks.ts';
import { writableTarget } from './target.ts';

export function planInsert(context: StatementContext, insert: InsertStmt, clauses: StreamClauses): Planned {
  const { binding } = context;
  if (insert.override !== undefined && insert.override !== 'OVERRIDING_NOT_SET')
    throw binding.error(-1, '0A000', 'OVERRIDING is not supported');
  const target = writableTarget(binding, insert.relation ?? {}, 'insert into');
  const columns = targetColumns(binding, insert, target);
  const onConflict = bindConflictAction(binding, insert, target);
  const source = withClauseOf(insert);
  const query = bindSource(binding, target, columns, source, insert);
  if (clauses.emit !== null) {
    if (insert.returningClause !== undefined)
      throw binding.errorAtOffset(
        clauses.emit.offset,
        '0A000',
        'RETURNING is not supported with EMIT',
        'Read the stream with SELECT … EMIT.',
      );
    if (target.kind !== 'stream')
      throw binding.errorAtOffset(
        clauses.emit.offset,
        '0A000',
        'INSERT … SELECT … EMIT writes into streams only',
        'Create a materialized view instead.',
      );
    const options = readQueryOptions(binding, clauses.emit.options, 'select');
    const plan = planContinuous(binding, query, clauses.emit, options, 'subscribe');
    if (!plan.root.appendOnly) {
      throw binding.errorAtOffset(
        clauses.emit.offset,
        '0A000',
        'a stream cannot take rows back',
        'Write EMIT ON WINDOW CLOSE, or read the changes with SUBSCRIBE.',
      );
    }
    if (appliedPolicies(binding.catalog, binding.role, target, 'insert') !== null)
      throw binding.errorAtOffset(
        clauses.emit.offset,
        '0A000',
        'INSERT … SELECT … EMIT is not supported with row-level security',
        'Use INSERT without EMIT, or a sink of who owns the stream.',
      );
    const given = columns.slice(0, query.columns.length);
    return planned(context, { kind: 'insert-continuous', target, columns: given, plan });
  }
  const environment = withTables(binding, insert.withClause, ENVIRONMENT);
  const plan = planFinite(binding, query);
  // VALUES may be shorter than the target: its other columns get their default
  const given = columns.slice(0, query.columns.length);
  const rows = { target, range: insert.relation ?? {}, own: 'new', others: [], environment } as const;
  const bound = bindReturning(binding, insert.returningClause, rows);
  const returning = bound?.returning ?? null;
  const reads = bound?.reads === true || onConflict.kind === 'update' || looksForKey(insert);
  const checks = rowChecks(binding, environment, target, 'insert', reads);
  const relation = target.oid;
  const operation = {
    kind: 'insert',
    relation,
    columns: given,
    plan,
    onConflict,
    checks,
    returning,
  } as const;
  const answer = returning?.columns ?? null;
  return planned(
    context,
    { kind: 'write', operations: [operation], tag: 'INSERT', returning: answer },
    answer,
  );
}

/** ON CONFLICT (key) looks at the rows that are there. */
const looksForKey = ({ onConflictClause }: InsertStmt): boolean =>
  onConflictClause?.infer !== undefined && onConflictClause.infer.conname === undefined;

/** WITH in front of INSERT belongs to its query. */
function withClauseOf(insert: InsertStmt): SelectStmt | null {
  const node = insert.selectStmt;
  if (node === undefined || !('SelectStmt' in node)) return null;
  const { withClause } = insert;
  return withClause === undefined ? node.SelectStmt : { ...node.SelectStmt, withClause };
}

type Target = StreamDefinition | TableDefinition;

function targetColumns(binding: BindingContext, insert: InsertStmt, target: Target): readonly number[] {
  const listed = insert.cols ?? [];
  if (listed.length === 0) return target.columns.map((_, i) => i);
  const seen = new Set<number>();
  return listed.map((node) => {
    const name = 'ResTarget' in node ? (node.ResTarget.name ?? '') : '';
    const location = leftmostLocation(node);
    const at = columnOrdinal(binding, target, name, location);
    if (seen.has(at)) throw binding.error(location, '42701', `column "${name}" specified more than once`);
    seen.add(at);
    return at;
  });
}

function bindSource(
  binding: BindingContext,
  target: Target,
  columns: readonly number[],
  select: SelectStmt | null,
  insert: InsertStmt,
): BoundQuery {
  if (select === null) return defaultRow(binding, target, columns);
  const isValues =
    select.valuesLists !== undefined &&
    select.sortClause === undefined &&
    select.limitCount === undefined &&
    select.limitOffset === undefined;
  if (isValues) return bindRows(binding, target, columns, select, insert);
  const query = bindSelectNode(binding, { SelectStmt: select } as Node, true);
  checkWidth(binding, query.columns.length, columns.length, query.locations[columns.length], insert);
  const fields = columns.slice(0, query.columns.length).map((c) => target.columns[c] as ColumnDefinition);
  const expressions: Expression[] = query.node.schema.map((f, i) => column(i, f.type));
  const output: number[] = [];
  fields.forEach((field, i) => {
    const ordinal = query.output[i] ?? -1;
    const bound: Bound =
      query.open[i] ?? typed(column(ordinal, query.columns[i]?.type as SqlType), query.locations[i] ?? -1);
    refuseGenerated(binding, field, query.locations[i] ?? -1);
    expressions.push(coerceForColumn(binding, bound, field.name, field.type));
    output.push(expressions.length - 1);
  });
  return projected(query, expressions, output, fields);
}

function projected(
  query: BoundQuery,
  expressions: readonly Expression[],
  output: readonly number[],
  fields: readonly ColumnDefinition[],
): BoundQuery {
  const added = output.map((_, i) => fields[i]?.name ?? '');
  const names = [...query.node.schema.map((f) => f.name), ...added];
  const node: LogicalNode = {
    kind: 'project',
    input: query.node,
    expressions,
    schema: expressions.map((e, i) => ({ name: names[i] ?? '', type: e.type })),
  };
  const columns = fields.map((f) => ({ name: f.name, type: f.type }));
  return { ...query, node, output, columns };
}

/** More expressions than columns is wrong; fewer only with a column list. */
function checkWidth(
  binding: BindingContext,
  given: number,
  wanted: number,
  extra: number | undefined,
  insert: InsertStmt,
): void {
  if (given > wanted) throw binding.error(extra, '42601', 'INSERT has more expressions than target columns');
  if (given < wanted && (insert.cols ?? []).length > 0) {
    const first = insert.cols?.[given];
    throw binding.error(leftmostLocation(first), '42601', 'INSERT has more target columns than expressions');
  }
}

function refuseGenerated(binding: BindingContext, field: ColumnDefinition, location: number): void {
  if (field.generated === null) return;
  throw binding.error(
    location,
    '428C9',
    `cannot insert a non-DEFAULT value into column "${field.name}"`,
    undefined,
    `Column "${field.name}" is a generated column.`,
  );
}

const isDefault = (node: Node | undefined): boolean => node !== undefined && 'SetToDefault' in node;

/** Every value is read in its column's type. */
function bindRows(
  binding: BindingContext,
  target: Target,
  columns: readonly number[],
  select: SelectStmt,
  insert: InsertStmt,
): BoundQuery {
  const environment = withTables(binding, select.withClause, ENVIRONMENT);
  const binder = new ExpressionBinder(
    binding,
    new Scope([], null),
    plainClause('VALUES'),
    new WeakMap(),
    environment,
  );
  const lists = (select.valuesLists ?? []).map(listOf);
  const width = lists[0]?.length ?? 0;
  const uneven = lists.find((l) => l.length !== width);
  if (uneven !== undefined)
    throw binding.error(leftmostLocation(uneven[0]), '42601', 'VALUES lists must all be the same length');
  checkWidth(binding, width, columns.length, leftmostLocation(lists[0]?.[columns.length]), insert);
  const fields = columns.slice(0, width).map((c) => target.columns[c] as ColumnDefinition);
  const rows = lists.map((list) =>
    fields.map((field, i) => {
      const node = list[i] as Node;
      if (isDefault(node)) return defaultOf(field);
      refuseGenerated(binding, field, leftmostLocation(node));
      return coerceForColumn(binding, binder.bind(node), field.name, field.type);
    }),
  );
  return valuesQuery(rows, fields);
}

/** DEFAULT VALUES. */
function defaultRow(_binding: BindingContext, target: Target, columns: readonly number[]): BoundQuery {
  const fields = columns.map((c) => target.columns[c] as ColumnDefinition);
  return valuesQuery([fields.map(defaultOf)], fields);
}

function valuesQuery(
  rows: readonly (readonly Expression[])[],
  fields: readonly ColumnDefinition[],
): BoundQuery {
  const schema = fields.map((f) => ({ name: f.name, type: f.type }));
  return {
    node: { kind: 'values', rows, schema },
    output: schema.map((_, i) => i),
    columns: schema,
    order: [],
    limit: null,
    offset: 0,
    limitLocation: -1,
    open: schema.map(() => null),
    locations: schema.map(() => -1),
  };
}
