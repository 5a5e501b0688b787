/** Aggregation: keys, times and arguments become columns of the input, aggregates that nobody reads are left out. */
import { assert } from '../../common/assert.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { AggregateCall, WindowBound } from '../../runtime/plan/query-plan.ts';
import type { LogicalAggregate, LogicalNode } from '../logical/logical-plan.ts';
import { columnsOf, fieldOf, move, placeOf, placesOf } from './column-places.ts';
import { type Lowered, type LoweredColumns, type Lowering, projectOver, timesAmong } from './lowering.ts';

type WindowedReduce = Extract<LogicalNode, { kind: 'windowed-reduce' }>;
type Reduce = Extract<LogicalNode, { kind: 'reduce' }>;

/** As the logical node has them after its keys. */
const WINDOW_BOUNDS = ['window_start', 'window_end'] as const;

export function lowerReduce(
  lowering: Lowering,
  node: WindowedReduce | Reduce,
  needed: ReadonlySet<number>,
): Lowered {
  const windowed = node.kind === 'windowed-reduce';
  const first = node.keys.length + (windowed ? WINDOW_BOUNDS.length : 0);
  // Keys make the groups, so all of them stay.
  const kept = node.aggregates.flatMap((aggregate, i) =>
    needed.has(first + i) ? [{ aggregate, ordinal: first + i }] : [],
  );
  const values: Expression[] = [];
  const ordinalOf = (e: Expression): number => {
    const text = JSON.stringify(e);
    const known = values.findIndex((v) => JSON.stringify(v) === text);
    return known >= 0 ? known : values.push(e) - 1;
  };
  const time = windowed ? ordinalOf(timeColumn(node)) : -1;
  const keys = node.keys.map(ordinalOf);
  const calls = kept.map(({ aggregate }) => ({
    aggregate,
    args: aggregate.args.map(ordinalOf),
    filter: aggregate.filter === null ? null : ordinalOf(aggregate.filter),
  }));
  const wantsArrival = kept.some(({ aggregate }) => aggregate.signature.orderSensitive);
  const input = columnsFor(lowering, node.input, values, wantsArrival);
  const place = (ordinal: number): number => input.places[ordinal] ?? -1;
  const aggregates = calls.map(({ aggregate, args, filter }) =>
    aggregateCall(aggregate, args.map(place), filter === null ? null : place(filter), input.arrival),
  );
  const bounds = windowed ? boundsOf(lowering, node, needed) : [];
  const ordinals = [
    ...node.keys.map((_, i) => i),
    ...bounds.map((bound) => node.keys.length + WINDOW_BOUNDS.indexOf(bound)),
    ...kept.map(({ ordinal }) => ordinal),
  ];
  const at = placesOf(ordinals);
  const schema = ordinals.map((o) => fieldOf(node, o));
  const common = { input: input.node, keys: keys.map(place), aggregates, schema };
  if (!windowed) return lowering.finish(node, { kind: 'reduce', ...common }, at, null);
  const { mode, late, partial } = lowering.options;
  const emit = mode === 'close' ? 'close' : 'changes';
  const { window } = node;
  return lowering.finish(
    node,
    { kind: 'windowed-reduce', ...common, window, time: place(time), bounds, emit, late, partial },
    at,
    null,
  );
}

/** Bounds that someone reads, and those by which the operator tells its rows apart. */
function boundsOf(
  { options }: Lowering,
  node: WindowedReduce,
  needed: ReadonlySet<number>,
): readonly WindowBound[] {
  return WINDOW_BOUNDS.filter(
    (bound, i) =>
      needed.has(node.keys.length + i) ||
      node.window.kind === 'session' ||
      (bound === 'window_end' && options.mode === 'changes'),
  );
}

/** The input with these expressions among its columns. */
function columnsFor(
  lowering: Lowering,
  logical: LogicalNode,
  values: readonly Expression[],
  wantsArrival: boolean,
): LoweredColumns {
  const input = lowering.lower(logical, columnsOf(...values), wantsArrival);
  if (values.every((v) => v.kind === 'column')) {
    return { node: input.node, places: values.map((v) => placeOf(input.at, v)), arrival: input.arrival };
  }
  const moved = values.map((v) => move(v, input.at));
  const names = values.map((_, i) => `column${i + 1}`);
  const { body, arrival } = projectOver(input, moved, names, input.arrival);
  const timeColumns = timesAmong(moved, input.node);
  const node = lowering.identify({ ...body, timeColumns, appendOnly: input.node.appendOnly });
  return { node, places: values.map((_, i) => i), arrival };
}

function aggregateCall(
  aggregate: LogicalAggregate,
  args: readonly number[],
  filter: number | null,
  arrival: number | null,
): AggregateCall {
  const { signature, distinct } = aggregate;
  return {
    function: signature.key,
    args,
    distinct,
    filter,
    arrival: signature.orderSensitive ? arrival : null,
    type: { name: signature.result },
  };
}

function timeColumn(node: WindowedReduce): Expression {
  const field = node.input.schema[node.time];
  assert(field !== undefined, 'a window has a time column');
  return { kind: 'column', index: node.time, type: field.type };
}
