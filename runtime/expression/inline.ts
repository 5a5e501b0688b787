/**
 * Templates of the operators that generated loops write out in place: the keys of runtime/plan/functions.ts whose
 * work is a few machine operations. `a` and `b` are the names of the operands; int8 is a number in narrow loops and
 * a bigint in wide ones, where the other operand must be made one, too. What has no template is called.
 */
import type { TypeName } from '../../common/types.ts';

export type InlineMode = 'narrow' | 'wide';
export type InlineTemplate = (args: readonly string[], mode: InlineMode) => string;

const INTEGERS: readonly TypeName[] = ['int2', 'int4', 'int8'];
const FLOATS: readonly TypeName[] = ['float4', 'float8'];
/** Held as numbers that are never NaN. */
const ORDINAL: readonly TypeName[] = ['date', 'time', 'timestamp', 'timestamptz'];

const wider = (a: TypeName, b: TypeName): TypeName => (INTEGERS.indexOf(a) >= INTEGERS.indexOf(b) ? a : b);

/** The operand as the loop's int8. */
const widened = (name: string, type: TypeName, mode: InlineMode): string =>
  mode === 'wide' && type !== 'int8' ? `BigInt(${name})` : name;

const RANGE_CHECK: Readonly<Record<string, string>> = { int2: 'toInt2', int4: 'toInt4' };

function integerArithmetic(templates: Map<string, InlineTemplate>): void {
  for (const left of INTEGERS) {
    for (const right of INTEGERS) {
      const result = wider(left, right);
      for (const operator of ['+', '-', '*']) {
        templates.set(`${operator}(${left},${right})`, ([a = '', b = ''], mode) => {
          if (result !== 'int8') return `${RANGE_CHECK[result]}(${a} ${operator} ${b})`;
          const sum = `${widened(a, left, mode)} ${operator} ${widened(b, right, mode)}`;
          return mode === 'wide' ? `toWide(${sum})` : `toNarrow(${sum})`;
        });
      }
      templates.set(`/(${left},${right})`, ([a = '', b = ''], mode) => {
        if (result !== 'int8') return `${RANGE_CHECK[result]}(quotient(${a}, ${b}))`;
        const operands = `${widened(a, left, mode)}, ${widened(b, right, mode)}`;
        return mode === 'wide' ? `quotientWide(${operands})` : `quotient(${operands})`;
      });
    }
    for (const name of ['%', 'mod']) {
      templates.set(`${name}(${left},${left})`, ([a = '', b = ''], mode) =>
        left === 'int8' && mode === 'wide' ? `remainderWide(${a}, ${b})` : `remainder(${a}, ${b})`,
      );
    }
    templates.set(`-(${left})`, ([a = ''], mode) => {
      if (left !== 'int8') return `${RANGE_CHECK[left]}(0 - ${a})`;
      return mode === 'wide' ? `toWide(-${a})` : `(0 - ${a})`;
    });
    templates.set(`+(${left})`, ([a = '']) => a);
    for (const name of ['abs', '@']) {
      templates.set(`${name}(${left})`, ([a = ''], mode) => {
        if (left !== 'int8') return `${RANGE_CHECK[left]}(Math.abs(${a}))`;
        return mode === 'wide' ? `toWide(${a} < 0n ? -${a} : ${a})` : `Math.abs(${a})`;
      });
    }
  }
}

function floatArithmetic(templates: Map<string, InlineTemplate>): void {
  for (const left of FLOATS) {
    for (const right of FLOATS) {
      const single = left === 'float4' && right === 'float4';
      const round = (text: string): string => (single ? `Math.fround(${text})` : text);
      for (const operator of ['+', '-']) {
        templates.set(
          `${operator}(${left},${right})`,
          ([a = '', b = '']) => `checkSum(${round(`${a} ${operator} ${b}`)}, ${a}, ${b})`,
        );
      }
      templates.set(
        `*(${left},${right})`,
        ([a = '', b = '']) => `checkProduct(${round(`${a} * ${b}`)}, ${a}, ${b})`,
      );
      templates.set(
        `/(${left},${right})`,
        ([a = '', b = '']) => `${single ? 'divideFloats4' : 'divideFloats'}(${a}, ${b})`,
      );
    }
    templates.set(`-(${left})`, ([a = '']) => `(-${a})`);
    templates.set(`+(${left})`, ([a = '']) => a);
    for (const name of ['abs', '@']) templates.set(`${name}(${left})`, ([a = '']) => `Math.abs(${a})`);
  }
}

const COMPARISONS = ['=', '<>', '<', '<=', '>', '>='] as const;
type Comparison = (typeof COMPARISONS)[number];

