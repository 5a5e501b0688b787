/**
 * Each row of the left input with the matching rows of a table as of the end of the row's tick: the table's changes of
 * the tick are applied first. The output is fixed then; later changes of the table do not reach it.
 */
import type { Schema } from '../../common/types.ts';
import type { Batch, Column } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import { compactBatch, concatBatches } from '../batch/concat.ts';
import { buildColumn } from '../batch/datum.ts';
import { gatherBatch } from '../batch/gather.ts';
import { linkRows } from '../batch/origin.ts';
import { selectLeniently, type PredicateProgram } from '../expression/compile.ts';
import { decodeBatch, encodeBatch } from '../format/batch-codec.ts';
import type { PlanNode } from '../plan/query-plan.ts';
import { GroupTable } from '../state/group-table.ts';
import { NO_ID } from '../state/key-table.ts';
import { consolidate } from '../batch/consolidate.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Delta, DStream, QueryContext, StatefulDStream, Tick } from './dstream.ts';

/** Of one step: each row may match the whole table. The rest goes out with the next step of the tick. */
const PAIRS_OUT_MAX = 65_536;

/** Rows that are not joined yet, from `row` on. */
type Waiting = { readonly batch: Batch; row: number };

type JoinNode = PlanNode & { kind: 'table-join' };

