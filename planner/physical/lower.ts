/**
 * Logical tree to physical nodes: only columns that someone needs are read, projects of plain columns vanish (the
 * places of columns are remembered instead), keys and arguments of aggregates become columns.
 */
import { unreachable } from '../../common/assert.ts';
import type { Field } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { ARRIVAL, ARRIVED_AT, type PlanNode, type SortKey } from '../../runtime/plan/query-plan.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import { propertiesOf } from '../logical/properties.ts';
import { columnsOf, fieldOf, move, placeOf, placesOf, sorted, union } from './column-places.ts';
import { lowerJoin } from './lower-join.ts';
import { lowerReduce } from './lower-reduce.ts';
import {
  type Lowered,
  type Lowering,
  type LoweringOptions,
  type NodeBody,
  projectOver,
  timesAmong,
} from './lowering.ts';

/** The arrival number that order-sensitive aggregates follow: no column of the user's has an empty name. */
const HIDDEN_ARRIVAL: Field = { name: '', type: { name: 'int8' } };

export function lower(node: LogicalNode, needed: ReadonlySet<number>, options: LoweringOptions): Lowered {
  return new TreeLowering(options).lower(node, needed, false);
}

class TreeLowering implements Lowering {
  readonly options: LoweringOptions;
  #nextId = 0;

  constructor(options: LoweringOptions) {
    this.options = options;
  }

  lower(node: LogicalNode, needed: ReadonlySet<number>, arrival: boolean): Lowered {
    switch (node.kind) {
      case 'scan':
        return this.#scan(node, needed, arrival);
      case 'system-scan': {
        const columns = sorted(needed);
        const schema = columns.map((c) => fieldOf(node, c));
        return this.finish(
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
        return this.finish(node, { kind: 'values', rows, schema }, placesOf(columns), null);
      }
      case 'filter': {
        const input = this.lower(node.input, union(needed, columnsOf(node.predicate)), arrival);
        const predicate = move(node.predicate, input.at);
        return this.finish(
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
        return lowerReduce(this, node, needed);
      case 'top-n':
        return this.#top(node, needed, arrival);
      case 'union-all':
        return this.#union(node, needed, arrival);
      case 'table-join':
        return lowerJoin(this, node, needed, arrival);
      default:
        return unreachable(node);
    }
  }

  finish(
    logical: LogicalNode,
    body: NodeBody,
    at: ReadonlyMap<number, number>,
    arrival: number | null,
  ): Lowered {
    const { times, appendOnly } = propertiesOf(logical, this.options.mode);
    const timeColumns = [...new Set([...times.keys()].flatMap((t) => at.get(t) ?? []))].sort((a, b) => a - b);
    return { node: this.identify({ ...body, timeColumns, appendOnly }), at, arrival };
  }

  identify(node: Omit<PlanNode, 'id'>): PlanNode {
    return { id: this.#nextId++, ...node } as PlanNode;
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
    return this.finish(node, { kind: 'scan', relation: node.relation.oid, columns, schema }, at, arrival);
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
    const names = ordinals.map((o) => fieldOf(node, o).name);
    const { body, arrival } = projectOver(input, moved, names, input.arrival);
    return this.finish(node, body, placesOf(ordinals), arrival);
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
    return this.finish(
      node,
      { kind: 'window', input: input.node, window: node.window, time, schema },
      at,
      input.arrival,
    );
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
    return this.finish(
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
      const { body } = projectOver(input, columns, [], arrival ? input.arrival : null);
      const timeColumns = timesAmong(columns, input.node);
      return this.identify({ ...body, timeColumns, appendOnly: input.node.appendOnly });
    });
    const schema = [...ordinals.map((o) => fieldOf(node, o)), ...(arrival ? [HIDDEN_ARRIVAL] : [])];
    return this.finish(
      node,
      { kind: 'union-all', inputs, schema },
      placesOf(ordinals),
      arrival ? ordinals.length : null,
    );
  }
}
