/** A join with a table: equalities of both sides become keys, what is left stays a condition over the joined row. */
import type { Expression } from '../../runtime/plan/expression.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import { columnsOf, move, placeOf, union } from './column-places.ts';
import { splitJoin } from './join-keys.ts';
import { type Lowered, type LoweredColumns, type Lowering, projectOver } from './lowering.ts';

export function lowerJoin(
  lowering: Lowering,
  node: Extract<LogicalNode, { kind: 'table-join' }>,
  needed: ReadonlySet<number>,
  wantsArrival: boolean,
): Lowered {
  const width = node.input.schema.length;
  const { keys, rest } = splitJoin(node.condition, width);
  const used = [...union(needed, rest === null ? new Set() : columnsOf(rest))];
  const leftKeys = keys.map((k) => k.left);
  const rightKeys = keys.map((k) => k.right);
  const leftNeeded = union(new Set(used.filter((c) => c < width)), columnsOf(...leftKeys));
  const rightUsed = new Set(used.filter((c) => c >= width).map((c) => c - width));
  const rightNeeded = union(rightUsed, columnsOf(...rightKeys));
  const left = withValues(lowering, lowering.lower(node.input, leftNeeded, wantsArrival), leftKeys);
  const right = withValues(lowering, lowering.lower(node.table, rightNeeded, false), rightKeys);
  const leftWidth = left.node.schema.length;
  const at = new Map(left.at);
  for (const [logical, physical] of right.at) at.set(logical + width, physical + leftWidth);
  return lowering.finish(
    node,
    {
      kind: 'table-join',
      input: left.node,
      table: right.node,
      join: node.join,
      inputKeys: left.places,
      tableKeys: right.places,
      condition: rest === null ? null : move(rest, at),
      schema: [...left.node.schema, ...right.node.schema],
    },
    at,
    left.arrival,
  );
}

/** The node, with computed keys appended where they are no plain columns. */
function withValues(
  lowering: Lowering,
  input: Lowered,
  values: readonly Expression[],
): Lowered & LoweredColumns {
  if (values.every((v) => v.kind === 'column'))
    return { ...input, places: values.map((v) => placeOf(input.at, v)) };
  const { schema, timeColumns, appendOnly } = input.node;
  const passed = schema.map((f, index): Expression => ({ kind: 'column', index, type: f.type }));
  const all = [...passed, ...values.map((v) => move(v, input.at))];
  const names = all.map((_, i) => `key${i}`);
  const { body } = projectOver(input, all, names, null);
  const node = lowering.identify({ ...body, timeColumns, appendOnly });
  return { node, at: input.at, arrival: input.arrival, places: values.map((_, i) => schema.length + i) };
}
