/**
 * A query's operators in topological order, and one step of all of them per tick. Built from the plan; the same plan
 * runs continuously (a step a tick) or once (finite: steps over slices of what is there, then one with `ended`).
 */
import { assert, unreachable } from '../../common/assert.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { Filter } from '../dstream/filter.ts';
import { isStateful, type Delta, type DStream, type QueryContext, type Tick } from '../dstream/dstream.ts';
import { Project } from '../dstream/project.ts';
import { Reduce } from '../dstream/reduce.ts';
import { Scan } from '../dstream/scan.ts';
import { SessionReduce } from '../dstream/session-reduce.ts';
import { TableJoin } from '../dstream/table-join.ts';
import { TopN } from '../dstream/top-n.ts';
import { UnionAll } from '../dstream/union-all.ts';
import { Values } from '../dstream/values.ts';
import { WindowExpand } from '../dstream/window-expand.ts';
import { WindowedReduce } from '../dstream/windowed-reduce.ts';
import { compileExpressions, compilePredicate, type ExpressionOptions } from '../expression/compile.ts';
import type { OperatorStatistics } from '../engine-client.ts';
import type { PlanNode } from '../plan/query-plan.ts';
import type { GroupSharing } from '../state/shared-groups.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';

export type PipelineOptions = Readonly<{
  finite: boolean;
  compile: ExpressionOptions;
  context: QueryContext;
  /** continuous queries number the groups of equal inputs together */
  sharing?: GroupSharing;
}>;

type Stage = {
  readonly operator: DStream;
  readonly inputs: readonly number[];
  readonly node: PlanNode;
  rowsIn: number;
  rowsOut: number;
  busyMicros: number;
};

export class Pipeline {
  readonly scans: readonly Scan[];
  readonly schema: Schema;
  readonly #stages: readonly Stage[];
  #deltas: Delta[];

  constructor(root: PlanNode, options: PipelineOptions) {
    const stages: Stage[] = [];
    build(root, options, stages);
    this.#stages = stages;
    this.scans = stages.flatMap((s) => (s.operator instanceof Scan ? [s.operator] : []));
    this.schema = root.schema;
    this.#deltas = new Array<Delta>(stages.length);
  }

  get timeColumns(): readonly number[] {
    return this.#stages.at(-1)!.operator.timeColumns;
  }

  /** One step of every operator. The scans were fed before. */
  step(tick: Tick): Delta {
    const deltas = this.#deltas;
    for (let s = 0; s < this.#stages.length; s++) {
      const stage = this.#stages[s]!;
      const started = performance.now();
      const inputs = stage.inputs.map((i) => deltas[i]!);
      const out = stage.operator.step(tick, inputs);
      deltas[s] = out;
      stage.busyMicros += (performance.now() - started) * 1000;
      for (const input of inputs) stage.rowsIn += rowsOf(input.batches);
      stage.rowsOut += rowsOf(out.batches);
    }
    const more = deltas.some((d) => d.more === true);
    const result = more ? { ...deltas.at(-1)!, ended: false, more } : deltas.at(-1)!;
    // between ticks the edges are empty (I5)
    this.#deltas = new Array<Delta>(this.#stages.length);
    return result;
  }

