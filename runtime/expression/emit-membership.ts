/** Code of IN: a list of expressions, or the rows of a sub-query. */
import { SqlError } from '../../common/sql-error.ts';
import { isArrayType, type SqlType } from '../../common/types.ts';
import { compareDatum } from '../../common/value-compare.ts';
import { parseWith } from '../../common/value-text.ts';
import type { Expression } from '../plan/expression.ts';
import { compared } from './emit-condition.ts';
import type { Emitter } from './emitter.ts';
import { anyNull, type Operand } from './kernel-writer.ts';

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

export function emitIn(g: Emitter, e: Expression & { kind: 'in' }): Operand {
  const [first] = e.list;
  const rows = first?.kind === 'subquery-rows' ? rowsOf(g, first.index) : null;
  // nothing is in an empty list, not even what is unknown
  if (rows?.length === 0) return { value: String(e.negated), isNull: 'false' };
  const arg = g.emit(e.arg);
  const value = g.writer.name();
  const flag = g.writer.name();
  g.writer.line(`let ${value} = false;`);
  g.writer.line(`let ${flag} = true;`);
  const body = g.writer.block(() => {
    const unknown =
      rows === null
        ? inList(g, e.list, e.arg.type, arg.value, value)
        : inRows(g, rows, e.arg.type, arg.value, value);
    g.writer.line(`${flag} = ${unknown} && !${value};`);
  });
  g.writer.line(`if (!${arg.isNull}) {\n${body.text}\n}`);
  return { value: e.negated ? `!${value}` : value, isNull: flag };
}

function rowsOf(g: Emitter, index: number): readonly unknown[] {
  const values = g.options.subqueryValues[index] ?? [];
  if (!(values instanceof SqlError)) return values as readonly unknown[];
  g.fail(values);
  return [];
}

/** As `inList`, of many values. */
function inRows(g: Emitter, rows: readonly unknown[], type: SqlType, value: string, found: string): string {
  const known = rows.filter((datum) => datum !== null);
  if (isPrimitive(type)) {
    const members = g.writer.capture(new Set(known.map((datum) => g.held(datum, type))));
    g.writer.line(`${found} = ${members}.has(${value});`);
  } else {
    const isAmong = (datum: unknown): boolean => known.some((k) => compareDatum(datum, k, type) === 0);
    g.writer.line(`${found} = ${g.writer.capture(isAmong)}(${value});`);
  }
  return String(known.length < rows.length);
}

/** Sets `found`; gives the condition under which a NULL stood in the list. */
function inList(
  g: Emitter,
  list: readonly Expression[],
  type: SqlType,
  value: string,
  found: string,
): string {
  const constants = list.filter((item) => item.kind === 'constant');
  const datums = constants.map((item) =>
    item.text === null ? null : parseWith(g.options.context.format, item.text, item.type),
  );
  const known = datums.filter((datum) => datum !== null);
  let unknown = datums.includes(null) ? 'true' : 'false';
  if (known.length > 0 && isPrimitive(type)) {
    const members = g.writer.capture(new Set(known.map((datum) => g.held(datum, type))));
    g.writer.line(`${found} = ${members}.has(${value});`);
  } else {
    for (const datum of known) {
      const item = g.constant(datum, type);
      g.writer.line(`${found} ||= ${compared(g, value, item.value, type)} === 0;`);
    }
  }
  for (const item of list) {
    if (item.kind === 'constant') continue;
    const operand = g.emit(item);
    const equal = `${compared(g, value, operand.value, type)} === 0`;
    g.writer.line(`${found} ||= !${operand.isNull} && ${equal};`);
    unknown = anyNull([unknown, operand.isNull]);
  }
  return unknown === 'true' || unknown === 'false' ? unknown : `(${unknown})`;
}
