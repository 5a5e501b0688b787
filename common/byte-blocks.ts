/** Bytes that come in pieces of any size, kept in few blocks: a piece of one byte would cost a hundred. */

/** Smaller pieces are joined, so many at a time, until a block is as large. */
const BLOCK_BYTES = 64 * 1024;
const PIECES_MAX = 64;

export class ByteBlocks {
  #blocks: Uint8Array[] = [];
  /** after the blocks */
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (piece.length >= BLOCK_BYTES) {
      this.#join();
      this.#blocks.push(piece);
    } else {
      this.#pieces.push(piece);
      if (this.#pieces.length >= PIECES_MAX) this.#join();
    }
  }

  /** Takes about so many bytes out, from the front; a large block is divided. */
  take(bytes: number): Uint8Array[] {
    this.#join();
    const taken: Uint8Array[] = [];
    let whole = 0;
    for (let left = Math.ceil(bytes); left > 0 && whole < this.#blocks.length; ) {
      const block = this.#blocks[whole]!;
      const part = block.subarray(0, left);
      taken.push(part);
      left -= part.length;
      this.#bytes -= part.length;
      if (part.length < block.length) this.#blocks[whole] = block.subarray(part.length);
      else whole++;
    }
    this.#blocks.splice(0, whole);
    return taken;
  }

  takeAll(): Uint8Array[] {
    return this.take(this.#bytes);
  }

  clear(): void {
    this.#blocks = [];
    this.#pieces = [];
    this.#bytes = 0;
  }

  #join(): void {
    if (this.#pieces.length === 0) return;
    const pieces = this.#pieces;
    this.#pieces = [];
    const last = this.#blocks.at(-1);
    const joined =
      last !== undefined && last.length < BLOCK_BYTES ? [this.#blocks.pop()!, ...pieces] : pieces;
    this.#blocks.push(joined.length === 1 ? joined[0]! : Buffer.concat(joined));
  }
}
