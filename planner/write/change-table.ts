/**
 * UPDATE, DELETE and TRUNCATE: tables only (42809). Which rows they meet, and with what values, is a finite query over the
 * table, and over what stands in FROM or USING.
 */
import type { DeleteStmt, Node, RangeVar, TruncateStmt, UpdateStmt, WithClause } from 'libpg-query';
import type { Schema } from '../../common/types.ts';
import { BOOL, type Expression } from '../../runtime/plan/expression.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { TableDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { column } from '../bind/bound.ts';
import { visibleRows } from '../authorize/row-security.ts';
import { plainClause } from '../bind/clause.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { bindFrom } from '../bind/from-binder.ts';
import type { BindEnvironment } from '../bind/environment.ts';
import { fromBinder, withTables } from '../bind/query-binder.ts';
import { Scope, type ScopeRelation } from '../bind/scope.ts';
import { filter, type LogicalNode } from '../logical/logical-plan.ts';
import { planFinite } from '../physical/plan-query.ts';
import type { Planned } from '../statement.ts';
import { ENVIRONMENT, planned, type StatementContext } from '../statement-context.ts';
import { bindAssignments } from './assignments.ts';
import { bindReturning } from './returning.ts';
import { rowChecks } from './row-checks.ts';
import { changeableTable, requireReading } from './target.ts';

/** The table whose rows change, joined with the relations beside it. */
type Meeting = Readonly<{
  table: TableDefinition;
  scope: Scope;
  /** Relations of FROM or USING, by ordinals of their own. */
  others: readonly ScopeRelation[];
  /** null: there are none. */
  joined: LogicalNode | null;
  /** The names of WITH. */
  environment: BindEnvironment;
}>;

function meet(
  binding: BindingContext,
  table: TableDefinition,
  range: RangeVar,
  items: readonly Node[],
  withClause: WithClause | undefined,
): Meeting {
  const environment = withTables(binding, withClause, ENVIRONMENT);
  binding.gathered.relations.add(table.oid);
  const alias = range.alias?.aliasname ?? table.name;
  const columns = table.columns.map((c, index) => ({ name: c.name, type: c.type, index, hidden: false }));
  const original = range.alias === undefined ? null : table.name;
  const own: ScopeRelation = { alias, original, schema: range.schemaname ?? null, columns };
  if (items.length === 0)
    return { table, scope: new Scope([own], null), others: [], joined: null, environment };
  const item = bindFrom(fromBinder(binding, environment, null), items);
  const others = item.relations;
  if (item.window !== null)
    throw binding.error(-1, '0A000', 'windows are not supported beside a changed table');
  if (others.some((r) => r.alias === alias))
    throw binding.error(range.location, '42712', `table name "${alias}" specified more than once`);
  const width = table.columns.length;
  const moved = others.map((r) => ({
    ...r,
    columns: r.columns.map((c) => ({ ...c, index: c.index + width })),
  }));
  return { table, scope: new Scope([own, ...moved], null), others, joined: item.node, environment };
}

function binderOf(
  binding: BindingContext,
  { scope, environment }: Meeting,
  clause: string,
): ExpressionBinder {
  return new ExpressionBinder(binding, scope, plainClause(clause), new WeakMap(), environment);
}

const ALWAYS: Expression = { kind: 'constant', text: 't', type: BOOL };

/** A query that gives the whole row, then these values, then columns of the other relations. */
function planRows(
  binding: BindingContext,
  { table, joined }: Meeting,
  visible: Expression | null,
  predicate: Expression | null,
  values: readonly Expression[],
  extra: readonly number[],
): QueryPlan {
  const schema = fieldsOf(table);
  const all: LogicalNode = { kind: 'scan', relation: table, schema };
  const scan = visible === null ? all : filter(all, visible);
  let node: LogicalNode = scan;
  if (joined !== null) {
    node = {
      kind: 'table-join',
      input: scan,
      table: joined,
      join: 'inner',
      condition: predicate ?? ALWAYS,
      schema: [...schema, ...joined.schema],
    };
  } else if (predicate !== null) node = filter(scan, predicate);
  const input = node.schema;
  const ofInput = (index: number): Expression => column(index, input[index]?.type ?? BOOL);
  const expressions = [
    ...schema.map((_, i) => ofInput(i)),
    ...values,
    ...extra.map((i) => ofInput(schema.length + i)),
  ];
  const columns = expressions.map((e, i) => ({ name: `${i}`, type: e.type }));
  return planFinite(binding, {
    node: { kind: 'project', input: node, expressions, schema: columns },
    output: expressions.map((_, i) => i),
    columns,
    order: [],
    limit: null,
    offset: 0,
    limitLocation: -1,
  });
}

