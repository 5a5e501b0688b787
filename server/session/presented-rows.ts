/** A continuous result as the wire shows it: tick, progressed, diff or op as columns before the row's own. */
import { unreachable } from '../../common/assert.ts';
import type { Batch, BoolColumn, BytesColumn, Column, Int64Column } from '../../runtime/batch/column.ts';
import { buildColumn } from '../../runtime/batch/datum.ts';
import { gatherBatch } from '../../runtime/batch/gather.ts';
import type { LiveShape, RowsOutcome } from './outcome.ts';
import type { RowEvent, RowSource } from './row-source.ts';

/** The rows of an outcome with exactly the columns that it names. */
export function presentRows(outcome: RowsOutcome): RowSource {
  return outcome.live?.enveloped ? new PresentedRows(outcome.source, outcome.live) : outcome.source;
}

class PresentedRows implements RowSource {
  readonly #source: RowSource;
  readonly #shape: LiveShape;

  constructor(source: RowSource, shape: LiveShape) {
    this.#source = source;
    this.#shape = shape;
  }

  checkBound(): boolean {
    return this.#source.checkBound();
  }

  poll(): RowEvent | null {
    for (;;) {
      const event = this.#source.poll();
      if (event === null) return null;
      const shown = presentEvent(event, this.#shape);
      if (shown !== null) return shown;
    }
  }

  ready(): Promise<void> {
    return this.#source.ready();
  }

  cancel(): void {
    this.#source.cancel();
  }
}

function presentEvent(event: RowEvent, shape: LiveShape): RowEvent | null {
  switch (event.kind) {
    case 'rows': {
      return { ...event, batch: presentedBatch(event, shape), deletes: null };
    }
    case 'progress':
      if (!shape.progress) return null;
      return {
        kind: 'rows',
        batch: progressRow(event.tick, shape),
        tick: event.tick,
        snapshot: false,
        deletes: null,
      };
    case 'notice':
    case 'end':
      return event;
    default:
      return unreachable(event);
  }
}

/** What was presented already, by batch: subscribers of one relation get one batch, and so one presentation of it. */
const presented = new WeakMap<Batch, Readonly<{ name: string; batch: Batch }>>();

function presentedBatch({ batch, tick, deletes }: RowEvent & { kind: 'rows' }, shape: LiveShape): Batch {
  const name = `${tick} ${shape.envelope} ${shape.progress}`;
  const known = presented.get(batch);
  if (known?.name === name) return known.batch;
  const made = envelopeBatch(unitWeights(batch), tick, deletes, shape);
  presented.set(batch, { name, batch: made });
  return made;
}

/** A row of weight n is n rows of weight 1: what leaves has +1 and −1 only. */
export function unitWeights(batch: Batch): Batch {
  const weights = batch.weights;
  if (weights === null) return batch;
  let rows = 0;
  let plain = true;
  for (let row = 0; row < batch.rows; row++) {
    const weight = weights[row]!;
    rows += Math.abs(weight);
    if (weight !== 1 && weight !== -1) plain = false;
  }
  if (plain) return batch;
  const chosen = new Uint32Array(rows);
  const signs = new Int32Array(rows);
  let at = 0;
  for (let row = 0; row < batch.rows; row++) {
    const weight = weights[row]!;
    for (let copy = Math.abs(weight); copy > 0; copy--) {
      chosen[at] = row;
      signs[at++] = weight > 0 ? 1 : -1;
    }
  }
  return { ...gatherBatch({ ...batch, weights: null }, chosen, rows), weights: signs };
}

function envelopeBatch(batch: Batch, tick: number, deletes: Uint8Array | null, shape: LiveShape): Batch {
  const { rows } = batch;
  const columns: Column[] = [integerColumn(new Float64Array(rows).fill(tick))];
  if (shape.progress) columns.push(flagColumn(rows, 0));
  if (shape.envelope === 'operations') columns.push(operationColumn(rows, deletes));
  else columns.push(integerColumn(diffs(batch)));
  columns.push(...batch.columns);
  return { rows, columns, weights: null };
}

function progressRow(tick: number, shape: LiveShape): Batch {
  const envelope: Column[] = [
    integerColumn(Float64Array.of(tick)),
    flagColumn(1, 1),
    buildColumn({ name: shape.envelope === 'operations' ? 'text' : 'int8' }, [null]),
  ];
  const nulls = shape.columns.map((column) => buildColumn(column.type, [null]));
  return { rows: 1, columns: [...envelope, ...nulls], weights: null };
}

function diffs(batch: Batch): Float64Array {
  const values = new Float64Array(batch.rows).fill(1);
  if (batch.weights !== null) for (let row = 0; row < batch.rows; row++) values[row] = batch.weights[row]!;
  return values;
}

const integerColumn = (values: Float64Array): Int64Column => ({
  kind: 'int64',
  values,
  wide: null,
  valid: null,
});

const flagColumn = (rows: number, value: number): BoolColumn => ({
  kind: 'bool',
  values: new Uint8Array(rows).fill(value),
  valid: null,
});

/** `upsert` and `delete` are both six bytes long and stand one after the other. */
const OPERATIONS = Buffer.from('upsertdelete');

function operationColumn(rows: number, deletes: Uint8Array | null): BytesColumn {
  const starts = new Uint32Array(rows);
  const ends = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    starts[row] = deletes !== null && deletes[row] === 1 ? 6 : 0;
    ends[row] = starts[row]! + 6;
  }
  return { kind: 'bytes', bytes: OPERATIONS, starts, ends, valid: null };
}
