/**
 * Writes an expression as one loop over the rows of a batch:
 *
 *   for (; i < rows; i++) { <load columns> <compute, with branches for AND, OR, CASE, COALESCE> <store> }
 *
 * Each sub-expression becomes a value and a NULL flag in local variables. Branches that are not taken are not run,
 * so an error in them does not count. Names in the text come from here alone; constants, functions and patterns are
 * passed in as values. A kernel exists in up to four variants: int8 narrow (Float64) or wide (BigInt), with or
 * without NULLs in its columns.
 */
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import { physicalKind, type SqlType } from '../../common/types.ts';
import { parseWith } from '../../common/value-text.ts';
import type { Expression } from '../plan/expression.ts';
import { emitCall } from './emit-call.ts';
import { emitCase, emitCoalesce, emitDistinct, emitExtreme, emitLogic } from './emit-condition.ts';
import { emitIn } from './emit-membership.ts';
import type { Emitter, GeneratorOptions } from './emitter.ts';
import { foldConstants } from './fold-constants.ts';
import { KernelColumns } from './kernel-columns.ts';
import {
  type GeneratedKernel,
  initialValue,
  type KernelVariant,
  KernelWriter,
  type Operand,
} from './kernel-writer.ts';

/** A constant that no narrow loop can hold: only the wide variant exists. */
export class NeedsWide extends Error {}

export class Generator implements Emitter {
  readonly options: GeneratorOptions;
  readonly variant: KernelVariant;
  readonly writer = new KernelWriter();
  readonly columns: KernelColumns;

  constructor(options: GeneratorOptions, variant: KernelVariant) {
    this.options = options;
    this.variant = variant;
    this.columns = new KernelColumns(this.writer, variant.nulls);
  }

  /** A kernel that stores the values in a column's array (`out`) and clears bits of `valid`. */
  projection(e: Expression): GeneratedKernel {
    const { value, isNull } = this.emit(e);
    const store = this.#store(e.type, value);
    if (isNull === 'false') this.writer.line(store);
    else this.writer.line(`if (${isNull}) { valid[i >> 3] &= ~(1 << (i & 7)); nulls++; } else { ${store} }`);
    return this.writer.finish('state.nulls = nulls;', 'let nulls = state.nulls;');
  }

  /** A kernel that writes the ordinals of the rows where the condition is true into `out`. */
  selection(e: Expression): GeneratedKernel {
    const { value, isNull } = this.emit(e);
    const condition = isNull === 'false' ? value : `!${isNull} && ${value}`;
    this.writer.line('out[count] = i;');
    this.writer.line(`count += ${condition} ? 1 : 0;`);
    return this.writer.finish('state.count = count;', 'let count = state.count;');
  }

  #store(type: SqlType, value: string): string {
    switch (physicalKind(type)) {
      case 'bool':
        return `out[i] = ${value} ? 1 : 0;`;
      case 'int32':
        // Infinities saturate in the conversion that a store into an Int32Array would not do.
        if (type.name === 'date') {
          return `out[i] = ${value} === Infinity ? 2147483647 : ${value} === -Infinity ? -2147483648 : ${value};`;
        }
        return `out[i] = ${value};`;
      case 'bytes':
        return type.name === 'bytea' || type.name === 'uuid'
          ? `out.datum(i, ${value});`
          : `out.text(i, ${value});`;
      default:
        return `out[i] = ${value};`;
    }
  }

  emit(e: Expression): Operand {
    switch (e.kind) {
      case 'column':
        return this.columns.column(e.index, e.type);
      case 'constant':
        if (e.text === null) return this.nothing(e.type);
        return this.constant(parseWith(this.options.context.format, e.text, e.type), e.type);
      case 'subquery':
        return this.#subquery(e);
      case 'subquery-rows':
        throw new TypeError('the rows of a sub-query stand in a list only');
      case 'now': {
        const name = this.writer.name();
        this.writer.prologue(`const ${name} = ${this.writer.capture(this.options.context.now)}();`);
        return { value: name, isNull: 'false' };
      }
      case 'call':
        return this.#folded(e) ?? emitCall(this, e);
      case 'and':
      case 'or':
        return emitLogic(this, e.args, e.kind === 'or');
      case 'not': {
        const arg = this.emit(e.arg);
        return { value: `!${arg.value}`, isNull: arg.isNull };
      }
      case 'is-null': {
        const { isNull } = this.#emitNullness(e.arg);
        return { value: e.negated ? `!${isNull}` : isNull, isNull: 'false' };
      }
      case 'is-truth': {
        const arg = this.emit(e.arg);
        const holds =
          e.truth === 'unknown'
            ? arg.isNull
            : `(!${arg.isNull} && ${e.truth === 'true' ? '' : '!'}${arg.value})`;
        return { value: e.negated ? `!${holds}` : holds, isNull: 'false' };
      }
      case 'is-distinct':
        return emitDistinct(this, e.left, e.right, e.negated);
      case 'case':
        return emitCase(this, e);
      case 'coalesce':
        return emitCoalesce(this, e.args, e.type);
      case 'greatest':
      case 'least':
        return emitExtreme(this, e.args, e.type, e.kind);
      case 'in':
        return emitIn(this, e);
      default:
        return unreachable(e);
    }
  }

  nothing(type: SqlType): Operand {
    return { value: initialValue(type, this.variant.mode), isNull: 'true' };
  }

  constant(datum: unknown, type: SqlType): Operand {
    if (datum === null) return this.nothing(type);
    const held = this.held(datum, type);
    const captured = this.writer.capture(held);
    if (typeof held !== 'number') return { value: captured, isNull: 'false' };
    // A local number keeps the loop free of checks.
    const name = this.writer.name();
    this.writer.prologue(`const ${name} = +${captured};`);
    return { value: name, isNull: 'false' };
  }

  /** A datum as this variant's loops hold it. */
  held(datum: unknown, type: SqlType): unknown {
    if (type.name !== 'int8' || this.variant.mode === 'wide') return datum;
    if (datum === null) return null;
    const value = Number(datum as bigint);
    if (!Number.isSafeInteger(value)) throw new NeedsWide();
    return value;
  }

  /** A part that is constant is computed once, unless that fails: then the row that reaches it fails. */
  #folded(e: Expression): Operand | null {
    const folded = foldConstants(e, this.options);
    return folded.kind === 'folded' ? this.constant(folded.datum, e.type) : null;
  }

  /** Only whether it is NULL: a text column is not decoded for that. */
  #emitNullness(e: Expression): Readonly<{ isNull: string }> {
    return e.kind === 'column' ? this.columns.load(e.index, e.type) : this.emit(e);
  }

  /** One that failed fails the row that asks for it, and nothing where none does. */
  #subquery(e: Expression & { kind: 'subquery' }): Operand {
    const value = this.options.subqueryValues[e.index] ?? null;
    if (!(value instanceof SqlError)) return this.constant(value, e.type);
    this.fail(value);
    return this.nothing(e.type);
  }

  fail(error: SqlError): void {
    const raise = (): never => {
      throw error;
    };
    this.writer.line(`${this.writer.capture(raise)}();`);
  }
}
