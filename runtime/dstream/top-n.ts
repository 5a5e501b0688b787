/**
 * The first rows of each partition in an order; without a limit, a sort. Ties are broken by the whole row, so that the
 * answer is one. Three ways to run:
 *
 *   per window   rows wait until the watermark passes their window, then the window's best leave and the rest go
 *   at the end   (finite) all rows wait for the end of the input
 *   maintained   every tick sends what entered and left the top; where rows are taken back all are kept, for any may move up
 */
import type { Schema } from '../../common/types.ts';
import type { Batch, Column } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import { rowComparator } from '../batch/compare-rows.ts';
import { compactBatch, concatBatches } from '../batch/concat.ts';
import { consolidate, consolidatePair } from '../batch/consolidate.ts';
import { gatherBatch } from '../batch/gather.ts';
import { smallestRows } from '../batch/smallest-rows.ts';
import { unweighted } from '../batch/unweighted.ts';
import { decodeBatch, encodeBatch } from '../format/batch-codec.ts';
import type { PlanNode } from '../plan/query-plan.ts';
import { GroupTable } from '../state/group-table.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Delta, DStream, StatefulDStream, Tick } from './dstream.ts';

type TopNNode = PlanNode & { kind: 'top-n' };

/** Rows held before the first look at which are needed. */
const PRUNE_ROWS_MIN = 1 << 16;