export class TableJoin implements StatefulDStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #node: JoinNode;
  readonly #left: DStream;
  readonly #right: DStream;
  readonly #condition: PredicateProgram | null;
  readonly #context: QueryContext;
  /** the table's rows, each as often as its weight says, in one batch */
  #rows: Batch;
  #index: GroupTable;
  #rowsOfKey: number[][] = [];
  /** changes of the table not yet applied */
  #changes: Batch[] = [];
  readonly #waiting: Waiting[] = [];
  #sent: readonly number[] | null = null;

  constructor(
    left: DStream,
    right: DStream,
    node: JoinNode,
    condition: PredicateProgram | null,
    context: QueryContext,
  ) {
    this.schema = node.schema;
    this.#node = node;
    this.#left = left;
    this.#right = right;
    this.#condition = condition;
    this.#context = context;
    this.timeColumns = node.timeColumns.filter((c) => left.timeColumns.includes(c));
    this.#rows = concatBatches(right.schema, []);
    this.#index = this.#newIndex();
  }

  step(_tick: Tick, [left, right]: readonly [Delta, Delta]): Delta {
    for (const batch of right.batches) this.#changes.push(compactBatch(this.#right.schema, batch));
    if (left.batches.length > 0) this.#applyChanges();
    for (const batch of left.batches) this.#waiting.push({ batch, row: 0 });
    const batches: Batch[] = [];
    for (let room = PAIRS_OUT_MAX; room > 0 && this.#waiting.length > 0; ) {
      const waiting = this.#waiting[0]!;
      const from = waiting.row;
      const joined = this.#join(waiting, room);
      room -= Math.max(waiting.row - from, joined?.rows ?? 0);
      if (waiting.row >= waiting.batch.rows) this.#waiting.shift();
      if (joined !== null) batches.push(joined);
    }
    if (this.#waiting.length > 0) {
      // what was held back is not yet behind the watermark
      const watermarks = this.#sent ?? this.timeColumns.map(() => Number.NEGATIVE_INFINITY);
      return { batches, watermarks, ended: false, idle: left.idle, more: true };
    }
    this.#sent = this.timeColumns.map((c) => left.watermarks[this.#left.timeColumns.indexOf(c)]!);
    return { batches, watermarks: this.#sent, ended: left.ended, idle: left.idle };
  }

  memoryBytes(): number {
    return this.#index.memoryBytes() + 96 * this.#rows.rows;
  }

  save(w: StateWriter): void {
    this.#applyChanges();
    w.array(encodeBatch(this.#right.schema, this.#rows));
  }

  load(r: StateReader): void {
    this.#rows = decodeBatch(this.#right.schema, r.array(Uint8Array));
    this.#buildIndex();
  }

  #newIndex(): GroupTable {
    return new GroupTable(this.#node.tableKeys.map((k) => this.#right.schema[k]!.type));
  }

  #applyChanges(): void {
    if (this.#changes.length === 0) return;
    const { schema } = this.#right;
    const merged = concatBatches(schema, consolidate(schema, [this.#rows, ...this.#changes]));
    this.#changes = [];
    const rows: number[] = [];
    for (let i = 0; i < merged.rows; i++) for (let k = merged.weights?.[i] ?? 1; k > 0; k--) rows.push(i);
    this.#rows = compactBatch(schema, {
      ...gatherBatch(merged, Uint32Array.from(rows), rows.length),
      weights: null,
    });
    this.#buildIndex();
  }

  #buildIndex(): void {
    this.#index = this.#newIndex();
    const groups = new Uint32Array(this.#rows.rows);
    this.#index.intern(this.#rows, this.#node.tableKeys, groups);
    this.#rowsOfKey = Array.from({ length: this.#index.limit }, () => []);
    const keys = this.#node.tableKeys.map((k) => this.#rows.columns[k]!);
    for (let i = 0; i < groups.length; i++) {
      // NULL equals nothing
      if (keys.every((column) => isValid(column.valid, i))) this.#rowsOfKey[groups[i]!]!.push(i);
    }
  }

  /** Rows until there are `pairsMax` pairs or more; `waiting` goes on behind them. */
  #join(waiting: Waiting, pairsMax: number): Batch | null {
    const { batch, row: from } = waiting;
    const groups = new Uint32Array(batch.rows);
    this.#index.lookup(batch, this.#node.inputKeys, groups);
    const keys = this.#node.inputKeys.map((k) => batch.columns[k]!);
    const left: number[] = [];
    const right: number[] = [];
    for (; waiting.row < batch.rows && left.length < pairsMax; waiting.row++) {
      const i = waiting.row;
      if (groups[i] === NO_ID || !keys.every((column) => isValid(column.valid, i))) continue;
      for (const row of this.#rowsOfKey[groups[i]!] ?? []) {
        left.push(i);
        right.push(row);
      }
    }
    const pairs = this.#pairs(batch, left, right);
    const kept = pairs === null ? [] : this.#satisfying(pairs);
    if (this.#node.join === 'inner') {
      if (pairs === null || kept.length === 0) return null;
      if (kept.length === pairs.rows) return pairs;
      const chosen = Uint32Array.from(kept);
      return linkRows(gatherBatch(pairs, chosen, chosen.length), pairs, chosen);
    }
    return this.#withUnmatched(waiting, from, left, right, kept);
  }

  #pairs(batch: Batch, left: readonly number[], right: readonly number[]): Batch | null {
    if (left.length === 0) return null;
    return pairRows(batch, Uint32Array.from(left), this.#rows, Uint32Array.from(right));
  }

  #satisfying(pairs: Batch): number[] {
    if (this.#condition === null) return Array.from({ length: pairs.rows }, (_, i) => i);
    const selected = new Uint32Array(pairs.rows);
    const count = selectLeniently(this.#condition, pairs, selected, (row, error) =>
      this.#context.reject(error, this.schema, pairs, row),
    );
    return Array.from(selected.subarray(0, count));
  }

  /** Left join, in the order of the left rows: those without a match get NULLs. */
  #withUnmatched(
    { batch, row: to }: Waiting,
    from: number,
    left: readonly number[],
    right: readonly number[],
    kept: readonly number[],
  ): Batch | null {
    if (to === from) return null;
    const matches = new Map<number, number[]>();
    for (const pair of kept) {
      const rows = matches.get(left[pair]!);
      if (rows === undefined) matches.set(left[pair]!, [right[pair]!]);
      else rows.push(right[pair]!);
    }
    const nullRow = this.#rows.rows;
    const leftRows: number[] = [];
    const rightRows: number[] = [];
    for (let i = from; i < to; i++) {
      for (const row of matches.get(i) ?? [nullRow]) {
        leftRows.push(i);
        rightRows.push(row);
      }
    }
    const extended = concatBatches(this.#right.schema, [this.#rows, this.#nullRow()]);
    return pairRows(batch, Uint32Array.from(leftRows), extended, Uint32Array.from(rightRows));
  }

  #nullRow(): Batch {
    const columns = this.#right.schema.map((field): Column => buildColumn(field.type, [null]));
    return { rows: 1, columns, weights: null };
  }
}

/** Rows side by side; where they come from is the left input. */
function pairRows(left: Batch, leftRows: Uint32Array, right: Batch, rightRows: Uint32Array): Batch {
  const { length } = leftRows;
  const a = gatherBatch(left, leftRows, length);
  const b = gatherBatch(right, rightRows, length);
  return linkRows(
    { rows: length, columns: [...a.columns, ...b.columns], weights: a.weights },
    left,
    leftRows,
  );
}
