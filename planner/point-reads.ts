/**
 * Reads of single rows: a query that only chooses rows whose columns equal parameters. The rows for all values of these
 * are one query, which can be evaluated once for many that ask.
 */
import { conjunctsOf, type Expression, junction } from '../runtime/plan/expression.ts';
import type { PlanNode, QueryPlan } from '../runtime/plan/query-plan.ts';
import { column } from './bind/bound.ts';
import type { ParameterUse } from './bind/parameter-use.ts';
import type { PointReads } from './statement.ts';

/** Types whose values are equal exactly where their texts are. */
const INTEGERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8']);
const EQUAL_BY_TEXT: ReadonlySet<string> = new Set([
  'text',
  'varchar',
  'uuid',
  'bool',
  'date',
  'timestamp',
  'timestamptz',
]);

type Project = Extract<PlanNode, { kind: 'project' }>;
/** A column of the scan, and the parameter's constant that it must equal. */
type Key = Readonly<{ column: Expression & { kind: 'column' }; constant: Expression }>;

/** null: the query does more with its parameters, or with the rows. */
export function pointReadsOf(plan: QueryPlan, use: ParameterUse): PointReads | null {
  const { emit, order, limit, offset, subqueries } = plan;
  if (emit.kind !== 'finite' || order.length > 0 || limit !== null || offset > 0 || subqueries.length > 0)
    return null;
  const projects: Project[] = [];
  let node = plan.root;
  for (; node.kind === 'project'; node = node.input) projects.unshift(node);
  const keys: Key[] = [];
  const unfiltered = withoutKeys(node, use, keys);
  if (unfiltered === null || keys.length === 0) return null;
  let root = unfiltered;
  let ordinals = keys.map((key) => key.column.index);
  for (const project of projects) {
    const added = ordinals.map((ordinal) => column(ordinal, root.schema[ordinal]!.type));
    const fields = ordinals.map((ordinal) => root.schema[ordinal]!);
    ordinals = ordinals.map((_, i) => project.schema.length + i);
    root = {
      ...project,
      input: root,
      expressions: [...project.expressions, ...added],
      schema: [...project.schema, ...fields],
    };
  }
  const held = use.held;
  const reads: PointReads = {
    plan: {
      ...plan,
      root,
      output: [...plan.output, ...ordinals],
      columns: [...plan.columns, ...ordinals.map((ordinal) => root.schema[ordinal]!)],
    },
    keys: keys.map(({ constant }) => held.indexOf(use.parameterOf(constant)!)),
  };
  return use.isIn(reads.plan) ? null : reads;
}

/** Filters right above a scan, without what holds a column to a parameter. */
function withoutKeys(node: PlanNode, use: ParameterUse, keys: Key[]): PlanNode | null {
  if (node.kind === 'scan') return node;
  if (node.kind !== 'filter') return null;
  const input = withoutKeys(node.input, use, keys);
  if (input === null) return null;
  const rest = conjunctsOf(node.predicate).filter((part) => {
    const key = keyIn(part, use);
    if (key !== null) keys.push(key);
    return key === null;
  });
  return rest.length === 0 ? input : { ...node, input, predicate: junction('and', rest) };
}

function keyIn(e: Expression, use: ParameterUse): Key | null {
  if (e.kind !== 'call' || !e.function.startsWith('=(')) return null;
  const [a, b] = e.args;
  if (a === undefined || b === undefined) return null;
  return keyOf(a, b, use) ?? keyOf(b, a, use);
}

const keyOf = (a: Expression, b: Expression, use: ParameterUse): Key | null =>
  a.kind === 'column' && use.parameterOf(b) !== undefined && areEqualByText(a.type.name, b.type.name)
    ? { column: a, constant: b }
    : null;

const areEqualByText = (a: string, b: string): boolean =>
  a === b ? EQUAL_BY_TEXT.has(a) || INTEGERS.has(a) : INTEGERS.has(a) && INTEGERS.has(b);
