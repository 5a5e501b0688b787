/** What must hold in every plan: ordinals inside, types as declared, functions that exist, ids in topological order. */
import type { Schema } from '../../common/types.ts';
import type { Planned, Statement } from '../../planner/statement.ts';
import { aggregateByKey } from '../../runtime/plan/aggregates.ts';
import { type Expression, walkExpression } from '../../runtime/plan/expression.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';
import { inputsOf } from '../../runtime/plan/plan-nodes.ts';
import type { AggregateCall, PlanNode, QueryPlan } from '../../runtime/plan/query-plan.ts';

function require(condition: boolean, message: string): void {
  if (!condition) throw new Error(`bad plan: ${message}`);
}

export function checkPlanned(planned: Planned): void {
  for (const plan of plansOf(planned.statement)) checkPlan(plan);
}

function plansOf(statement: Statement): readonly QueryPlan[] {
  switch (statement.kind) {
    case 'query':
    case 'insert-continuous':
      return [statement.plan];
    case 'create':
      return 'plan' in statement.object ? [statement.object.plan] : [];
    case 'write':
      return statement.operations.flatMap((o) => ('plan' in o ? [o.plan] : []));
    case 'subscribe':
      return statement.target.kind === 'plan' ? [statement.target.plan] : [];
    case 'copy-to':
    case 'declare':
      return plansOf(statement.source);
    default:
      return [];
  }
}

export function checkPlan(plan: QueryPlan): void {
  plan.subqueries.forEach(checkPlan);
  checkNode(plan.root, plan);
  const { schema } = plan.root;
  require(plan.output.length === plan.columns.length, 'as many outputs as columns');
  plan.output.forEach((o, i) => {
    require(schema[o]?.type.name === plan.columns[i]?.type.name, `type of output ${i}`);
  });
  for (const { column } of plan.order) require(schema[column] !== undefined, 'order');
  for (const k of plan.key ?? []) require(plan.columns[k] !== undefined, 'key');
}

function checkNode(node: PlanNode, plan: QueryPlan): void {
  for (const t of node.timeColumns) {
    const type = node.schema[t]?.type.name;
    require(type === 'timestamptz' || type === 'timestamp', `time column ${t} of ${node.kind}`);
  }
  const inputs = inputsOf(node);
  for (const input of inputs) {
    require(input.id < node.id, 'ids are in topological order');
    checkNode(input, plan);
  }
  const first = inputs[0]?.schema ?? [];
  switch (node.kind) {
    case 'scan':
    case 'system-scan':
      require(node.columns.length === node.schema.length, 'scan columns');
      return;
    case 'values':
      for (const row of node.rows) {
        for (const [i, e] of row.entries()) checkExpression(e, [], plan, node.schema[i]?.type.name);
      }
      return;
    case 'filter':
      checkExpression(node.predicate, first, plan, 'bool');
      require(same(node.schema, first), 'a filter keeps its schema');
      return;
    case 'project':
      require(node.expressions.length === node.schema.length, 'project width');
      for (const [i, e] of node.expressions.entries())
        checkExpression(e, first, plan, node.schema[i]?.type.name);
      return;
    case 'window':
      require(node.schema.length === first.length + 2 && first[node.time] !== undefined, 'window');
      return;
    case 'windowed-reduce':
      require(['timestamptz', 'timestamp'].includes(first[node.time]?.type.name ?? ''), 'window time');
      checkReduce(node.keys, node.aggregates, first, node.schema, node.bounds.length);
      return;
    case 'reduce':
      checkReduce(node.keys, node.aggregates, first, node.schema, 0);
      return;
    case 'top-n':
      for (const c of [...node.partition, ...node.order.map((o) => o.column)])
        require(first[c] !== undefined, 'top-n column');
      require(node.schema.length === first.length + (node.rank ? 1 : 0), 'top-n width');
      return;
    case 'union-all':
      for (const input of node.inputs)
        require(same(input.schema, node.schema), 'union inputs have one schema');
      return;
    case 'table-join': {
      const all = [...node.input.schema, ...node.table.schema];
      require(same(all, node.schema), 'join schema');
      node.inputKeys.forEach((k, i) => {
        require(node.input.schema[k]?.type.name ===
          node.table.schema[node.tableKeys[i] ?? -1]?.type.name, 'join keys');
      });
      if (node.condition !== null) checkExpression(node.condition, all, plan, 'bool');
    }
  }
}

const same = (a: Schema, b: Schema): boolean =>
  a.length === b.length && a.every((f, i) => f.type.name === b[i]?.type.name);

function checkReduce(
  keys: readonly number[],
  calls: readonly AggregateCall[],
  input: Schema,
  output: Schema,
  windows: number,
): void {
  require(output.length === keys.length + windows + calls.length, 'reduce width');
  for (const [i, k] of keys.entries()) require(input[k]?.type.name === output[i]?.type.name, 'key type');
  for (const call of calls) {
    const signature = aggregateByKey(call.function);
    require(signature !== undefined, `aggregate ${call.function}`);
    for (const [i, a] of call.args.entries())
      require(input[a]?.type.name === signature?.args[i], `argument of ${call.function}`);
    require(call.filter === null || input[call.filter]?.type.name === 'bool', 'filter is boolean');
    require(call.arrival === null || input[call.arrival]?.type.name === 'int8', 'arrival is int8');
    require(call.type.name === signature?.result, `result of ${call.function}`);
  }
}

function checkExpression(e: Expression, input: Schema, plan: QueryPlan, type: string | undefined): void {
  require(e.type.name === type, `${JSON.stringify(e)} is not ${type}`);
  walkExpression(e, (x) => {
    if (x.kind === 'column')
      require(input[x.index]?.type.name === x.type.name, `column ${x.index} of ${JSON.stringify(input)}`);
    if (x.kind === 'subquery' || x.kind === 'subquery-rows')
      require(plan.subqueries[x.index]?.columns[0]?.type.name === x.type.name, 'sub-query');
    if (x.kind === 'in') require(x.list.every((m) => m.type.name === x.arg.type.name), 'IN has one type');
    if (x.kind === 'is-distinct') require(x.left.type.name === x.right.type.name, 'IS DISTINCT has one type');
    if (x.kind === 'case') {
      require(x.branches.every(
        (b) => b.when.type.name === 'bool' && b.then.type.name === x.type.name,
      ), 'CASE branches');
      require(x.otherwise === null || x.otherwise.type.name === x.type.name, 'CASE ELSE');
    }
    if (x.kind === 'coalesce' || x.kind === 'greatest' || x.kind === 'least') {
      require(x.args.every((a) => a.type.name === x.type.name), `${x.kind} has one type`);
    }
    if (x.kind === 'and' || x.kind === 'or') require(x.args.every((a) => a.type.name === 'bool'), 'junction');
    if (x.kind === 'call') checkCall(x);
  });
}

function checkCall(x: Extract<Expression, { kind: 'call' }>): void {
  const signature = functionByKey(x.function);
  require(signature !== undefined, `function ${x.function}`);
  if (signature === undefined) return;
  // A cast's key names source and target; it is called with the value alone.
  const wanted = signature.kind === 'cast' ? signature.args.slice(0, 1) : signature.args;
  const last = wanted.length - 1;
  require(signature.result === x.type.name, `result of ${x.function}`);
  const fits = signature.variadic ? x.args.length >= last : x.args.length === wanted.length;
  require(fits, `arguments of ${x.function}`);
  for (const [i, a] of x.args.entries()) {
    require(a.type.name === wanted[Math.min(i, last)], `argument ${i} of ${x.function}`);
  }
}