  memoryBytes(): number {
    return this.#stages.reduce(
      (sum, { operator }) => sum + (isStateful(operator) ? operator.memoryBytes() : 0),
      0,
    );
  }

  statistics(): OperatorStatistics[] {
    return this.#stages.map(({ operator, node, rowsIn, rowsOut, busyMicros }) => ({
      id: node.id,
      operator: node.kind,
      rowsIn: operator instanceof Scan ? rowsOut : rowsIn,
      rowsOut,
      busyMicros: Math.round(busyMicros),
      memoryBytes: isStateful(operator) ? operator.memoryBytes() : 0,
    }));
  }

  follow(): void {
    for (const { operator } of this.#stages) operator.follow?.();
  }

  close(): void {
    for (const { operator } of this.#stages) operator.close?.();
  }

  save(w: StateWriter): void {
    for (const { operator } of this.#stages) if (isStateful(operator)) operator.save(w);
  }

  load(r: StateReader): void {
    for (const { operator } of this.#stages) if (isStateful(operator)) operator.load(r);
  }
}

const rowsOf = (batches: readonly Batch[]): number => batches.reduce((sum, b) => sum + b.rows, 0);

/** Appends the node's stages after its inputs'; returns its index. */
function build(node: PlanNode, options: PipelineOptions, stages: Stage[]): number {
  const add = (operator: DStream, inputs: readonly number[]): number =>
    stages.push({ operator, inputs, node, rowsIn: 0, rowsOut: 0, busyMicros: 0 }) - 1;
  const input = (child: PlanNode): { at: number; operator: DStream } => {
    const at = build(child, options, stages);
    return { at, operator: stages[at]!.operator };
  };
  const { compile, context, finite } = options;
  switch (node.kind) {
    case 'scan':
      return add(new Scan(node), []);
    case 'system-scan':
      return add(new Scan({ ...node, kind: 'scan', relation: 0 }), []);
    case 'values':
      return add(new Values(node, compile), []);
    case 'filter': {
      const { at, operator } = input(node.input);
      return add(new Filter(operator, compilePredicate(node.predicate, compile), context), [at]);
    }
    case 'project': {
      const { at, operator } = input(node.input);
      return add(new Project(operator, node, compileExpressions(node.expressions, compile), context), [at]);
    }
    case 'window': {
      const { at, operator } = input(node.input);
      return add(new WindowExpand(operator, { ...node, late: null, partial: null }, context), [at]);
    }
    case 'windowed-reduce': {
      const { at, operator } = input(node.input);
      if (node.window.kind === 'session')
        return add(new SessionReduce(operator, node, finite, context), [at]);
      if (finite || node.emit === 'close') {
        return add(new WindowedReduce(operator, node, context, options.sharing ?? null), [at]);
      }
      return buildWindowedChanges(node, at, operator, options, stages);
    }
    case 'reduce': {
      const { at, operator } = input(node.input);
      const { schema, keys, aggregates, timeColumns } = node;
      const retracts = !finite && !node.input.appendOnly;
      const emit = finite ? 'end' : 'changes';
      return add(
        new Reduce(
          operator,
          { schema, keys, aggregates, timeColumns, retracts, emit, expiry: null },
          context,
        ),
        [at],
      );
    }
    case 'top-n': {
      const { at, operator } = input(node.input);
      return add(new TopN(operator, node, finite), [at]);
    }
    case 'union-all': {
      const inputs = node.inputs.map(input);
      const union = new UnionAll(
        inputs.map((i) => i.operator),
        node.schema,
        node.timeColumns,
      );
      return add(
        union,
        inputs.map((i) => i.at),
      );
    }
    case 'table-join': {
      const left = input(node.input);
      const right = input(node.table);
      const condition = node.condition === null ? null : compilePredicate(node.condition, compile);
      return add(new TableJoin(left.operator, right.operator, node, condition, context), [left.at, right.at]);
    }
    default:
      return unreachable(node);
  }
}

/** EMIT CHANGES over windows: each row once per open window, then a reduce that forgets closed windows. */
function buildWindowedChanges(
  node: PlanNode & { kind: 'windowed-reduce' },
  at: number,
  operator: DStream,
  options: PipelineOptions,
  stages: Stage[],
): number {
  const { context } = options;
  const width = node.input.schema.length;
  assert(node.bounds.includes('window_end'), 'windows are told apart by their end');
  const { type } = node.schema[node.keys.length]!;
  const bounds = (['window_start', 'window_end'] as const).map((name) => ({ name, type }));
  const expand = new WindowExpand(
    operator,
    {
      window: node.window,
      time: node.time,
      schema: [...node.input.schema, ...bounds],
      timeColumns: [width, width + 1],
      late: node.late,
      partial: node.partial,
    },
    context,
  );
  const expanded =
    stages.push({ operator: expand, inputs: [at], node, rowsIn: 0, rowsOut: 0, busyMicros: 0 }) - 1;
  const reduce = new Reduce(
    expand,
    {
      schema: node.schema,
      keys: [...node.keys, ...node.bounds.map((bound) => (bound === 'window_start' ? width : width + 1))],
      aggregates: node.aggregates,
      retracts: !node.input.appendOnly,
      emit: 'changes',
      expiry: {
        column: width + 1,
        latenessMicros: node.late.kind === 'correct' ? node.late.latenessMicros : 0,
      },
      timeColumns: node.timeColumns,
    },
    context,
  );
  return (
    stages.push({ operator: reduce, inputs: [expanded], node, rowsIn: 0, rowsOut: 0, busyMicros: 0 }) - 1
  );
}