const SYMBOLS: Readonly<Record<Comparison, string>> = {
  '=': '===',
  '<>': '!==',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/** NaN is equal to itself and greater than all else. */
function floatComparison(operator: Comparison, a: string, b: string): string {
  switch (operator) {
    case '=':
      return `(${a} === ${b} || (${a} !== ${a} && ${b} !== ${b}))`;
    case '<>':
      return `(${a} !== ${b} && (${a} === ${a} || ${b} === ${b}))`;
    case '>':
      return `(${a} > ${b} || (${a} !== ${a} && ${b} === ${b}))`;
    case '<':
      return `(${a} < ${b} || (${b} !== ${b} && ${a} === ${a}))`;
    case '>=':
      return `(${a} >= ${b} || ${a} !== ${a})`;
    case '<=':
      return `(${a} <= ${b} || ${b} !== ${b})`;
  }
}

/** Against a number that is known not to be NaN one machine comparison does. */
export function floatComparisonWithNumber(operator: string, a: string, b: string): string {
  switch (operator) {
    case '>':
      return `!(${a} <= ${b})`;
    case '>=':
      return `!(${a} < ${b})`;
    case '=':
      return `(${a} === ${b})`;
    case '<>':
      return `(${a} !== ${b})`;
    default:
      return `(${a} ${operator} ${b})`;
  }
}

function comparisons(templates: Map<string, InlineTemplate>): void {
  for (const operator of COMPARISONS) {
    const symbol = SYMBOLS[operator];
    for (const left of INTEGERS) {
      for (const right of INTEGERS) {
        const wide = wider(left, right) === 'int8';
        templates.set(`${operator}(${left},${right})`, ([a = '', b = ''], mode) =>
          wide ? `(${widened(a, left, mode)} ${symbol} ${widened(b, right, mode)})` : `(${a} ${symbol} ${b})`,
        );
      }
    }
    for (const left of FLOATS) {
      for (const right of FLOATS) {
        templates.set(`${operator}(${left},${right})`, ([a = '', b = '']) => floatComparison(operator, a, b));
      }
    }
    for (const type of ORDINAL) {
      templates.set(`${operator}(${type},${type})`, ([a = '', b = '']) => `(${a} ${symbol} ${b})`);
    }
    templates.set(`${operator}(bool,bool)`, ([a = '', b = '']) => `(${a} ${symbol} ${b})`);
    templates.set(`${operator}(text,text)`, ([a = '', b = '']) =>
      operator === '=' || operator === '<>'
        ? `(${a} ${symbol} ${b})`
        : `(compareText(${a}, ${b}) ${symbol} 0)`,
    );
    templates.set(
      `${operator}(numeric,numeric)`,
      ([a = '', b = '']) => `(compareDecimals(${a}, ${b}) ${symbol} 0)`,
    );
  }
}

function casts(templates: Map<string, InlineTemplate>): void {
  const set = (source: string, target: string, template: InlineTemplate): void => {
    templates.set(`cast(${source},${target})`, template);
  };
  const same: InlineTemplate = ([a = '']) => a;
  set('int2', 'int4', same);
  set('int4', 'int2', ([a = '']) => `toInt2(${a})`);
  for (const type of ['int2', 'int4']) {
    set(type, 'int8', ([a = ''], mode) => (mode === 'wide' ? `BigInt(${a})` : a));
    set(type, 'float8', same);
    set(type, 'float4', ([a = '']) => `Math.fround(${a})`);
  }
  set('int8', 'int2', ([a = ''], mode) => `toInt2(${mode === 'wide' ? `Number(${a})` : a})`);
  set('int8', 'int4', ([a = ''], mode) => `toInt4(${mode === 'wide' ? `Number(${a})` : a})`);
  set('int8', 'float8', ([a = ''], mode) => (mode === 'wide' ? `Number(${a})` : a));
  set('float4', 'float8', same);
  set('float8', 'float4', ([a = '']) => `toFloat4(${a})`);
  for (const type of ['float4', 'float8']) {
    set(type, 'int2', ([a = '']) => `floatToInt2(${a})`);
    set(type, 'int4', ([a = '']) => `floatToInt4(${a})`);
    set(type, 'int8', ([a = ''], mode) => (mode === 'wide' ? `floatToInt8(${a})` : `floatToNarrow(${a})`));
  }
  for (const [source, target] of [
    ['varchar', 'text'],
    ['text', 'varchar'],
    ['text', 'bpchar'],
    ['varchar', 'bpchar'],
  ] as const) {
    set(source, target, same);
  }
  set('bool', 'int4', ([a = '']) => `(${a} ? 1 : 0)`);
  set('int4', 'bool', ([a = '']) => `(${a} !== 0)`);
}

function makeTemplates(): ReadonlyMap<string, InlineTemplate> {
  const templates = new Map<string, InlineTemplate>();
  integerArithmetic(templates);
  floatArithmetic(templates);
  comparisons(templates);
  casts(templates);
  return templates;
}

export const INLINE_TEMPLATES: ReadonlyMap<string, InlineTemplate> = makeTemplates();