const fieldsOf = (table: TableDefinition): Schema => table.columns.map(({ name, type }) => ({ name, type }));

export function planUpdate(context: StatementContext, update: UpdateStmt): Planned {
  const { binding } = context;
  const range = update.relation ?? {};
  const table = changeableTable(binding, range, 'update');
  const meeting = meet(binding, table, range, update.fromClause ?? [], update.withClause);
  const assignments = bindAssignments(
    binding,
    table,
    update.targetList ?? [],
    binderOf(binding, meeting, 'UPDATE'),
  );
  const predicate = predicateOf(binding, meeting, update.whereClause);
  const { environment, others } = meeting;
  const source = { target: table, range, own: 'new', others, environment } as const;
  const bound = bindReturning(binding, update.returningClause, source);
  const values = assignments.map((a) => a.value);
  const reads = requireReading(binding, table, [predicate, ...values]) || bound?.reads === true;
  const visible = visibleRows(binding, environment, table, reads ? ['update', 'select'] : ['update']);
  const checks = rowChecks(binding, environment, table, 'update', reads);
  const plan = planRows(binding, meeting, visible, predicate, values, bound?.extra ?? []);
  const returning = bound?.returning ?? null;
  const assigned = assignments.map((a) => a.column);
  const repeats = meeting.joined !== null;
  const operation = {
    kind: 'update',
    relation: table.oid,
    plan,
    assigned,
    repeats,
    checks,
    returning,
  } as const;
  const columns = returning?.columns ?? null;
  return planned(
    context,
    { kind: 'write', operations: [operation], tag: 'UPDATE', returning: columns },
    columns,
  );
}

function predicateOf(binding: BindingContext, meeting: Meeting, where: Node | undefined): Expression | null {
  return where === undefined ? null : binderOf(binding, meeting, 'WHERE').bindBoolean(where, 'WHERE');
}

export function planDelete(context: StatementContext, remove: DeleteStmt): Planned {
  const { binding } = context;
  const range = remove.relation ?? {};
  const table = changeableTable(binding, range, 'delete from');
  const meeting = meet(binding, table, range, remove.usingClause ?? [], remove.withClause);
  const predicate = predicateOf(binding, meeting, remove.whereClause);
  const { environment, others } = meeting;
  const source = { target: table, range, own: 'old', others, environment } as const;
  const bound = bindReturning(binding, remove.returningClause, source);
  const reads = requireReading(binding, table, [predicate]) || bound?.reads === true;
  const visible = visibleRows(binding, environment, table, reads ? ['delete', 'select'] : ['delete']);
  const plan = planRows(binding, meeting, visible, predicate, [], bound?.extra ?? []);
  const returning = bound?.returning ?? null;
  const repeats = meeting.joined !== null;
  const operation = { kind: 'delete', relation: table.oid, plan, repeats, returning } as const;
  const columns = returning?.columns ?? null;
  return planned(
    context,
    { kind: 'write', operations: [operation], tag: 'DELETE', returning: columns },
    columns,
  );
}

export function planTruncate(context: StatementContext, truncate: TruncateStmt): Planned {
  const { binding } = context;
  const operations = (truncate.relations ?? []).flatMap((node) => {
    if (!('RangeVar' in node)) return [];
    return [{ kind: 'truncate', relation: changeableTable(binding, node.RangeVar, 'truncate').oid } as const];
  });
  return planned(context, { kind: 'write', operations, tag: 'TRUNCATE TABLE', returning: null });
}
