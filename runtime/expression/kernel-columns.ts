/** The columns that a kernel reads: cheap values are loaded at the head of each row, text is decoded when needed. */
import { physicalKind, type SqlType } from '../../common/types.ts';
import type { ByteRange, KernelWriter, Operand } from './kernel-writer.ts';

export class KernelColumns {
  readonly #writer: KernelWriter;
  readonly #nulls: boolean;
  readonly #loaded = new Map<number, Operand | ByteRange>();
  readonly #decoded = new Map<number, string>();

  constructor(writer: KernelWriter, nulls: boolean) {
    this.#writer = writer;
    this.#nulls = nulls;
  }

  /** The local names of a column's arrays; loads what is cheap at the head of each row. */
  load(index: number, type: SqlType): Operand | ByteRange {
    const loaded = this.#loaded.get(index);
    if (loaded !== undefined) return loaded;
    const slot = this.#writer.used.length;
    this.#writer.used.push(index);
    const array = `c${slot}`;
    this.#writer.prologue(`const ${array} = columns[${slot}].values;`);
    let isNull = 'false';
    if (this.#nulls) {
      this.#writer.prologue(`const m${slot} = columns[${slot}].valid;`);
      isNull = `n${slot}`;
      this.#writer.load(`const ${isNull} = ((m${slot}[i >> 3] >> (i & 7)) & 1) === 0;`);
    }
    const operand = this.#loadValue(slot, array, isNull, type);
    this.#loaded.set(index, operand);
    return operand;
  }

  #loadValue(slot: number, array: string, isNull: string, type: SqlType): Operand | ByteRange {
    const name = `x${slot}`;
    switch (physicalKind(type)) {
      case 'bytes':
        this.#writer.prologue(
          `const s${slot} = columns[${slot}].starts;`,
          `const e${slot} = columns[${slot}].ends;`,
        );
        return { bytes: array, start: `s${slot}[i]`, end: `e${slot}[i]`, isNull };
      case 'bool':
        this.#writer.load(`const ${name} = ${array}[i] === 1;`);
        break;
      case 'int32':
        this.#writer.load(
          type.name === 'date'
            ? `const ${name} = dateFromInt32(${array}[i]);`
            : `const ${name} = ${array}[i];`,
        );
        break;
      default:
        this.#writer.load(`const ${name} = ${array}[i];`);
    }
    return { value: name, isNull };
  }

  column(index: number, type: SqlType): Operand {
    const loaded = this.load(index, type);
    if (!('bytes' in loaded)) return loaded;
    // Decoded where first needed in the row, and kept.
    let name = this.#decoded.get(index);
    if (name === undefined) {
      name = `t${index}`;
      this.#decoded.set(index, name);
      this.#writer.load(`let ${name} = undefined;`);
    }
    const range = `${loaded.bytes}, ${loaded.start}, ${loaded.end}`;
    const decoded =
      type.name === 'uuid'
        ? `formatUuidBytes(${loaded.bytes}, ${loaded.start})`
        : type.name === 'bytea'
          ? `${loaded.bytes}.slice(${loaded.start}, ${loaded.end})`
          : `${this.#writer.capture(decodeText)}(${range})`;
    this.#writer.line(
      loaded.isNull === 'false'
        ? `if (${name} === undefined) ${name} = ${decoded};`
        : `if (${name} === undefined && !${loaded.isNull}) ${name} = ${decoded};`,
    );
    return { value: name, isNull: loaded.isNull };
  }
}

const SHORT_TEXT = 16;

/** UTF-8 → string; short ASCII without a call into the decoder. */
function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT_TEXT) {
    let text = '';
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte > 127) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
