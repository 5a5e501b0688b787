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
import { assert, unreachable } from '../../common/assert.ts';
import { isArrayType, physicalKind, type SqlType } from '../../common/types.ts';
import { SqlError } from '../../common/sql-error.ts';
import { compareDatum } from '../../common/value-compare.ts';
import { parseWith } from '../../common/value-text.ts';
import { datumBytes } from '../batch/datum.ts';
import { functionByKey } from '../plan/functions.ts';
import type { Expression } from '../plan/expression.ts';
import { foldConstants } from './fold-constants.ts';
import type { EvaluationContext } from './implementation.ts';
import { implementationOf } from './implementations.ts';
import { floatComparisonWithNumber, INLINE_TEMPLATES } from './inline.ts';
import { KernelColumns } from './kernel-columns.ts';
import {
  anyNull,
  type ByteRange,
  type GeneratedKernel,
  initialValue,
  type KernelVariant,
  KernelWriter,
  type Operand,
} from './kernel-writer.ts';

export type GeneratorOptions = Readonly<{ context: EvaluationContext; subqueryValues: readonly unknown[] }>;

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

/** Types whose equal values are equal as keys of a Set, NaN and −0 included. */
const isPrimitive = (type: SqlType): boolean =>
  !isArrayType(type.name) &&
  [
    'bool',
    'int2',
    'int4',
    'int8',
    'float4',
    'float8',
    'text',
    'varchar',
    'uuid',
    'date',
    'time',
    'timestamp',
    'timestamptz',
  ].includes(type.name);

/** A constant that no narrow loop can hold: only the wide variant exists. */
export class NeedsWide extends Error {}

export class Generator {
  readonly #options: GeneratorOptions;
  readonly #variant: KernelVariant;
  readonly #writer = new KernelWriter();
  readonly #columns: KernelColumns;

  constructor(options: GeneratorOptions, variant: KernelVariant) {
    this.#options = options;
    this.#variant = variant;
    this.#columns = new KernelColumns(this.#writer, variant.nulls);
  }

  /** A kernel that stores the values in a column's array (`out`) and clears bits of `valid`. */
  projection(e: Expression): GeneratedKernel {
    const { value, isNull } = this.#emit(e);
    const store = this.#store(e.type, value);
    if (isNull === 'false') this.#writer.line(store);
    else this.#writer.line(`if (${isNull}) { valid[i >> 3] &= ~(1 << (i & 7)); nulls++; } else { ${store} }`);
    return this.#writer.finish('state.nulls = nulls;', 'let nulls = state.nulls;');
  }

  /** A kernel that writes the ordinals of the rows where the condition is true into `out`. */
  selection(e: Expression): GeneratedKernel {
    const { value, isNull } = this.#emit(e);
    const condition = isNull === 'false' ? value : `!${isNull} && ${value}`;
    this.#writer.line('out[count] = i;');
    this.#writer.line(`count += ${condition} ? 1 : 0;`);
    return this.#writer.finish('state.count = count;', 'let count = state.count;');
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

  #emit(e: Expression): Operand {
    switch (e.kind) {
      case 'column':
        return this.#columns.column(e.index, e.type);
      case 'constant':
        if (e.text === null) return this.#null(e.type);
        return this.#constant(parseWith(this.#options.context.format, e.text, e.type), e.type);
      case 'subquery':
        return this.#subquery(e);
      case 'subquery-rows':
        throw new TypeError('the rows of a sub-query stand in a list only');
      case 'now': {
        const name = this.#writer.name();
        this.#writer.prologue(`const ${name} = ${this.#writer.capture(this.#options.context.now)}();`);
        return { value: name, isNull: 'false' };
      }
      case 'call':
        return this.#folded(e) ?? this.#call(e);
      case 'and':
      case 'or':
        return this.#logic(e.args, e.kind === 'or');
      case 'not': {
        const arg = this.#emit(e.arg);
        return { value: `!${arg.value}`, isNull: arg.isNull };
      }
      case 'is-null': {
        const { isNull } = this.#emitNullness(e.arg);
        return { value: e.negated ? `!${isNull}` : isNull, isNull: 'false' };
      }
      case 'is-truth': {
        const arg = this.#emit(e.arg);
        const holds =
          e.truth === 'unknown'
            ? arg.isNull
            : `(!${arg.isNull} && ${e.truth === 'true' ? '' : '!'}${arg.value})`;
        return { value: e.negated ? `!${holds}` : holds, isNull: 'false' };
      }
      case 'is-distinct':
        return this.#distinct(e.left, e.right, e.negated);
      case 'case':
        return this.#case(e);
      case 'coalesce':
        return this.#coalesce(e.args, e.type);
      case 'greatest':
      case 'least':
        return this.#extreme(e.args, e.type, e.kind);
      case 'in':
        return this.#in(e);
      default:
        return unreachable(e);
    }
  }

