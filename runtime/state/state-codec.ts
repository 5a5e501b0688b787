/**
 * Saved state: a sequence of tagged values, little-endian, in the order in which they were written.
 *
 *   'n' float64            number            's' f64 bytes…   text (UTF-8)
 *   'a' f64 bytes…         typed array       'v' f64 bytes…   plain data (v8 serialisation)
 *
 * A reader that meets another tag than it asks for has met another format: it refuses (assertion).
 */
import { deserialize, serialize } from 'node:v8';
import { assert } from '../../common/assert.ts';

type Numbers = Uint8Array | Int32Array | Uint32Array | Float64Array | BigInt64Array;
type NumbersClass<A> = { new (buffer: ArrayBuffer): A; readonly name: string };

const TAGS = { number: 110, text: 115, array: 97, value: 118 } as const;

export class StateWriter {
  #parts: Uint8Array[] = [];

  number(value: number): void {
    const part = new DataView(new ArrayBuffer(9));
    part.setUint8(0, TAGS.number);
    part.setFloat64(1, value, true);
    this.#parts.push(new Uint8Array(part.buffer));
  }

  text(value: string): void {
    this.#block(TAGS.text, Buffer.from(value));
  }

  array(value: Numbers): void {
    this.#block(TAGS.array, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  /** Plain data: maps, bigints, arrays, nested objects. */
  value(value: unknown): void {
    this.#block(TAGS.value, serialize(value));
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #block(tag: number, bytes: Uint8Array): void {
    const head = new DataView(new ArrayBuffer(9));
    head.setUint8(0, tag);
    head.setFloat64(1, bytes.byteLength, true);
    // a copy: the state goes on changing while the checkpoint is written
    this.#parts.push(new Uint8Array(head.buffer), new Uint8Array(bytes));
  }
}

export class StateReader {
  #at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  number(): number {
    this.#expect(TAGS.number);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  text(): string {
    return Buffer.from(this.#block(TAGS.text)).toString();
  }

  array<A extends Numbers>(kind: NumbersClass<A>): A {
    return new kind(new Uint8Array(this.#block(TAGS.array)).buffer);
  }

  value(): unknown {
    return deserialize(this.#block(TAGS.value));
  }

  #block(tag: number): Uint8Array {
    this.#expect(tag);
    const length = this.#view.getFloat64(this.#at, true);
    const start = this.#at + 8;
    this.#at = start + length;
    assert(this.#at <= this.#bytes.length, 'saved state ends early');
    return this.#bytes.subarray(start, this.#at);
  }

  #expect(tag: number): void {
    assert(this.#bytes[this.#at] === tag, 'saved state has another format');
    this.#at++;
  }
}
