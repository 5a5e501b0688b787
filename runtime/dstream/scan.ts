/** The chosen columns of a relation's delta. It has no inputs: the pipeline hands it the delta before each tick. */
import type { Schema } from '../../common/types.ts';
import type { Batch, Column } from '../batch/column.ts';
import { linkScan } from '../batch/origin.ts';
import { ARRIVAL, ARRIVED_AT, type PlanNode } from '../plan/query-plan.ts';
import type { AdmittedBatch, RelationDelta } from '../source/admitted.ts';
import type { Delta, DStream } from './dstream.ts';

type ScanNode = PlanNode & { kind: 'scan' };

export class Scan implements DStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly node: ScanNode;
  #delta: RelationDelta | null = null;
  #watermarks: number[];
  #ended = false;
  #idle = false;

  constructor(node: ScanNode) {
    this.node = node;
    this.schema = node.schema;
    this.timeColumns = node.timeColumns;
    this.#watermarks = node.timeColumns.map(() => Number.NEGATIVE_INFINITY);
  }

  /** Goes on after a stop where the relation stands: its next delta may be long in coming. */
  resume({ watermarks, ended, idle }: Pick<RelationDelta, 'watermarks' | 'ended' | 'idle'>): void {
    this.#ended = ended;
    this.#idle = idle === true;
    this.#watermarks = this.#advanced(watermarks);
  }

  /** What the next step reads; null: nothing new. */
  feed(delta: RelationDelta | null): void {
    this.#delta = delta;
  }

  step(): Delta {
    const delta = this.#delta;
    this.#delta = null;
    if (delta === null)
      return { batches: [], watermarks: this.#watermarks, ended: this.#ended, idle: this.#idle };
    this.#idle = delta.idle === true;
    this.#ended ||= delta.ended;
    this.#watermarks = this.#advanced(delta.watermarks);
    return {
      batches: delta.parts.map((part) => this.#choose(part)),
      watermarks: this.#watermarks,
      ended: this.#ended,
      idle: this.#idle,
    };
  }

  #advanced(watermarks: RelationDelta['watermarks']): number[] {
    return this.timeColumns.map((c, i) => {
      const next = watermarks.get(this.node.columns[c]!) ?? Number.NEGATIVE_INFINITY;
      return Math.max(this.#watermarks[i]!, next);
    });
  }

  #choose({ batch, arrivedAt, firstArrival }: AdmittedBatch): Batch {
    const columns = this.node.columns.map((ordinal): Column => {
      if (ordinal === ARRIVED_AT) {
        return { kind: 'float64', values: new Float64Array(batch.rows).fill(arrivedAt), valid: null };
      }
      if (ordinal === ARRIVAL) {
        const values = new Float64Array(batch.rows);
        for (let i = 0; i < batch.rows; i++) values[i] = firstArrival + i;
        return { kind: 'int64', values, wide: null, valid: null };
      }
      return batch.columns[ordinal]!;
    });
    return linkScan({ rows: batch.rows, columns, weights: batch.weights }, batch, this.node);
  }
}
