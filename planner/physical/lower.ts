/**
 * Logical tree to physical nodes: only columns that someone needs are read, projects of plain columns vanish (the
 * places of columns are remembered instead), keys and arguments of aggregates become columns.
 */
import { assert, unreachable } from '../../common/assert.ts';
import type { Field } from '../../common/types.ts';
import { type Expression, timeSource } from '../../runtime/plan/expression.ts';
import {
  type AggregateCall,
  ARRIVAL,
  ARRIVED_AT,
  type LatePolicy,
  type PlanNode,
  type SortKey,
  type WindowBound,
} from '../../runtime/plan/query-plan.ts';
import type { LogicalAggregate, LogicalNode } from '../logical/logical-plan.ts';
import { propertiesOf, type ReduceMode } from '../logical/properties.ts';
import { columnsOf, fieldOf, move, placeOf, placesOf, sorted, union } from './column-places.ts';
import { splitJoin } from './join-keys.ts';

/** The arrival number that order-sensitive aggregates follow: no column of the user's has an empty name. */
const HIDDEN_ARRIVAL: Field = { name: '', type: { name: 'int8' } };

/** As the logical node has them after its keys. */
const WINDOW_BOUNDS = ['window_start', 'window_end'] as const;

export type LoweringOptions = Readonly<{ mode: ReduceMode; late: LatePolicy; partial: boolean }>;

export type Lowered = Readonly<{
  node: PlanNode;
  /** Logical ordinal → physical ordinal, of the columns that were needed. */
  at: ReadonlyMap<number, number>;
  /** Physical ordinal of the number of arrival, where it was asked for and there is one. */
  arrival: number | null;
}>;

export function lower(node: LogicalNode, needed: ReadonlySet<number>, options: LoweringOptions): Lowered {
  return new Lowering(options).lower(node, needed, false);
}

type WithoutBase<N> = N extends PlanNode ? Omit<N, 'id' | 'timeColumns' | 'appendOnly'> : never;

class Lowering {
  readonly #options: LoweringOptions;
  #nextId = 0;

  constructor(options: LoweringOptions) {
    this.#options = options;
  }

