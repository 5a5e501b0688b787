/** Code of calls: from a template where there is one, else through the table of functions; texts compared as bytes. */
import { assert } from '../../common/assert.ts';
import type { SqlType } from '../../common/types.ts';
import { parseWith } from '../../common/value-text.ts';
import { datumBytes } from '../batch/datum.ts';
import type { Expression } from '../plan/expression.ts';
import { functionByKey } from '../plan/functions.ts';
import type { Emitter } from './emitter.ts';
import { implementationOf } from './implementations.ts';
import { floatComparisonWithNumber, INLINE_TEMPLATES } from './inline.ts';
import { anyNull, type ByteRange, initialValue, type Operand } from './kernel-writer.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

export function emitCall(g: Emitter, e: Expression & { kind: 'call' }): Operand {
  const signature = functionByKey(e.function);
  assert(signature !== undefined, `no such function: ${e.function}`);
  const bytes = bytesComparison(g, e, signature.name, signature.args[0] ?? 'text');
  if (bytes !== null) return bytes;
  const args = e.args.map((arg) => g.emit(arg));
  if (!signature.strict) {
    const values = args.map((arg, n) => {
      const datum = toDatum(g, arg.value, e.args[n]!.type);
      return arg.isNull === 'false' ? datum : `(${arg.isNull} ? null : ${datum})`;
    });
    return calledValue(g, e, values, 'false');
  }
  const isNull = anyNull(args.map((arg) => arg.isNull));
  if (isNull === 'true') return g.nothing(e.type);
  const template = INLINE_TEMPLATES.get(e.function);
  if (template === undefined) {
    const values = args.map((arg, n) => toDatum(g, arg.value, e.args[n]!.type));
    return calledValue(g, e, values, isNull);
  }
  const text =
    comparisonWithNumber(e, args) ??
    template(
      args.map((arg) => arg.value),
      g.variant.mode,
    );
  const name = g.writer.name();
  if (isNull === 'false') {
    g.writer.line(`const ${name} = ${text};`);
    return { value: name, isNull };
  }
  const flag = g.writer.flag(isNull);
  g.writer.line(`let ${name} = ${initialValue(e.type, g.variant.mode)};`);
  g.writer.line(`if (!${flag}) ${name} = ${text};`);
  return { value: name, isNull: flag };
}

/** A float compared with a constant. */
function comparisonWithNumber(e: Expression & { kind: 'call' }, args: readonly Operand[]): string | null {
  const [left, right] = e.args;
  const symbol = functionByKey(e.function)?.name ?? '';
  if (!COMPARISONS.has(symbol) || left === undefined || right?.kind !== 'constant') return null;
  const float = (type: SqlType): boolean => type.name === 'float8' || type.name === 'float4';
  if (!float(left.type) || !float(right.type) || right.text === null || Number.isNaN(Number(right.text)))
    return null;
  return floatComparisonWithNumber(symbol, args[0]!.value, args[1]!.value);
}

/** A call through the table: datums in, a datum or null out. */
function calledValue(
  g: Emitter,
  e: Expression & { kind: 'call' },
  values: readonly string[],
  isNull: string,
): Operand {
  const call = g.writer.capture(implementationOf(e.function)(g.options.context));
  const result = g.writer.name();
  const value = g.writer.name();
  const flag = g.writer.name();
  g.writer.line(`let ${value} = ${initialValue(e.type, g.variant.mode)};`);
  g.writer.line(`let ${flag} = true;`);
  const work =
    `const ${result} = ${call}(${values.join(', ')}); ` +
    `if (${result} !== null) { ${flag} = false; ${value} = ${fromDatum(g, result, e.type)}; }`;
  g.writer.line(isNull === 'false' ? `{ ${work} }` : `if (!(${isNull})) { ${work} }`);
  return { value, isNull: flag };
}

function toDatum(g: Emitter, value: string, type: SqlType): string {
  return type.name === 'int8' && g.variant.mode === 'narrow' ? `BigInt(${value})` : value;
}

function fromDatum(g: Emitter, value: string, type: SqlType): string {
  return type.name === 'int8' && g.variant.mode === 'narrow' ? `narrowFromWide(${value})` : value;
}

function bytesComparison(
  g: Emitter,
  e: Expression & { kind: 'call' },
  name: string,
  type: string,
): Operand | null {
  if (!COMPARISONS.has(name) || !['text', 'bytea', 'uuid'].includes(type) || e.args.length !== 2) return null;
  const [left, right] = [byteRange(g, e.args[0]!), byteRange(g, e.args[1]!)];
  if (left === null || right === null) return null;
  const ranges = [left, right].map((r) => `${r.bytes}, ${r.start}, ${r.end}`).join(', ');
  const symbol = name === '<>' ? '!' : '';
  const text =
    name === '=' || name === '<>' ? `${symbol}equalRanges(${ranges})` : `compareRanges(${ranges}) ${name} 0`;
  const value = g.writer.name();
  const isNull = g.writer.flag(anyNull([left.isNull, right.isNull]));
  g.writer.line(`const ${value} = ${text};`);
  return { value, isNull };
}

/** The bytes of a text operand that need not be a string: a column, or a constant. */
function byteRange(g: Emitter, e: Expression): ByteRange | null {
  if (e.kind === 'column' && ['text', 'varchar', 'bytea', 'uuid'].includes(e.type.name)) {
    const loaded = g.columns.load(e.index, e.type);
    return 'bytes' in loaded ? loaded : null;
  }
  if (e.kind === 'call' && e.function === 'cast(varchar,text)') return byteRange(g, e.args[0]!);
  if (e.kind === 'constant' && e.text !== null && ['text', 'bytea', 'uuid'].includes(e.type.name)) {
    const datum = parseWith(g.options.context.format, e.text, e.type);
    const bytes = Uint8Array.from(datumBytes(e.type, datum));
    return { bytes: g.writer.capture(bytes), start: '0', end: String(bytes.length), isNull: 'false' };
  }
  return null;
}
