/**
 * A finite query: the same operators, run once over what is there. It works in slices between ticks over parts that
 * later ticks do not touch, waits while its reader is behind, and stops when cancelled.
 */
import { SqlError } from '../../../common/sql-error.ts';
import { SLICE_MS, SUBQUERY_ROWS_MAX } from '../../../common/limits.ts';
import type { Schema, SqlType } from '../../../common/types.ts';
import { type Batch, BATCH_ROWS_MAX } from '../../batch/column.ts';
import { rowComparator } from '../../batch/compare-rows.ts';
import { batchBytes, compactBatch, concatBatches } from '../../batch/concat.ts';
import { readDatum } from '../../batch/datum.ts';
import { gatherBatch } from '../../batch/gather.ts';
import { smallestRows } from '../../batch/smallest-rows.ts';
import type { QueryContext, Tick } from '../../dstream/dstream.ts';
import type { Scan } from '../../dstream/scan.ts';
import { type KeyConstants, keyConstants } from '../../plan/key-constants.ts';
import { walkPlan } from '../../plan/plan-nodes.ts';
import type { PlanNode, QueryPlan } from '../../plan/query-plan.ts';
import { type WindowRead, windowReads } from '../../plan/window-reads.ts';
import type { RelationDelta } from '../../source/admitted.ts';
import { Pipeline } from '../pipeline.ts';

/** Rows, or small portions, between two looks at what the query holds. */
const LOOK_AT_MEMORY_ROWS = BATCH_ROWS_MAX;
const LOOK_AT_MEMORY_PORTIONS = 16;
/** Rows of the first portion, and at the least: what is costly shows soon. */
const PORTION_ROWS_MIN = 64;
/** Nobody waits for a slice to end: batches are taken as they are. */
const WHOLE = Number.POSITIVE_INFINITY;

export type FiniteInput = Readonly<{
  parts: Iterator<RelationDelta>;
  /** The parts that count once the sub-queries' values are known; null: all. */
  narrow?: (subqueryValues: readonly unknown[]) => Iterator<RelationDelta> | null;
}>;

/** What the plan asks of a scan: columns that filters hold to constants, and windows. */
export type ScanNeeds = Readonly<{ constants: KeyConstants | null; windows: WindowRead | null }>;

export type FiniteRunOptions = Readonly<{
  plan: QueryPlan;
  tick: Tick;
  now: number;
  inputOf: (scan: Pick<Scan, 'node'>, needs: ScanNeeds) => FiniteInput;
  /** 53200 where the query may not hold so many bytes */
  requireRoom?: (bytes: number) => void;
  /** what becomes of rows that fail; without it they end the query */
  context?: QueryContext;
}>;

export const NO_NEEDS: ScanNeeds = { constants: null, windows: null };

const FAILS: QueryContext = {
  reject: (error) => {
    throw error;
  },
  late: () => undefined,
  notice: () => undefined,
};

export class FiniteRun {
  readonly plan: QueryPlan;
  readonly #options: FiniteRunOptions;
  #pipeline: Pipeline | null = null;
  #inputs: { scan: Scan; input: FiniteInput }[] = [];
  /** of the part that was read last: what was not worked on yet */
  #rest: RelationDelta['parts'] = [];
  /** rows of the first of them that were taken */
  #restFrom = 0;
  #portion = PORTION_ROWS_MIN;
  #portions = 0;
  #rowsSinceLook = 0;
  #rowBytes = 0;
  #subqueryRuns: FiniteRun[];
  /** by the id of the scan */
  readonly #captured: ReadonlyMap<number, FiniteInput>;
  #subqueryRows: Batch[] = [];
  #subqueryValues: unknown[] = [];
  #rows: Batch[] = [];
  #sent = 0;
  #done = false;
  #more = false;
  #endSent = false;

