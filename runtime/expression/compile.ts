/**
 * The door: bound expressions become loops over columns.
 *
 * int8 is computed on numbers while operands and results stay within ±(2^53 − 1), and again on 64-bit integers for a
 * batch where one does not. Kernels are generated when a batch first needs them.
 */
import { assert } from '../../common/assert.ts';
import type { SqlError } from '../../common/sql-error.ts';
import { physicalKind, type SqlType } from '../../common/types.ts';
import { type TextSettings, textFormat } from '../../common/value-text.ts';
import type { Batch, Column, Validity } from '../batch/column.ts';
import { buildColumn } from '../batch/datum.ts';
import { gatherColumn } from '../batch/gather.ts';
import { allValid } from '../batch/validity.ts';
import { childrenOf, type Expression } from '../plan/expression.ts';
import type { GeneratorOptions } from './emitter.ts';
import { expressionError, resultTooLarge } from './expression-error.ts';
import { foldConstants } from './fold-constants.ts';
import { Generator, NeedsWide } from './generate.ts';
import type { InlineMode } from './inline.ts';
import type { GeneratedKernel, KernelState } from './kernel-writer.ts';
import { LEAVES_NARROW } from './overflow.ts';
import { BATCH_TEXT_BYTES_MAX, type TextRoom, TextWriter } from './text-writer.ts';

export type ExpressionOptions = Readonly<{
  /** µs since 1970: the tick's or the statement's time. */
  now: () => number;
  timeZone: string;
  /** Datums of QueryPlan.subqueries. */
  subqueryValues?: readonly unknown[];
  /** Settings of text other than the time zone. */
  text?: Partial<TextSettings>;
}>;

/** Rows that failed are reported and left out. */
type RowErrors = Map<number, SqlError>;

const NO_ERRORS = null;

function generatorOptions(options: ExpressionOptions): GeneratorOptions {
  const format = textFormat({ ...options.text, timeZone: options.timeZone, now: options.now });
  return { context: { now: options.now, format }, subqueryValues: options.subqueryValues ?? [] };
}

/** The arrays that a kernel reads of one column. */
type KernelColumn = Readonly<{ values: unknown; valid: Uint8Array; starts: unknown; ends: unknown }>;

let ones = allValid(4096);

/** Bits that are all set, for columns without NULLs in kernels that look. */
function onesFor(rows: number): Uint8Array {
  if (ones.length * 8 < rows) ones = allValid(rows * 2);
  return ones;
}

function kernelColumn(column: Column, mode: InlineMode, rows: number): KernelColumn {
  const valid = column.valid ?? onesFor(rows);
  switch (column.kind) {
    case 'bytes':
      return { values: column.bytes, valid, starts: column.starts, ends: column.ends };
    case 'int64':
      return {
        values: mode === 'wide' ? widen(column.wide, column.values, rows) : column.values,
        valid,
        starts: null,
        ends: null,
      };
    default:
      return { values: column.values, valid, starts: null, ends: null };
  }
}

function widen(wide: BigInt64Array | null, values: Float64Array, rows: number): BigInt64Array {
  if (wide !== null) return wide;
  const out = new BigInt64Array(rows);
  for (let row = 0; row < rows; row++) out[row] = BigInt(values[row]!);
  return out;
}

/** One expression and its kernels. */
class CompiledKernel {
  readonly #expression: Expression;
  readonly #kind: 'projection' | 'selection';
  readonly #options: GeneratorOptions;
  readonly #variants = new Map<string, GeneratedKernel>();
  readonly #columns: readonly number[];
  #onlyWide = false;

  constructor(expression: Expression, kind: 'projection' | 'selection', options: GeneratorOptions) {
    this.#expression = expression;
    this.#kind = kind;
    this.#options = options;
    this.#columns = [...columnsOf(expression)];
  }

