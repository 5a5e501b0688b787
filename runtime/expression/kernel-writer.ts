/** The text of one kernel as it grows: what stands before the loop, at the head of each row, and in its body. */
import { compareDecimals } from '../../common/decimal.ts';
import { compareText } from '../../common/text.ts';
import { physicalKind, type SqlType } from '../../common/types.ts';
import { formatUuidBytes } from '../../common/value-binary.ts';
import { dateFromInt32 } from '../batch/datum.ts';
import { compareRanges, equalRanges } from './bytes-compare.ts';
import type { InlineMode } from './inline.ts';
import * as overflow from './overflow.ts';

export type KernelVariant = Readonly<{ mode: InlineMode; nulls: boolean }>;

/** Where the generated loop reports: rows done, the row that failed, NULLs stored or rows chosen. */
export type KernelState = { row: number; nulls: number; count: number };

/** `columns`: per used column its arrays in the order of `usedColumns`. */
export type Kernel = (
  start: number,
  rows: number,
  columns: readonly unknown[],
  out: unknown,
  valid: Uint8Array,
  state: KernelState,
) => void;

export type GeneratedKernel = Readonly<{ kernel: Kernel; usedColumns: readonly number[] }>;

/** What the generated text may name beside its own variables. */
const LIBRARY: Readonly<Record<string, unknown>> = {
  ...overflow,
  compareText,
  compareDecimals,
  equalRanges,
  compareRanges,
  dateFromInt32,
  formatUuidBytes,
};
const LIBRARY_NAMES = Object.keys(LIBRARY);

/** A value and whether it is NULL: names, or `true` and `false` where that is known. */
export type Operand = Readonly<{ value: string; isNull: string }>;
export type ByteRange = Readonly<{ bytes: string; start: string; end: string; isNull: string }>;

/** Starting values of variables, so that each keeps one representation. */
export function initialValue(type: SqlType, mode: InlineMode): string {
  switch (physicalKind(type)) {
    case 'bool':
      return 'false';
    case 'int32':
    case 'float64':
      return '0';
    case 'int64':
      return mode === 'wide' ? '0n' : '0';
    default:
      return 'null';
  }
}

/** NULL if one is; `true` and `false` where that is known. */
export function anyNull(flags: readonly string[]): string {
  if (flags.includes('true')) return 'true';
  const open = [...new Set(flags.filter((flag) => flag !== 'false'))];
  return open.length === 0 ? 'false' : open.join(' || ');
}

export class KernelWriter {
  readonly #captured: unknown[] = [];
  readonly #prologue: string[] = [];
  readonly #loads: string[] = [];
  /** Ordinals of the columns that the kernel reads, in the order of its arguments. */
  readonly used: number[] = [];
  #lines: string[] = [];
  #names = 0;

  /** Before the loop. */
  prologue(...lines: readonly string[]): void {
    this.#prologue.push(...lines);
  }

  /** At the head of each row. */
  load(line: string): void {
    this.#loads.push(line);
  }

  line(text: string): void {
    this.#lines.push(text);
  }

  /** A fresh variable. */
  name(): string {
    return `v${this.#names++}`;
  }

  /** The name under which the text knows a value. */
  capture(value: unknown): string {
    this.#captured.push(value);
    return `k${this.#captured.length - 1}`;
  }

  /** A variable for a condition made of several. */
  flag(condition: string): string {
    if (/^\w+$/.test(condition)) return condition;
    const name = this.name();
    this.line(`const ${name} = ${condition};`);
    return name;
  }

  /** The lines that `work` writes, apart. */
  block<T>(work: () => T): Readonly<{ text: string; result: T }> {
    const outer = this.#lines;
    this.#lines = [];
    const result = work();
    const text = this.#lines.join('\n');
    this.#lines = outer;
    return { text, result };
  }

  finish(report: string, start: string): GeneratedKernel {
    const captured = this.#captured.map((_, n) => `const k${n} = captured[${n}];`);
    const text = `'use strict';
${captured.join('\n')}
return function kernel(start, rows, columns, out, valid, state) {
${this.#prologue.join('\n')}
${start}
let i = start;
try {
for (; i < rows; i++) {
${this.#loads.join('\n')}
${this.#lines.join('\n')}
}
} finally {
state.row = i;
${report}
}
};`;
    const make = new Function('captured', ...LIBRARY_NAMES, text) as (...args: unknown[]) => Kernel;
    return { kernel: make(this.#captured, ...Object.values(LIBRARY)), usedColumns: this.used };
  }
}
