/** Code with branches: AND, OR, CASE, COALESCE, and comparisons of any type. A branch that is not taken is not run. */
import type { SqlType } from '../../common/types.ts';
import { compareDatum } from '../../common/value-compare.ts';
import type { Expression } from '../plan/expression.ts';
import type { Emitter } from './emitter.ts';
import { initialValue, type Operand } from './kernel-writer.ts';

/** AND (OR): stops at the first false (true); unknown if none and one was NULL. */
export function emitLogic(g: Emitter, args: readonly Expression[], decisive: boolean): Operand {
  const value = g.writer.name();
  const unknown = g.writer.name();
  g.writer.line(`let ${value} = ${!decisive};`);
  g.writer.line(`let ${unknown} = false;`);
  let nullable = false;
  for (const arg of args) {
    const { text, result } = g.writer.block(() => g.emit(arg));
    const decides = `${value} = ${result.value};`;
    nullable ||= result.isNull !== 'false';
    const step =
      result.isNull === 'false' ? decides : `if (${result.isNull}) ${unknown} = true; else ${decides}`;
    g.writer.line(`if (${decisive ? '!' : ''}${value}) {\n${text}\n${step}\n}`);
  }
  if (!nullable) return { value, isNull: 'false' };
  return { value, isNull: g.writer.flag(`${unknown} && ${decisive ? '!' : ''}${value}`) };
}

export function emitCase(g: Emitter, e: Expression & { kind: 'case' }): Operand {
  const value = g.writer.name();
  const flag = g.writer.name();
  const label = `b${value}`;
  g.writer.line(`let ${value} = ${initialValue(e.type, g.variant.mode)};`);
  g.writer.line(`let ${flag} = true;`);
  const assign = (branch: Expression): string => {
    const { text, result } = g.writer.block(() => g.emit(branch));
    if (result.isNull === 'true') return text;
    return `${text}\n${flag} = ${result.isNull}; if (!${flag}) ${value} = ${result.value};`;
  };
  const body = g.writer.block(() => {
    for (const branch of e.branches) {
      const when = g.emit(branch.when);
      g.writer.line(`if (!${when.isNull} && ${when.value}) {\n${assign(branch.then)}\nbreak ${label};\n}`);
    }
    if (e.otherwise !== null) g.writer.line(assign(e.otherwise));
  });
  g.writer.line(`${label}: {\n${body.text}\n}`);
  return { value, isNull: flag };
}

export function emitCoalesce(g: Emitter, args: readonly Expression[], type: SqlType): Operand {
  const value = g.writer.name();
  const flag = g.writer.name();
  g.writer.line(`let ${value} = ${initialValue(type, g.variant.mode)};`);
  g.writer.line(`let ${flag} = true;`);
  for (const arg of args) {
    const { text, result } = g.writer.block(() => g.emit(arg));
    // Even what is surely NULL is evaluated: it may hold an error.
    g.writer.line(
      `if (${flag}) {\n${text}\nif (!${result.isNull}) { ${flag} = false; ${value} = ${result.value}; }\n}`,
    );
  }
  return { value, isNull: flag };
}

/** `a` compared with `b`: an expression that is negative, 0 or positive. */
export function compared(g: Emitter, a: string, b: string, type: SqlType): string {
  if (['int2', 'int4', 'int8', 'date', 'time', 'timestamp', 'timestamptz'].includes(type.name)) {
    return `(${a} < ${b} ? -1 : ${a} > ${b} ? 1 : 0)`;
  }
  const compare = g.writer.capture((x: unknown, y: unknown) => compareDatum(x, y, type));
  return `${compare}(${a}, ${b})`;
}

export function emitExtreme(
  g: Emitter,
  args: readonly Expression[],
  type: SqlType,
  kind: 'greatest' | 'least',
): Operand {
  const value = g.writer.name();
  const flag = g.writer.name();
  g.writer.line(`let ${value} = ${initialValue(type, g.variant.mode)};`);
  g.writer.line(`let ${flag} = true;`);
  for (const arg of args) {
    const operand = g.emit(arg);
    if (operand.isNull === 'true') continue;
    const better = `${compared(g, operand.value, value, type)} ${kind === 'greatest' ? '>' : '<'} 0`;
    g.writer.line(
      `if (!${operand.isNull} && (${flag} || ${better})) { ${flag} = false; ${value} = ${operand.value}; }`,
    );
  }
  return { value, isNull: flag };
}

export function emitDistinct(g: Emitter, left: Expression, right: Expression, negated: boolean): Operand {
  const [a, b] = [g.emit(left), g.emit(right)];
  const name = g.writer.name();
  const differs = `${compared(g, a.value, b.value, left.type)} !== 0`;
  g.writer.line(`const ${name} = (${a.isNull} || ${b.isNull}) ? ${a.isNull} !== ${b.isNull} : ${differs};`);
  return { value: negated ? `!${name}` : name, isNull: 'false' };
}