  #null(type: SqlType): Operand {
    return { value: initialValue(type, this.#variant.mode), isNull: 'true' };
  }

  #constant(datum: unknown, type: SqlType): Operand {
    if (datum === null) return this.#null(type);
    const held = this.#held(datum, type);
    const captured = this.#writer.capture(held);
    if (typeof held !== 'number') return { value: captured, isNull: 'false' };
    // A local number keeps the loop free of checks.
    const name = this.#writer.name();
    this.#writer.prologue(`const ${name} = +${captured};`);
    return { value: name, isNull: 'false' };
  }

  /** A datum as this variant's loops hold it. */
  #held(datum: unknown, type: SqlType): unknown {
    if (type.name !== 'int8' || this.#variant.mode === 'wide') return datum;
    if (datum === null) return null;
    const value = Number(datum as bigint);
    if (!Number.isSafeInteger(value)) throw new NeedsWide();
    return value;
  }

  /** A part that is constant is computed once, unless that fails: then the row that reaches it fails. */
  #folded(e: Expression): Operand | null {
    const folded = foldConstants(e, this.#options);
    return folded.kind === 'folded' ? this.#constant(folded.datum, e.type) : null;
  }

  /** Only whether it is NULL: a text column is not decoded for that. */
  #emitNullness(e: Expression): Readonly<{ isNull: string }> {
    return e.kind === 'column' ? this.#columns.load(e.index, e.type) : this.#emit(e);
  }

  /** The bytes of a text operand that need not be a string: a column, or a constant. */
  #byteRange(e: Expression): ByteRange | null {
    if (e.kind === 'column' && ['text', 'varchar', 'bytea', 'uuid'].includes(e.type.name)) {
      const loaded = this.#columns.load(e.index, e.type);
      return 'bytes' in loaded ? loaded : null;
    }
    if (e.kind === 'call' && e.function === 'cast(varchar,text)') return this.#byteRange(e.args[0]!);
    if (e.kind === 'constant' && e.text !== null && ['text', 'bytea', 'uuid'].includes(e.type.name)) {
      const datum = parseWith(this.#options.context.format, e.text, e.type);
      const bytes = Uint8Array.from(datumBytes(e.type, datum));
      return { bytes: this.#writer.capture(bytes), start: '0', end: String(bytes.length), isNull: 'false' };
    }
    return null;
  }

  // Calls

  #call(e: Expression & { kind: 'call' }): Operand {
    const signature = functionByKey(e.function);
    assert(signature !== undefined, `no such function: ${e.function}`);
    const bytes = this.#bytesComparison(e, signature.name, signature.args[0] ?? 'text');
    if (bytes !== null) return bytes;
    const args = e.args.map((arg) => this.#emit(arg));
    if (!signature.strict) {
      const values = args.map((arg, n) => {
        const datum = this.#toDatum(arg.value, e.args[n]!.type);
        return arg.isNull === 'false' ? datum : `(${arg.isNull} ? null : ${datum})`;
      });
      return this.#calledValue(e, values, 'false');
    }
    const isNull = anyNull(args.map((arg) => arg.isNull));
    if (isNull === 'true') return this.#null(e.type);
    const template = INLINE_TEMPLATES.get(e.function);
    if (template === undefined) {
      const values = args.map((arg, n) => this.#toDatum(arg.value, e.args[n]!.type));
      return this.#calledValue(e, values, isNull);
    }
    const text =
      this.#comparisonWithNumber(e, args) ??
      template(
        args.map((arg) => arg.value),
        this.#variant.mode,
      );
    const name = this.#writer.name();
    if (isNull === 'false') {
      this.#writer.line(`const ${name} = ${text};`);
      return { value: name, isNull };
    }
    const flag = this.#writer.flag(isNull);
    this.#writer.line(`let ${name} = ${initialValue(e.type, this.#variant.mode)};`);
    this.#writer.line(`if (!${flag}) ${name} = ${text};`);
    return { value: name, isNull: flag };
  }

  /** A float compared with a constant. */
  #comparisonWithNumber(e: Expression & { kind: 'call' }, args: readonly Operand[]): string | null {
    const [left, right] = e.args;
    const symbol = functionByKey(e.function)?.name ?? '';
    if (!COMPARISONS.has(symbol) || left === undefined || right?.kind !== 'constant') return null;
    const float = (type: SqlType): boolean => type.name === 'float8' || type.name === 'float4';
    if (!float(left.type) || !float(right.type) || right.text === null || Number.isNaN(Number(right.text)))
      return null;
    return floatComparisonWithNumber(symbol, args[0]!.value, args[1]!.value);
  }

  /** A call through the table: datums in, a datum or null out. */
  #calledValue(e: Expression & { kind: 'call' }, values: readonly string[], isNull: string): Operand {
    const call = this.#writer.capture(implementationOf(e.function)(this.#options.context));
    const result = this.#writer.name();
    const value = this.#writer.name();
    const flag = this.#writer.name();
    this.#writer.line(`let ${value} = ${initialValue(e.type, this.#variant.mode)};`);
    this.#writer.line(`let ${flag} = true;`);
    const work =
      `const ${result} = ${call}(${values.join(', ')}); ` +
      `if (${result} !== null) { ${flag} = false; ${value} = ${this.#fromDatum(result, e.type)}; }`;
    this.#writer.line(isNull === 'false' ? `{ ${work} }` : `if (!(${isNull})) { ${work} }`);
    return { value, isNull: flag };
  }

  #toDatum(value: string, type: SqlType): string {
    return type.name === 'int8' && this.#variant.mode === 'narrow' ? `BigInt(${value})` : value;
  }

  #fromDatum(value: string, type: SqlType): string {
    return type.name === 'int8' && this.#variant.mode === 'narrow' ? `narrowFromWide(${value})` : value;
  }

  #bytesComparison(e: Expression & { kind: 'call' }, name: string, type: string): Operand | null {
    if (!COMPARISONS.has(name) || !['text', 'bytea', 'uuid'].includes(type) || e.args.length !== 2)
      return null;
    const [left, right] = [this.#byteRange(e.args[0]!), this.#byteRange(e.args[1]!)];
    if (left === null || right === null) return null;
    const ranges = [left, right].map((r) => `${r.bytes}, ${r.start}, ${r.end}`).join(', ');
    const symbol = name === '<>' ? '!' : '';
    const text =
      name === '=' || name === '<>'
        ? `${symbol}equalRanges(${ranges})`
        : `compareRanges(${ranges}) ${name} 0`;
    const value = this.#writer.name();
    const isNull = this.#writer.flag(anyNull([left.isNull, right.isNull]));
    this.#writer.line(`const ${value} = ${text};`);
    return { value, isNull };
  }

  // Conditions

  /** AND (OR): stops at the first false (true); unknown if none and one was NULL. */
  #logic(args: readonly Expression[], decisive: boolean): Operand {
    const value = this.#writer.name();
    const unknown = this.#writer.name();
    this.#writer.line(`let ${value} = ${!decisive};`);
    this.#writer.line(`let ${unknown} = false;`);
    let nullable = false;
    for (const arg of args) {
      const { text, result } = this.#writer.block(() => this.#emit(arg));
      const decides = `${value} = ${result.value};`;
      nullable ||= result.isNull !== 'false';
      const step =
        result.isNull === 'false' ? decides : `if (${result.isNull}) ${unknown} = true; else ${decides}`;
      this.#writer.line(`if (${decisive ? '!' : ''}${value}) {\n${text}\n${step}\n}`);
    }
    if (!nullable) return { value, isNull: 'false' };
    return { value, isNull: this.#writer.flag(`${unknown} && ${decisive ? '!' : ''}${value}`) };
  }

  #case(e: Expression & { kind: 'case' }): Operand {
    const value = this.#writer.name();
    const flag = this.#writer.name();
    const label = `b${value}`;
    this.#writer.line(`let ${value} = ${initialValue(e.type, this.#variant.mode)};`);
    this.#writer.line(`let ${flag} = true;`);
    const assign = (branch: Expression): string => {
      const { text, result } = this.#writer.block(() => this.#emit(branch));
      if (result.isNull === 'true') return text;
      return `${text}\n${flag} = ${result.isNull}; if (!${flag}) ${value} = ${result.value};`;
    };
    const body = this.#writer.block(() => {
      for (const branch of e.branches) {
        const when = this.#emit(branch.when);
        this.#writer.line(
          `if (!${when.isNull} && ${when.value}) {\n${assign(branch.then)}\nbreak ${label};\n}`,
        );
      }
      if (e.otherwise !== null) this.#writer.line(assign(e.otherwise));
    });
    this.#writer.line(`${label}: {\n${body.text}\n}`);
    return { value, isNull: flag };
  }

  #coalesce(args: readonly Expression[], type: SqlType): Operand {
    const value = this.#writer.name();
    const flag = this.#writer.name();
    this.#writer.line(`let ${value} = ${initialValue(type, this.#variant.mode)};`);
    this.#writer.line(`let ${flag} = true;`);
    for (const arg of args) {
      const { text, result } = this.#writer.block(() => this.#emit(arg));
      // Even what is surely NULL is evaluated: it may hold an error.
      this.#writer.line(
        `if (${flag}) {\n${text}\nif (!${result.isNull}) { ${flag} = false; ${value} = ${result.value}; }\n}`,
      );
    }
    return { value, isNull: flag };
  }

  /** `a` compared with `b`: an expression that is negative, 0 or positive. */
  #compare(a: string, b: string, type: SqlType): string {
    if (['int2', 'int4', 'int8', 'date', 'time', 'timestamp', 'timestamptz'].includes(type.name)) {
      return `(${a} < ${b} ? -1 : ${a} > ${b} ? 1 : 0)`;
    }
    const compare = this.#writer.capture((x: unknown, y: unknown) => compareDatum(x, y, type));
    return `${compare}(${a}, ${b})`;
  }

  #extreme(args: readonly Expression[], type: SqlType, kind: 'greatest' | 'least'): Operand {
    const value = this.#writer.name();
    const flag = this.#writer.name();
    this.#writer.line(`let ${value} = ${initialValue(type, this.#variant.mode)};`);
    this.#writer.line(`let ${flag} = true;`);
    for (const arg of args) {
      const operand = this.#emit(arg);
      if (operand.isNull === 'true') continue;
      const better = `${this.#compare(operand.value, value, type)} ${kind === 'greatest' ? '>' : '<'} 0`;
      this.#writer.line(
        `if (!${operand.isNull} && (${flag} || ${better})) { ${flag} = false; ${value} = ${operand.value}; }`,
      );
    }
    return { value, isNull: flag };
  }

  #distinct(left: Expression, right: Expression, negated: boolean): Operand {
    const [a, b] = [this.#emit(left), this.#emit(right)];
    const name = this.#writer.name();
    const differs = `${this.#compare(a.value, b.value, left.type)} !== 0`;
    this.#writer.line(
      `const ${name} = (${a.isNull} || ${b.isNull}) ? ${a.isNull} !== ${b.isNull} : ${differs};`,
    );
    return { value: negated ? `!${name}` : name, isNull: 'false' };
  }

  #in(e: Expression & { kind: 'in' }): Operand {
    const [first] = e.list;
    const rows = first?.kind === 'subquery-rows' ? this.#rowsOf(first.index) : null;
    // nothing is in an empty list, not even what is unknown
    if (rows?.length === 0) return { value: String(e.negated), isNull: 'false' };
    const arg = this.#emit(e.arg);
    const value = this.#writer.name();
    const flag = this.#writer.name();
    this.#writer.line(`let ${value} = false;`);
    this.#writer.line(`let ${flag} = true;`);
    const body = this.#writer.block(() => {
      const unknown =
        rows === null
          ? this.#inList(e.list, e.arg.type, arg.value, value)
          : this.#inRows(rows, e.arg.type, arg.value, value);
      this.#writer.line(`${flag} = ${unknown} && !${value};`);
    });
    this.#writer.line(`if (!${arg.isNull}) {\n${body.text}\n}`);
    return { value: e.negated ? `!${value}` : value, isNull: flag };
  }

  /** One that failed fails the row that asks for it, and nothing where none does. */
  #subquery(e: Expression & { kind: 'subquery' }): Operand {
    const value = this.#options.subqueryValues[e.index] ?? null;
    if (!(value instanceof SqlError)) return this.#constant(value, e.type);
    this.#fail(value);
    return this.#null(e.type);
  }

  #rowsOf(index: number): readonly unknown[] {
    const values = this.#options.subqueryValues[index] ?? [];
    if (!(values instanceof SqlError)) return values as readonly unknown[];
    this.#fail(values);
    return [];
  }

  #fail(error: SqlError): void {
    const raise = (): never => {
      throw error;
    };
    this.#writer.line(`${this.#writer.capture(raise)}();`);
  }

  /** As `#inList`, of many values. */
  #inRows(rows: readonly unknown[], type: SqlType, value: string, found: string): string {
    const known = rows.filter((datum) => datum !== null);
    if (isPrimitive(type)) {
      const members = this.#writer.capture(new Set(known.map((datum) => this.#held(datum, type))));
      this.#writer.line(`${found} = ${members}.has(${value});`);
    } else {
      const isAmong = (datum: unknown): boolean => known.some((k) => compareDatum(datum, k, type) === 0);
      this.#writer.line(`${found} = ${this.#writer.capture(isAmong)}(${value});`);
    }
    return String(known.length < rows.length);
  }

  /** Sets `found`; gives the condition under which a NULL stood in the list. */
  #inList(list: readonly Expression[], type: SqlType, value: string, found: string): string {
    const constants = list.filter((item) => item.kind === 'constant');
    const datums = constants.map((item) =>
      item.text === null ? null : parseWith(this.#options.context.format, item.text, item.type),
    );
    const known = datums.filter((datum) => datum !== null);
    let unknown = datums.includes(null) ? 'true' : 'false';
    if (known.length > 0 && isPrimitive(type)) {
      const members = this.#writer.capture(new Set(known.map((datum) => this.#held(datum, type))));
      this.#writer.line(`${found} = ${members}.has(${value});`);
    } else {
      for (const datum of known) {
        const item = this.#constant(datum, type);
        this.#writer.line(`${found} ||= ${this.#compare(value, item.value, type)} === 0;`);
      }
    }
    for (const item of list) {
      if (item.kind === 'constant') continue;
      const operand = this.#emit(item);
      const equal = `${this.#compare(value, operand.value, type)} === 0`;
      this.#writer.line(`${found} ||= !${operand.isNull} && ${equal};`);
      unknown = anyNull([unknown, operand.isNull]);
    }
    return unknown === 'true' || unknown === 'false' ? unknown : `(${unknown})`;
  }
}
