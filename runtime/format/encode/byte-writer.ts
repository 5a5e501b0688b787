/**
 * One growing buffer that rows are encoded into. Hot loops take `bytes` and `length` into locals, call `reserve`
 * before each row and store `length` back at the end.
 */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity = 16_384) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `count` more bytes and gives the buffer that has it. */
  reserve(count: number): Buffer {
    const needed = this.length + count;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    return this.bytes;
  }

  writeBytes(source: Uint8Array): void {
    this.reserve(source.length).set(source, this.length);
    this.length += source.length;
  }

  writeText(text: string): void {
    // A UTF-16 unit becomes at most three bytes.
    this.length += this.reserve(text.length * 3).write(text, this.length, 'utf8');
  }

  writeByte(value: number): void {
    this.reserve(1)[this.length++] = value;
  }

  writeInt16(value: number): void {
    this.length = this.reserve(2).writeUInt16BE(value & 0xffff, this.length);
  }

  writeInt32(value: number): void {
    this.length = this.reserve(4).writeInt32BE(value | 0, this.length);
  }

  /** Gives the whole buffer away, and how much of it is written; goes on in `next`, or in a new one of that size. */
  exchange(next?: Buffer): Readonly<{ bytes: Buffer; length: number }> {
    const { bytes, length } = this;
    this.bytes = next ?? Buffer.allocUnsafeSlow(bytes.length);
    this.length = 0;
    return { bytes, length };
  }

  /** The bytes written so far, owned by the caller; the writer starts anew. */
  take(): Buffer {
    const { bytes, length } = this;
    this.length = 0;
    // A small result is copied, so that it doesn't hold on to a large buffer; a large one is given away.
    if (length * 2 < bytes.length) return Buffer.from(bytes.subarray(0, length));
    this.bytes = Buffer.allocUnsafeSlow(Math.min(bytes.length, 1 << 20));
    return bytes.subarray(0, length);
  }
}
