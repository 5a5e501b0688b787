/** Bytes that a client sends (COPY, HTTP POST, WebSocket insert): decoded in the tick that admits them. */
import { TICK_BYTES_MAX, LINE_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import type { LineDecoder } from '../format/decode/line-decoder.ts';
import type { Source, SourceOutput } from './source.ts';

export type IngestSourceOptions = Readonly<{
  decoder: LineDecoder;
  onError: 'fail' | 'reject';
  /** all rows in one tick, after the end */
  atomic: boolean;
}>;

export class IngestSource implements Source {
  /** Not a connector of the stream: its end is not the stream's. */
  readonly transient = true;
  readonly #options: IngestSourceOptions;
  #chunks: Uint8Array[] = [];
  #rest: Uint8Array = new Uint8Array(0);
  #finalSeen = false;
  #drained = false;
  #listener: () => void = () => undefined;
  #onDrain: () => void = () => undefined;
  waitingBytes = 0;
  accepted = 0;
  rejected = 0;
  failed: SqlError | null = null;

  constructor(options: IngestSourceOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    if (this.ended) return false;
    return this.#options.atomic ? this.#finalSeen : this.#chunks.length > 0 || this.#finalSeen;
  }

  get ended(): boolean {
    return this.#drained || this.failed !== null;
  }

  onReady(listener: () => void): void {
    this.#listener = listener;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.waitingBytes += chunk.length;
    this.#listener();
  }

  end(): void {
    this.#finalSeen = true;
    this.#listener();
  }

  poll(_now: number, out: SourceOutput, share: number): void {
    if (!this.ready) return;
    this.#options.decoder.recycle();
    // what is incomplete is not looked at again and again for a little more of it
    const bytes = Math.max(CHUNK_BYTES_LEAST, this.#rest.length, share * TICK_BYTES_MAX);
    const chunk = join([
      this.#rest,
      ...(this.#options.atomic ? this.#chunks.splice(0) : takeBytes(this.#chunks, bytes)),
    ]);
    const final = this.#finalSeen && this.#chunks.length === 0;
    const held: Batch[] = [];
    let rows = 0;
    try {
      const taken = this.#options.decoder.decode(chunk, 0, chunk.length, final, {
        batch: (batch) => {
          rows += batch.rows;
          if (this.#options.atomic) held.push(batch);
          else out.batch(batch);
        },
        reject: (row) => {
          if (this.#options.onError === 'fail') throw row.error;
          this.rejected++;
          out.reject(row, `line ${row.line}`);
        },
      });
      // a copy: the chunk's text is in use until the tick ends
      this.#rest = chunk.slice(taken);
      if (this.#rest.length > LINE_BYTES_MAX)
        throw new SqlError('54000', `a line is longer than ${LINE_BYTES_MAX} bytes`);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      this.failed = error;
      if (this.#options.atomic) rows = 0;
    }
    if (this.failed === null) for (const batch of held) out.batch(batch);
    this.accepted += rows;
    this.#drained = final;
    this.waitingBytes = this.#chunks.reduce((sum, c) => sum + c.length, 0);
    this.#onDrain();
  }

  close(): void {
    this.#drained = true;
    this.#chunks = [];
    this.waitingBytes = 0;
    this.#onDrain();
  }

  save(): void {
    // a client's bytes are acknowledged or not; there is no position
  }

  load(): void {
    // see save
  }
}

const CHUNK_BYTES_LEAST = 4096;

/** Takes about so many bytes out of the chunks; a large chunk is divided. */
function takeBytes(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  const taken: Uint8Array[] = [];
  for (let left = Math.ceil(bytes); left > 0 && chunks.length > 0; ) {
    const first = chunks[0]!;
    taken.push(first.subarray(0, left));
    if (first.length > left) chunks[0] = first.subarray(left);
    else chunks.shift();
    left -= first.length;
  }
  return taken;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const filled = parts.filter((p) => p.length > 0);
  return filled.length === 1 ? filled[0]! : Buffer.concat(filled);
}