  lower(node: LogicalNode, needed: ReadonlySet<number>, arrival: boolean): Lowered {
    switch (node.kind) {
      case 'scan':
        return this.#scan(node, needed, arrival);
      case 'system-scan': {
        const columns = sorted(needed);
        const schema = columns.map((c) => fieldOf(node, c));
        return this.#finish(
          node,
          { kind: 'system-scan', view: node.view, columns, schema },
          placesOf(columns),
          null,
        );
      }
      case 'values': {
        const columns = sorted(needed);
        const rows = node.rows.map((row) => columns.map((c) => row[c] as Expression));
        const schema = columns.map((c) => fieldOf(node, c));
        return this.#finish(node, { kind: 'values', rows, schema }, placesOf(columns), null);
      }
      case 'filter': {
        const input = this.lower(node.input, union(needed, columnsOf(node.predicate)), arrival);
        const predicate = move(node.predicate, input.at);
        return this.#finish(
          node,
          { kind: 'filter', input: input.node, predicate, schema: input.node.schema },
          input.at,
          input.arrival,
        );
      }
      case 'project':
        return this.#project(node, needed, arrival);
      case 'window':
        return this.#window(node, needed, arrival);
      case 'windowed-reduce':
      case 'reduce':
        return this.#reduce(node, needed);
      case 'top-n':
        return this.#top(node, needed, arrival);
      case 'union-all':
        return this.#union(node, needed, arrival);
      case 'table-join':
        return this.#join(node, needed, arrival);
      default:
        return unreachable(node);
    }
  }

  /** Identity and properties; `at` says where the logical columns are. */
  #finish(
    logical: LogicalNode,
    node: WithoutBase<PlanNode>,
    at: ReadonlyMap<number, number>,
    arrival: number | null,
  ): Lowered {
    const { times, appendOnly } = propertiesOf(logical, this.#options.mode);
    const timeColumns = [...new Set([...times.keys()].flatMap((t) => at.get(t) ?? []))].sort((a, b) => a - b);
    const complete = { id: this.#nextId++, ...node, timeColumns, appendOnly } as PlanNode;
    return { node: complete, at, arrival };
  }

  #scan(
    node: Extract<LogicalNode, { kind: 'scan' }>,
    needed: ReadonlySet<number>,
    wantsArrival: boolean,
  ): Lowered {
    const width = node.relation.columns.length;
    const isStream = node.relation.kind === 'stream';
    const ordinals = sorted(needed);
    if (isStream && wantsArrival && !ordinals.includes(width + 1)) ordinals.push(width + 1);
    const columns = ordinals.map((c) => (c < width ? c : c === width ? ARRIVED_AT : ARRIVAL));
    const schema = ordinals.map((c) => (c > width ? HIDDEN_ARRIVAL : fieldOf(node, c)));
    const at = placesOf(ordinals);
    const arrival = isStream && wantsArrival ? (at.get(width + 1) ?? null) : null;
    return this.#finish(node, { kind: 'scan', relation: node.relation.oid, columns, schema }, at, arrival);
  }

  /** Plain columns are only remembered; computed ones make a node. */
  #project(
    node: Extract<LogicalNode, { kind: 'project' }>,
    needed: ReadonlySet<number>,
    wantsArrival: boolean,
  ): Lowered {
    const ordinals = sorted(needed);
    const expressions = ordinals.map((o) => node.expressions[o] as Expression);
    const input = this.lower(node.input, columnsOf(...expressions), wantsArrival);
    if (expressions.every((e) => e.kind === 'column')) {
      const at = new Map(ordinals.map((o, i) => [o, placeOf(input.at, expressions[i] as Expression)]));
      // The properties of the project are those of its columns.
      return { node: input.node, at, arrival: input.arrival };
    }
    const moved = expressions.map((e) => move(e, input.at));
    const built = this.#computed(
      input,
      moved,
      ordinals.map((o) => fieldOf(node, o).name),
      input.arrival,
    );
    return this.#finish(node, built.node, new Map(ordinals.map((o, i) => [o, i])), built.arrival);
  }

  /** A project over physical ordinals; columns that pass keep their names. */
  #computed(
    input: Lowered,
    expressions: readonly Expression[],
    names: readonly string[],
    arrival: number | null,
  ) {
    const all = [...expressions];
    if (arrival !== null) all.push({ kind: 'column', index: arrival, type: { name: 'int8' } });
    const schema: Field[] = all.map((e, i) => ({
      name: e.kind === 'column' ? (input.node.schema[e.index]?.name ?? '') : (names[i] ?? ''),
      type: e.type,
    }));
    const node: WithoutBase<PlanNode> = { kind: 'project', input: input.node, expressions: all, schema };
    return { node, arrival: arrival === null ? null : all.length - 1 };
  }

  #window(
    node: Extract<LogicalNode, { kind: 'window' }>,
    needed: ReadonlySet<number>,
    arrival: boolean,
  ): Lowered {
    const width = node.input.schema.length;
    const below = new Set([...needed].filter((c) => c < width));
    below.add(node.time);
    const input = this.lower(node.input, below, arrival);
    const physical = input.node.schema.length;
    const at = new Map(input.at);
    at.set(width, physical);
    at.set(width + 1, physical + 1);
    const schema = [...input.node.schema, fieldOf(node, width), fieldOf(node, width + 1)];
    const time = input.at.get(node.time) ?? -1;
    return this.#finish(
      node,
      { kind: 'window', input: input.node, window: node.window, time, schema },
      at,
      input.arrival,
    );
  }

  #reduce(
    node: Extract<LogicalNode, { kind: 'windowed-reduce' | 'reduce' }>,
    needed: ReadonlySet<number>,
  ): Lowered {
    const windowed = node.kind === 'windowed-reduce';
    const first = node.keys.length + (windowed ? 2 : 0);
    // Keys make the groups; aggregates that nobody reads are left out.
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
    const input = this.#columnsFor(node.input, values, wantsArrival);
    const aggregates = calls.map(({ aggregate, args, filter }) =>
      aggregateCall(
        aggregate,
        args.map((a) => input.places[a] ?? -1),
        filter === null ? null : (input.places[filter] ?? -1),
        input.arrival,
      ),
    );
    const physicalKeys = keys.map((k) => input.places[k] ?? -1);
    const bounds = windowed ? this.#bounds(node, needed) : [];
    const ordinals = [
      ...node.keys.map((_, i) => i),
      ...bounds.map((bound) => node.keys.length + WINDOW_BOUNDS.indexOf(bound)),
      ...kept.map(({ ordinal }) => ordinal),
    ];
    const at = placesOf(ordinals);
    const outputs = ordinals.map((o) => fieldOf(node, o));
    const common = { input: input.node, keys: physicalKeys, aggregates, schema: outputs };
    if (node.kind === 'reduce') return this.#finish(node, { kind: 'reduce', ...common }, at, null);
    const { mode, late, partial } = this.#options;
    const emit = mode === 'close' ? 'close' : 'changes';
    return this.#finish(
      node,
      {
        kind: 'windowed-reduce',
        ...common,
        window: node.window,
        time: input.places[time] ?? -1,
        bounds,
        emit,
        late,
        partial,
      },
      at,
      null,
    );
  }

  /** Bounds that someone reads, and those by which the operator tells its rows apart. */
  #bounds(
    node: Extract<LogicalNode, { kind: 'windowed-reduce' }>,
    needed: ReadonlySet<number>,
  ): readonly WindowBound[] {
    return WINDOW_BOUNDS.filter(
      (bound, i) =>
        needed.has(node.keys.length + i) ||
        node.window.kind === 'session' ||
        (bound === 'window_end' && this.#options.mode === 'changes'),
    );
  }

  /** The input with these expressions among its columns; `places` says where. */
  #columnsFor(logical: LogicalNode, values: readonly Expression[], wantsArrival: boolean) {
    const input = this.lower(logical, columnsOf(...values), wantsArrival);
    if (values.every((v) => v.kind === 'column')) {
      return { node: input.node, places: values.map((v) => placeOf(input.at, v)), arrival: input.arrival };
    }
    const moved = values.map((v) => move(v, input.at));
    const built = this.#computed(
      input,
      moved,
      values.map((_, i) => `column${i + 1}`),
      input.arrival,
    );
    const { times, appendOnly } = { times: input.node.timeColumns, appendOnly: input.node.appendOnly };
    const timeColumns = moved.flatMap((e, i) => (times.includes(timeSource(e) ?? -1) ? [i] : []));
    const node = { id: this.#nextId++, ...built.node, timeColumns, appendOnly } as PlanNode;
    return { node, places: values.map((_, i) => i), arrival: built.arrival };
  }

  #top(
    node: Extract<LogicalNode, { kind: 'top-n' }>,
    needed: ReadonlySet<number>,
    arrival: boolean,
  ): Lowered {
    const width = node.input.schema.length;
    const below = new Set([...needed].filter((c) => c < width));
    for (const c of [...node.partition, ...node.order.map((o) => o.column)]) below.add(c);
    if (node.perWindow !== null) below.add(node.perWindow);
    const input = this.lower(node.input, below, arrival);
    const place = (c: number): number => input.at.get(c) ?? -1;
    const at = new Map(input.at);
    const schema = [...input.node.schema];
    if (node.rank) {
      at.set(width, schema.length);
      schema.push(fieldOf(node, width));
    }
    const order: SortKey[] = node.order.map((o) => ({ ...o, column: place(o.column) }));
    const { limit, offset, rank } = node;
    const perWindow = node.perWindow === null ? null : place(node.perWindow);
    return this.#finish(
      node,
      {
        kind: 'top-n',
        input: input.node,
        partition: node.partition.map(place),
        order,
        limit,
        offset,
        perWindow,
        rank,
        schema,
      },
      at,
      input.arrival,
    );
  }

  /** Every input gets the same columns in the same order. */
  #union(
    node: Extract<LogicalNode, { kind: 'union-all' }>,
    needed: ReadonlySet<number>,
    wantsArrival: boolean,
  ): Lowered {
    const ordinals = sorted(needed);
    const lowered = node.inputs.map((i) => this.lower(i, needed, wantsArrival));
    const arrival = wantsArrival && lowered.every((l) => l.arrival !== null);
    const inputs = lowered.map((input, i) => {
      const columns = ordinals.map(
        (o): Expression => ({
          kind: 'column',
          index: input.at.get(o) ?? -1,
          type: fieldOf(node.inputs[i] as LogicalNode, o).type,
        }),
      );
      const width = columns.length + (arrival ? 1 : 0);
      const isIdentity =
        input.node.schema.length === width && columns.every((c, k) => c.kind === 'column' && c.index === k);
      if (isIdentity) return input.node;
      const built = this.#computed(input, columns, [], arrival ? input.arrival : null);
      const timeColumns = columns.flatMap((c, k) =>
        c.kind === 'column' && input.node.timeColumns.includes(c.index) ? [k] : [],
      );
      return {
        id: this.#nextId++,
        ...built.node,
        timeColumns,
        appendOnly: input.node.appendOnly,
      } as PlanNode;
    });
    const schema = [...ordinals.map((o) => fieldOf(node, o)), ...(arrival ? [HIDDEN_ARRIVAL] : [])];
    return this.#finish(
      node,
      { kind: 'union-all', inputs, schema },
      placesOf(ordinals),
      arrival ? ordinals.length : null,
    );
  }

  #join(
    node: Extract<LogicalNode, { kind: 'table-join' }>,
    needed: ReadonlySet<number>,
    wantsArrival: boolean,
  ): Lowered {
    const width = node.input.schema.length;
    const { keys, rest } = splitJoin(node.condition, width);
    const used = union(needed, rest === null ? new Set() : columnsOf(rest));
    const leftNeeded = union(
      new Set([...used].filter((c) => c < width)),
      columnsOf(...keys.map((k) => k.left)),
    );
    const rightUsed = new Set([...used].filter((c) => c >= width).map((c) => c - width));
    const rightNeeded = union(rightUsed, columnsOf(...keys.map((k) => k.right)));
    const left = this.#withValues(
      this.lower(node.input, leftNeeded, wantsArrival),
      keys.map((k) => k.left),
    );
    const right = this.#withValues(
      this.lower(node.table, rightNeeded, false),
      keys.map((k) => k.right),
    );
    const leftWidth = left.node.schema.length;
    const at = new Map(left.at);
    for (const [logical, physical] of right.at) at.set(logical + width, physical + leftWidth);
    const schema = [...left.node.schema, ...right.node.schema];
    return this.#finish(
      node,
      {
        kind: 'table-join',
        input: left.node,
        table: right.node,
        join: node.join,
        inputKeys: left.places,
        tableKeys: right.places,
        condition: rest === null ? null : move(rest, at),
        schema,
      },
      at,
      left.arrival,
    );
  }

  /** The node, with computed keys appended where they are no plain columns. */
  #withValues(input: Lowered, values: readonly Expression[]) {
    if (values.every((v) => v.kind === 'column'))
      return { ...input, places: values.map((v) => placeOf(input.at, v)) };
    const width = input.node.schema.length;
    const passed = input.node.schema.map((f, index): Expression => ({ kind: 'column', index, type: f.type }));
    const extra = values.map((v) => move(v, input.at));
    const built = this.#computed(
      input,
      [...passed, ...extra],
      [...passed, ...extra].map((_, i) => `key${i}`),
      null,
    );
    const { timeColumns, appendOnly } = input.node;
    const node = { id: this.#nextId++, ...built.node, timeColumns, appendOnly } as PlanNode;
    return { node, at: input.at, arrival: input.arrival, places: values.map((_, i) => width + i) };
  }
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

function timeColumn(node: Extract<LogicalNode, { kind: 'windowed-reduce' }>): Expression {
  const field = node.input.schema[node.time];
  assert(field !== undefined, 'a window has a time column');
  return { kind: 'column', index: node.time, type: field.type };
}