  /** Calls `run` with the narrow kernel, and again with the wide one where a value needs it. */
  run<T>(batch: Batch, run: (invoke: Invoke, mode: InlineMode) => T): T {
    const nulls = this.#columns.some((index) => batch.columns[index]!.valid !== null);
    const wide = this.#onlyWide || this.#columns.some((index) => isWide(batch.columns[index]!));
    if (!wide) {
      try {
        return run(this.#invoke(batch, 'narrow', nulls), 'narrow');
      } catch (error) {
        if (error instanceof NeedsWide) this.#onlyWide = true;
        else if (error !== LEAVES_NARROW) throw error;
      }
    }
    return run(this.#invoke(batch, 'wide', nulls), 'wide');
  }

  #invoke(batch: Batch, mode: InlineMode, nulls: boolean): Invoke {
    const { kernel, usedColumns } = this.#variant(mode, nulls);
    const columns = usedColumns.map((index) => kernelColumn(batch.columns[index]!, mode, batch.rows));
    return (start, out, valid, state) => kernel(start, batch.rows, columns, out, valid, state);
  }

  #variant(mode: InlineMode, nulls: boolean): GeneratedKernel {
    const key = `${mode} ${nulls}`;
    let variant = this.#variants.get(key);
    if (variant === undefined) {
      const generator = new Generator(this.#options, { mode, nulls });
      variant = generator[this.#kind](this.#expression);
      this.#variants.set(key, variant);
    }
    return variant;
  }
}

type Invoke = (start: number, out: unknown, valid: Uint8Array, state: KernelState) => void;

const isWide = (column: Column): boolean => column.kind === 'int64' && column.wide !== null;

function columnsOf(e: Expression, into = new Set<number>()): Set<number> {
  if (e.kind === 'column') into.add(e.index);
  for (const child of childrenOf(e)) columnsOf(child, into);
  return into;
}

/** Runs from row to row: with `errors`, a row that fails is noted and the loop goes on after it. */
function runRows(
  invoke: Invoke,
  rows: number,
  out: unknown,
  valid: Uint8Array,
  errors: RowErrors | null,
): KernelState {
  const state: KernelState = { row: 0, nulls: 0, count: 0 };
  if (errors === NO_ERRORS) {
    try {
      invoke(0, out, valid, state);
    } catch (error) {
      throw expressionError(error) ?? error;
    }
    return state;
  }
  for (let start = 0; start < rows; start = state.row + 1) {
    try {
      invoke(start, out, valid, state);
      break;
    } catch (error) {
      const failure = expressionError(error);
      if (failure === null) throw error;
      if (!errors.has(state.row)) errors.set(state.row, failure);
    }
  }
  return state;
}

function outputArray(type: SqlType, mode: InlineMode, rows: number, room: TextRoom): unknown {
  switch (physicalKind(type)) {
    case 'bool':
      return new Uint8Array(rows);
    case 'int32':
      return new Int32Array(rows);
    case 'int64':
      return mode === 'wide' ? new BigInt64Array(rows) : new Float64Array(rows);
    case 'float64':
      return new Float64Array(rows);
    case 'bytes':
      return new TextWriter(type, rows, room);
    case 'boxed':
      return new Array<unknown>(rows).fill(null);
  }
}

function finishColumn(type: SqlType, mode: InlineMode, out: unknown, valid: Validity): Column {
  const kind = physicalKind(type);
  switch (kind) {
    case 'bool':
      return { kind, values: out as Uint8Array, valid };
    case 'int32':
      return { kind, values: out as Int32Array, valid };
    case 'int64':
      return mode === 'narrow'
        ? { kind, values: out as Float64Array, wide: null, valid }
        : narrowed(out as BigInt64Array, valid);
    case 'float64':
      return { kind, values: out as Float64Array, valid };
    case 'bytes':
      return (out as TextWriter).finish(valid);
    case 'boxed':
      return { kind, values: out as unknown[], valid };
  }
}

/** A wide result goes on as a narrow column where every value fits. */
function narrowed(wide: BigInt64Array, valid: Validity): Column {
  const values = new Float64Array(wide.length);
  for (let row = 0; row < wide.length; row++) {
    const value = Number(wide[row]!);
    if (!Number.isSafeInteger(value)) return { kind: 'int64', values: new Float64Array(0), wide, valid };
    values[row] = value;
  }
  return { kind: 'int64', values, wide: null, valid };
}

type Projection = (batch: Batch, errors: RowErrors | null, room: TextRoom) => Column;

function compileProjection(source: Expression, options: GeneratorOptions): Projection {
  const expression = foldConstants(source, options);
  if (expression.kind === 'column') {
    return (batch) => {
      const column = batch.columns[expression.index];
      assert(column !== undefined, `the batch has no column ${expression.index}`);
      return column;
    };
  }
  if (expression.kind === 'folded') return constantProjection(expression.datum, expression.type);
  const kernel = new CompiledKernel(expression, 'projection', options);
  return (batch, errors, room) =>
    kernel.run(batch, (invoke, mode) => {
      const out = outputArray(expression.type, mode, batch.rows, room);
      const valid = allValid(batch.rows);
      const { nulls } = runRows(invoke, batch.rows, out, valid, errors);
      return finishColumn(expression.type, mode, out, nulls === 0 ? null : valid);
    });
}

/** Columns may be longer than their batch: one that was long enough serves all shorter batches. */
function constantProjection(datum: unknown, type: SqlType): Projection {
  let column: Column | null = null;
  let length = 0;
  return (batch, errors, room) => {
    if ((typeof datum === 'string' || datum instanceof Uint8Array) && datum.length > room.left) {
      // not written out at all: it may be as long as texts can be
      if (errors === NO_ERRORS) throw resultTooLarge();
      for (let row = 0; row < batch.rows; row++) if (!errors.has(row)) errors.set(row, resultTooLarge());
      return repeated(buildColumn(type, [null]), batch.rows);
    }
    if (column === null || batch.rows > length) {
      length = batch.rows;
      column = repeated(buildColumn(type, [datum]), length);
    }
    if (column.kind === 'bytes') room.left -= column.bytes.length;
    return column;
  };
}

/** Its one row, again and again; bytes are there once. */
function repeated(one: Column, rows: number): Column {
  if (one.kind !== 'bytes') return gatherColumn(one, new Uint32Array(rows), rows);
  return {
    ...one,
    starts: new Uint32Array(rows).fill(one.starts[0]!),
    ends: new Uint32Array(rows).fill(one.ends[0]!),
    valid: one.valid === null ? null : new Uint8Array(Math.ceil(rows / 8)),
  };
}

export class ExpressionProgram {
  readonly #projections: readonly Projection[];

  constructor(expressions: readonly Expression[], options: ExpressionOptions) {
    const generator = generatorOptions(options);
    this.#projections = expressions.map((e) => compileProjection(e, generator));
  }

  /** One column an expression; throws the first row's SqlError. Plain columns are the batch's own. */
  evaluate(batch: Batch): readonly Column[] {
    const room = { left: BATCH_TEXT_BYTES_MAX };
    return this.#projections.map((project) => project(batch, NO_ERRORS, room));
  }

  /** See evaluateLeniently. */
  evaluateNoting(batch: Batch, errors: RowErrors): readonly Column[] {
    const room = { left: BATCH_TEXT_BYTES_MAX };
    return this.#projections.map((project) => project(batch, errors, room));
  }
}

export class PredicateProgram {
  readonly #select: (batch: Batch, into: Uint32Array, errors: RowErrors | null) => number;

  constructor(source: Expression, options: ExpressionOptions) {
    const generator = generatorOptions(options);
    const expression = foldConstants(source, generator);
    if (expression.kind === 'folded') {
      const holds = expression.datum === true;
      this.#select = (batch, into) => (holds ? selectAll(batch.rows, into) : 0);
      return;
    }
    const kernel = new CompiledKernel(expression, 'selection', generator);
    const none = new Uint8Array(0);
    this.#select = (batch, into, errors) => {
      // The loop writes each ordinal before it knows whether it counts.
      assert(into.length >= batch.rows, 'the selection must have room for every row');
      return kernel.run(batch, (invoke) => runRows(invoke, batch.rows, into, none, errors).count);
    };
  }

  /** Writes the ordinals of the rows where the condition is true; gives their number. */
  select(batch: Batch, into: Uint32Array): number {
    return this.#select(batch, into, NO_ERRORS);
  }

  /** See selectLeniently. */
  selectNoting(batch: Batch, into: Uint32Array, errors: RowErrors): number {
    return this.#select(batch, into, errors);
  }
}

function selectAll(rows: number, into: Uint32Array): number {
  for (let row = 0; row < rows; row++) into[row] = row;
  return rows;
}

export function compileExpressions(
  expressions: readonly Expression[],
  options: ExpressionOptions,
): ExpressionProgram {
  return new ExpressionProgram(expressions, options);
}

/** The ordinals of the rows where a boolean expression is TRUE (neither FALSE nor NULL). */
export function compilePredicate(expression: Expression, options: ExpressionOptions): PredicateProgram {
  return new PredicateProgram(expression, options);
}

function report(errors: RowErrors, onError: (row: number, error: SqlError) => void): void {
  for (const [row, error] of [...errors].sort((a, b) => a[0] - b[0])) onError(row, error);
}

/**
 * Leaves out the rows that fail: the columns of the others, and their ordinals (null = all rows). `onError` hears of
 * each failed row once, in order, with the error of its first expression that failed.
 */
export function evaluateLeniently(
  program: ExpressionProgram,
  batch: Batch,
  onError: (row: number, error: SqlError) => void,
): Readonly<{ columns: readonly Column[]; rows: Uint32Array | null }> {
  const errors: RowErrors = new Map();
  const columns = program.evaluateNoting(batch, errors);
  if (errors.size === 0) return { columns, rows: null };
  report(errors, onError);
  const rows = new Uint32Array(batch.rows - errors.size);
  let count = 0;
  for (let row = 0; row < batch.rows; row++) if (!errors.has(row)) rows[count++] = row;
  return { columns: columns.map((column) => gatherColumn(column, rows, count)), rows };
}

/** Like select; rows that fail are not chosen, and `onError` hears of them. */
export function selectLeniently(
  program: PredicateProgram,
  batch: Batch,
  into: Uint32Array,
  onError: (row: number, error: SqlError) => void,
): number {
  const errors: RowErrors = new Map();
  const count = program.selectNoting(batch, into, errors);
  if (errors.size > 0) report(errors, onError);
  return count;
}