export class TopN implements StatefulDStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #node: TopNNode;
  readonly #input: DStream;
  readonly #mode: 'window' | 'end' | 'maintained';
  /** rows that wait, or that are or may come to the top (maintained) */
  #held: Batch[] = [];
  #shown: Batch[] = [];
  #answered = false;
  #heldRows = 0;
  #pruneAt = PRUNE_ROWS_MIN;

  constructor(input: DStream, node: TopNNode, finite: boolean) {
    this.schema = node.schema;
    this.#node = node;
    this.#input = input;
    this.timeColumns = node.timeColumns.filter((c) => input.timeColumns.includes(c));
    const perWindow = node.perWindow !== null && input.timeColumns.includes(node.perWindow);
    this.#mode = finite ? 'end' : perWindow ? 'window' : 'maintained';
  }

  step(_tick: Tick, [input]: readonly [Delta]): Delta {
    const out: Batch[] = [];
    const watermarks = this.timeColumns.map((c) => input.watermarks[this.#input.timeColumns.indexOf(c)]!);
    switch (this.#mode) {
      case 'end':
        for (const batch of input.batches) this.#hold(compactBatch(this.#input.schema, batch));
        if (input.ended && !this.#answered) {
          this.#answered = true;
          out.push(...this.#best(this.#takeHeld()));
        }
        break;
      case 'window':
        this.#stepWindows(input, out);
        break;
      case 'maintained':
        if (input.batches.length > 0) this.#maintain(input.batches, out);
        break;
    }
    return { batches: out, watermarks, ended: input.ended };
  }

  memoryBytes(): number {
    return this.#held.reduce((sum, b) => sum + 64 * b.rows, 0);
  }

  save(w: StateWriter): void {
    for (const [schema, list] of [
      [this.#input.schema, this.#held],
      [this.schema, this.#shown],
    ] as const) {
      w.number(list.length);
      for (const batch of list) w.array(encodeBatch(schema, batch));
    }
  }

  load(r: StateReader): void {
    this.#held = Array.from({ length: r.number() }, () =>
      decodeBatch(this.#input.schema, r.array(Uint8Array)),
    );
    this.#shown = Array.from({ length: r.number() }, () => decodeBatch(this.schema, r.array(Uint8Array)));
  }

  /** Until the end: now and then what can't be among the best any more is let go. */
  #hold(batch: Batch): void {
    this.#held.push(batch);
    this.#heldRows += batch.rows;
    if (this.#node.limit === null || this.#heldRows < this.#pruneAt) return;
    const best = this.#pruned(this.#takeHeld());
    this.#held = [best];
    this.#heldRows = best.rows;
    this.#pruneAt = Math.max(PRUNE_ROWS_MIN, 2 * best.rows);
  }

  /** The rows that are among the best of these. */
  #pruned(all: Batch): Batch {
    const chosen: number[] = [];
    for (const best of this.#bestOfEach(all)) for (let i = 0; i < best.length; i++) chosen.push(best[i]!);
    return gatherBatch(all, Uint32Array.from(chosen), chosen.length);
  }

  #takeHeld(): Batch {
    const all = concatBatches(this.#input.schema, this.#held);
    this.#held = [];
    return all;
  }

  #stepWindows(input: Delta, out: Batch[]): void {
    const column = this.#node.perWindow!;
    const watermark = input.ended
      ? Number.POSITIVE_INFINITY
      : input.watermarks[this.#input.timeColumns.indexOf(column)]!;
    // an upstream window reduce sends whole windows whose watermark has passed: no copy is kept then
    const closed: Batch[] = [];
    const waiting: Batch[] = [];
    for (const batch of [...this.#held, ...input.batches]) {
      const ends = timesOf(batch.columns[column]!, this.#input.schema[column]!.type.name === 'date');
      const split = isConstant(batch.columns[column]!, batch.rows)
        ? splitWhole(batch, ends(0), watermark)
        : splitByTime(batch, ends, watermark);
      if (split.closed !== null) closed.push(split.closed);
      if (split.open !== null) waiting.push(split.open);
    }
    this.#held = waiting.map((b) => (this.#held.includes(b) ? b : compactBatch(this.#input.schema, b)));
    if (closed.length === 0) return;
    for (const window of byWindow(closed, column)) {
      out.push(...this.#best(window.length === 1 ? window[0]! : concatBatches(this.#input.schema, window)));
    }
  }

  /** The best of each partition of one batch, in order, with their rank where asked. */
  #best(all: Batch): Batch[] {
    if (all.rows === 0) return [];
    const { offset, rank } = this.#node;
    const chosen: number[] = [];
    const ranks: number[] = [];
    for (const best of this.#bestOfEach(all)) {
      for (let i = offset; i < best.length; i++) {
        chosen.push(best[i]!);
        ranks.push(i + 1);
      }
    }
    const picked = gatherBatch(all, Uint32Array.from(chosen), chosen.length);
    if (!rank) return [picked];
    const numbers: Column = { kind: 'int64', values: Float64Array.from(ranks), wide: null, valid: null };
    return [{ ...picked, columns: [...picked.columns, numbers] }];
  }

  /** The rows of each partition up to offset + limit, in order. */
  *#bestOfEach(all: Batch): Generator<ArrayLike<number>> {
    const { partition, order, limit, offset } = this.#node;
    const compare = rowComparator(this.#input.schema, all, order, true);
    for (const rows of this.#partitions(all, partition))
      yield smallestRows(all, rows, order, limit === null ? all.rows : offset + limit, compare);
  }

  /** Rows of each partition; null: all of them are one. */
  #partitions(all: Batch, partition: readonly number[]): (Uint32Array | null)[] {
    // the rows of one window agree in its bounds: what is the same in all rows divides nothing
    const keys = partition.filter((k) => !isConstant(all.columns[k]!, all.rows));
    if (keys.length === 0) return [null];
    const table = new GroupTable(keys.map((k) => this.#input.schema[k]!.type));
    const groups = new Uint32Array(all.rows);
    table.intern(all, keys, groups);
    const rows: number[][] = Array.from({ length: table.limit }, () => []);
    for (let i = 0; i < all.rows; i++) rows[groups[i]!]!.push(i);
    return rows.map((r) => Uint32Array.from(r));
  }

  #maintain(batches: readonly Batch[], out: Batch[]): void {
    const { schema } = this.#input;
    let all: Batch;
    if (this.#node.input.appendOnly && this.#node.limit !== null) {
      // a row that is not among the best now never will be
      const candidates = unweighted(concatBatches(schema, [...this.#held, ...batches]));
      all = compactBatch(schema, this.#pruned(candidates));
      this.#held = [all];
    } else {
      this.#held = consolidate(schema, [...this.#held, ...batches.map((b) => compactBatch(schema, b))]);
      all = unweighted(concatBatches(schema, this.#held));
      this.#held = all.rows === 0 ? [] : [concatBatches(schema, this.#held)];
    }
    const fresh = this.#best(all).map((b) => compactBatch(this.schema, b));
    consolidatePair(this.schema, this.#shown, fresh, out);
    this.#shown = fresh;
  }
}

/** Every row holds the same number (columns of other layouts: not looked at). */
function isConstant(column: Column, rows: number): boolean {
  if (column.kind !== 'float64' || column.valid !== null) return false;
  if (column.constant === true) return true;
  const { values } = column;
  const first = values[0];
  for (let i = 1; i < rows; i++) if (values[i] !== first) return false;
  return true;
}

const splitWhole = (
  batch: Batch,
  end: number,
  watermark: number,
): { closed: Batch | null; open: Batch | null } =>
  end <= watermark ? { closed: batch, open: null } : { closed: null, open: batch };

function timesOf(column: Column, days: boolean): (row: number) => number {
  if (column.kind !== 'float64' && column.kind !== 'int32')
    throw new TypeError('window_end in another layout');
  const scale = days ? 86_400_000_000 : 1;
  return (row) => (isValid(column.valid, row) ? column.values[row]! * scale : Number.NEGATIVE_INFINITY);
}

function splitByTime(
  batch: Batch,
  time: (row: number) => number,
  watermark: number,
): { closed: Batch | null; open: Batch | null } {
  const closed = new Uint32Array(batch.rows);
  const open = new Uint32Array(batch.rows);
  let c = 0;
  let o = 0;
  for (let i = 0; i < batch.rows; i++) {
    if (time(i) <= watermark) closed[c++] = i;
    else open[o++] = i;
  }
  if (o === 0) return { closed: batch, open: null };
  if (c === 0) return { closed: null, open: batch };
  return { closed: gatherBatch(batch, closed, c), open: gatherBatch(batch, open, o) };
}

/** Batches of one window each (its parts stay apart), in the order of window_end. */
function byWindow(batches: readonly Batch[], column: number): Batch[][] {
  const windows = new Map<number, Batch[]>();
  const put = (end: number, batch: Batch): void => {
    const parts = windows.get(end);
    if (parts === undefined) windows.set(end, [batch]);
    else parts.push(batch);
  };
  for (const batch of batches) {
    const { values } = batch.columns[column] as { values: Float64Array | Int32Array };
    if (isConstant(batch.columns[column]!, batch.rows)) {
      put(values[0]!, batch);
      continue;
    }
    const rows = new Map<number, number[]>();
    for (let i = 0; i < batch.rows; i++) {
      const list = rows.get(values[i]!);
      if (list === undefined) rows.set(values[i]!, [i]);
      else list.push(i);
    }
    for (const [end, list] of rows) put(end, gatherBatch(batch, Uint32Array.from(list), list.length));
  }
  return [...windows].sort((a, b) => a[0] - b[0]).map(([, parts]) => parts);
}