  constructor(options: FiniteRunOptions) {
    this.plan = options.plan;
    this.#options = options;
    this.#subqueryRuns = options.plan.subqueries.map((plan) => new FiniteRun({ ...options, plan }));
    // what is read is that of one moment, also where ticks come before it is asked for
    this.#captured = scannedInputs(options);
    if (this.#subqueryRuns.length === 0) this.#build();
  }

  get done(): boolean {
    return this.#done;
  }

  /** By number, once they were computed: for expressions beside the plan. */
  get subqueryValues(): readonly unknown[] {
    return this.#subqueryValues;
  }

  /** Works for one part of the input; gives rows that are ready (visible columns). Throws SqlError. */
  advance(): Batch[] {
    if (this.#pipeline === null) {
      this.#advanceSubqueries();
      return [];
    }
    if (this.#more) return this.#take(this.#step());
    const next = this.#inputs[0];
    if (next === undefined) return this.#finish();
    if (this.#rest.length === 0) {
      const part = next.input.parts.next();
      if (part.done) {
        this.#inputs.shift();
        // what is read to its end may answer: the table side of a join is whole before the first row of the other comes
        next.scan.feed({ parts: [], watermarks: new Map(), ended: true });
        return this.#take(this.#step());
      }
      this.#rest = part.value.parts;
    }
    // watermarks stay at −∞ until the end: every window is open
    const parts = this.#nextPortion();
    for (const { batch } of parts) this.#rowsSinceLook += batch.rows;
    next.scan.feed({ parts, watermarks: new Map(), ended: false });
    const started = performance.now();
    const batches = this.#step();
    this.#adapt(performance.now() - started);
    const out = this.#take(batches);
    if (++this.#portions % LOOK_AT_MEMORY_PORTIONS === 0 || this.#rowsSinceLook >= LOOK_AT_MEMORY_ROWS) {
      this.#rowsSinceLook = 0;
      this.#options.requireRoom?.(this.memoryBytes());
    }
    return out;
  }

  /** Groups, windows, tables of joins, and rows kept for ORDER BY. */
  memoryBytes(): number {
    return (this.#pipeline?.memoryBytes() ?? 0) + this.#rowBytes;
  }

  /** So many rows as the last ones let expect to fit into a slice. How the rows are cut does not show in the answer. */
  #nextPortion(): RelationDelta['parts'] {
    const [first, ...others] = this.#rest;
    if (first === undefined) return [];
    const { batch, firstArrival } = first;
    const from = this.#restFrom;
    const to = Math.min(batch.rows, from + this.#portion);
    const isLast = to === batch.rows;
    if (isLast) this.#rest = others;
    this.#restFrom = isLast ? 0 : to;
    if (isLast && from === 0) return [first];
    const arrival = firstArrival < 0 ? firstArrival : firstArrival + from;
    return [{ ...first, batch: slice(batch, from, to), firstArrival: arrival }];
  }

  #adapt(tookMs: number): void {
    if (this.#portion === WHOLE) return;
    if (tookMs > SLICE_MS) this.#portion = Math.max(PORTION_ROWS_MIN, this.#portion >> 2);
    else if (tookMs < SLICE_MS / 4) this.#portion = Math.min(BATCH_ROWS_MAX, this.#portion * 2);
  }

  /** All rows at once, for small internal queries (INSERT … SELECT). */
  collect(): Batch[] {
    const out: Batch[] = [];
    for (const run of [this, ...this.#subqueryRuns]) run.#portion = WHOLE;
    while (!this.#done) out.push(...this.advance().map((b) => compactBatch(this.plan.columns, b)));
    return out;
  }

  #build(): void {
    const { plan, now } = this.#options;
    const compile = { now: () => now, timeZone: plan.timeZone, subqueryValues: this.#subqueryValues };
    const context = this.#options.context ?? FAILS;
    const pipeline = new Pipeline(plan.root, { finite: true, compile, context });
    const order = readingOrder(plan.root);
    this.#inputs = pipeline.scans
      .map((scan) => ({ scan, input: this.#inputOf(scan) }))
      .sort((a, b) => order.indexOf(a.scan.node.id) - order.indexOf(b.scan.node.id));
    this.#pipeline = pipeline;
  }

  #inputOf(scan: Scan): FiniteInput {
    const input = this.#captured.get(scan.node.id)!;
    const parts = input.narrow?.(this.#subqueryValues) ?? input.parts;
    return { parts };
  }

  /** One that fails is kept as its error: it counts where a row asks for its value, as in PostgreSQL. */
  #advanceSubqueries(): void {
    const run = this.#subqueryRuns[this.#subqueryValues.length];
    if (run === undefined) {
      this.#build();
      return;
    }
    try {
      for (const batch of run.advance())
        if (batch.rows > 0) this.#subqueryRows.push(compactBatch(run.plan.columns, batch));
      if (!run.done) return;
      this.#subqueryValues.push(valueOfRows(run.plan, this.#subqueryRows));
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      this.#subqueryValues.push(error);
    }
    this.#subqueryRows = [];
  }

  #finish(): Batch[] {
    if (this.#endSent) {
      this.#done = true;
      return this.#sorted();
    }
    this.#endSent = true;
    for (const scan of this.#pipeline!.scans) scan.feed({ parts: [], watermarks: new Map(), ended: true });
    return this.#take(this.#step());
  }

  #step(): readonly Batch[] {
    const delta = this.#pipeline!.step(this.#options.tick);
    this.#more = delta.more === true;
    return delta.batches;
  }

  /** Rows of the root: sent on, or kept for the order. */
  #take(batches: readonly Batch[]): Batch[] {
    const { order, limit, offset } = this.plan;
    if (order.length > 0) {
      for (const batch of batches) {
        if (batch.rows === 0) continue;
        const kept = compactBatch(this.plan.root.schema, batch);
        this.#rows.push(kept);
        this.#rowBytes += batchBytes(kept);
      }
      return [];
    }
    const out: Batch[] = [];
    for (const batch of batches) {
      const from = Math.max(0, Math.min(batch.rows, offset - this.#sent));
      const to =
        limit === null ? batch.rows : Math.max(from, Math.min(batch.rows, offset + limit - this.#sent));
      this.#sent += batch.rows;
      if (to > from)
        out.push(this.#visible(from === 0 && to === batch.rows ? batch : slice(batch, from, to)));
    }
    if (limit !== null && this.#sent >= offset + limit) this.#done = true;
    return out;
  }

  #sorted(): Batch[] {
    const { order, limit, offset } = this.plan;
    if (order.length === 0) return [];
    const schema: Schema = this.plan.root.schema;
    const all = concatBatches(schema, this.#rows);
    this.#rows = [];
    const compare = rowComparator(schema, all, order, false);
    // equal keys keep their order of arrival
    const stable = (a: number, b: number): number => compare(a, b) || a - b;
    const sorted = smallestRows(all, null, order, limit === null ? all.rows : offset + limit, stable);
    const chosen = sorted.slice(offset);
    const out: Batch[] = [];
    for (let at = 0; at < chosen.length; at += 4096) {
      const part = chosen.slice(at, at + 4096);
      out.push(this.#visible(gatherBatch(all, part, part.length)));
    }
    return out;
  }

  #visible(batch: Batch): Batch {
    return { rows: batch.rows, columns: this.plan.output.map((o) => batch.columns[o]!), weights: null };
  }
}

/** The one value of a sub-query, or all of them (`manyRows`). */
function valueOfRows({ columns, manyRows }: QueryPlan, rows: readonly Batch[]): unknown {
  const { type } = columns[0]!;
  const total = rows.reduce((sum, b) => sum + b.rows, 0);
  if (manyRows === true) return valuesOf(rows, total, type);
  if (total > 1)
    throw new SqlError('21000', 'more than one row returned by a subquery used as an expression');
  return total === 0 ? null : readDatum(rows[0]!.columns[0]!, 0, type);
}

function scannedInputs({ plan, inputOf }: FiniteRunOptions): ReadonlyMap<number, FiniteInput> {
  const constants = keyConstants(plan.root);
  const windows = windowReads(plan.root);
  const inputs = new Map<number, FiniteInput>();
  walkPlan(plan.root, (node) => {
    if (node.kind === 'scan') inputs.set(node.id, inputOf({ node }, needsOf(node)));
    if (node.kind !== 'system-scan') return;
    inputs.set(node.id, inputOf({ node: { ...node, kind: 'scan', relation: 0 } }, NO_NEEDS));
  });
  return inputs;

  function needsOf(node: PlanNode): ScanNeeds {
    return { constants: constants.get(node) ?? null, windows: windows.get(node) ?? null };
  }
}

/** All values of a sub-query's only column: 54000 where there are too many of them. */
function valuesOf(batches: readonly Batch[], total: number, type: SqlType): readonly unknown[] {
  if (total > SUBQUERY_ROWS_MAX) {
    throw new SqlError('54000', 'the sub-query of IN gives too many rows', {
      detail: `It may give ${SUBQUERY_ROWS_MAX}.`,
      hint: 'Join with the relation FOR SYSTEM_TIME AS OF PROCTIME() instead.',
    });
  }
  return batches.flatMap((batch) =>
    Array.from({ length: batch.rows }, (_, row) => readDatum(batch.columns[0]!, row, type)),
  );
}

/** Ids of the scans: the table of a join before the rows that are joined with it. */
function readingOrder(node: PlanNode): number[] {
  switch (node.kind) {
    case 'scan':
    case 'system-scan':
      return [node.id];
    case 'values':
      return [];
    case 'union-all':
      return node.inputs.flatMap(readingOrder);
    case 'table-join':
      return [...readingOrder(node.table), ...readingOrder(node.input)];
    default:
      return readingOrder(node.input);
  }
}

function slice(batch: Batch, from: number, to: number): Batch {
  const rows = new Uint32Array(to - from);
  for (let i = 0; i < rows.length; i++) rows[i] = from + i;
  return gatherBatch(batch, rows, rows.length);
}
