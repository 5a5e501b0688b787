/** Bytes that a client sends (COPY, HTTP POST, WebSocket insert): decoded in the tick that admits them. */
import { TICK_BYTES_MAX, LINE_BYTES_MAX } from '../../common/limits.ts';
import { ByteBlocks } from '../../common/byte-blocks.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import type { RejectReport } from '../engine-client.ts';
import type { DefaultedCell, LineDecoder, RejectedRow } from '../format/decode/line-decoder.ts';
import type { Source, SourceOutput } from './source.ts';

export type IngestSourceOptions = Readonly<{
  decoder: LineDecoder;
  onError: 'fail' | 'reject';
  /** all rows in one tick, after the end */
  atomic: boolean;
  /** More rejected rows than this end it. */
  rejectsMax?: number;
  /** Of so many it is told what was wrong. */
  reportsMax?: number;
  admit?: Admission;
  /** Errors of rows are told with it: `COPY tweets`. */
  label?: string;
  /** number of the line that holds the first row */
  firstLine?: number;
}>;

/** The whole rows that may enter; the others go to `reject`. */
export type Admission = (
  batch: Batch,
  defaulted: readonly DefaultedCell[],
  now: number,
  reject: (row: number, error: SqlError, payload: string) => void,
) => Batch;

export class IngestSource implements Source {
  /** Not a connector of the stream: its end is not the stream's. */
  readonly transient = true;
  readonly #options: IngestSourceOptions;
  readonly #waiting = new ByteBlocks();
  #rest: Uint8Array = new Uint8Array(0);
  #finalSeen = false;
  #drained = false;
  #listener: () => void = () => undefined;
  #onDrain: () => void = () => undefined;
  accepted = 0;
  rejected = 0;
  readonly reported: RejectReport[] = [];
  /** Of all batches so far: those that enter and those that do not. */
  #decoded = 0;
  failed: SqlError | null = null;

  constructor(options: IngestSourceOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    if (this.ended) return false;
    return this.#options.atomic ? this.#finalSeen : this.waitingBytes > 0 || this.#finalSeen;
  }

  get waitingBytes(): number {
    return this.#waiting.bytes;
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
    this.#waiting.push(chunk);
    this.#listener();
  }

  end(): void {
    this.#finalSeen = true;
    this.#listener();
  }

  poll(now: number, out: SourceOutput, share: number): void {
    if (!this.ready) return;
    this.#options.decoder.recycle();
    // what is incomplete is not looked at again and again for a little more of it
    const bytes = Math.max(CHUNK_BYTES_LEAST, this.#rest.length, share * TICK_BYTES_MAX);
    const chunk = join([
      this.#rest,
      ...(this.#options.atomic ? this.#waiting.takeAll() : this.#waiting.take(bytes)),
    ]);
    const final = this.#finalSeen && this.waitingBytes === 0;
    const held: Batch[] = [];
    let rows = 0;
    try {
      const taken = this.#options.decoder.decode(chunk, 0, chunk.length, final, {
        batch: (decoded, defaulted = []) => {
          const batch = this.#admit(decoded, defaulted, now, out);
          rows += batch.rows;
          if (this.#options.atomic) held.push(batch);
          else out.batch(batch, true);
        },
        reject: (row) => {
          this.#countReject(row);
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
    if (this.failed === null) for (const batch of held) out.batch(batch, true);
    this.accepted += rows;
    this.#drained = final;
    this.#onDrain();
  }

  #admit(decoded: Batch, defaulted: readonly DefaultedCell[], now: number, out: SourceOutput): Batch {
    const before = this.#decoded;
    this.#decoded += decoded.rows;
    const { admit, label = '', firstLine = 1 } = this.#options;
    if (admit === undefined) return decoded;
    return admit(decoded, defaulted, now, (row, cause, payload) => {
      // rows that could not be decoded are not among these: which line it is shows only where there were none
      const line = this.rejected === 0 ? firstLine + before + row : 0;
      const context = line === 0 ? label : `${label}, line ${line}`;
      const error = new SqlError(cause.code, cause.message, { ...cause.toPlain(), context });
      this.#countReject({ error, line, payload });
      out.reject({ error, line, payload }, null);
    });
  }

  #countReject({ error, line, field }: RejectedRow): void {
    if (this.#options.onError === 'fail') throw error;
    this.rejected++;
    const { rejectsMax = Number.POSITIVE_INFINITY, reportsMax = 0 } = this.#options;
    if (this.rejected > rejectsMax) {
      const message = `skipped more than REJECT_LIMIT (${rejectsMax}) rows due to data type incompatibility`;
      throw new SqlError('22P02', message, { context: error.context });
    }
    if (this.reported.length >= reportsMax) return;
    const { column = null, value = '' } = field ?? {};
    this.reported.push({ line, column, value, message: error.message });
  }

  close(): void {
    this.#drained = true;
    this.#waiting.clear();
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

function join(parts: readonly Uint8Array[]): Uint8Array {
  const filled = parts.filter((p) => p.length > 0);
  return filled.length === 1 ? filled[0]! : Buffer.concat(filled);
}
