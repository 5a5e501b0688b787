/**
 * Lines of a file, or of the files of a directory as they appear (D-Streams' textFileStream), in the order of their
 * names. `follow`: goes on when more is appended; else the end of the file is the end of the source.
 */
import { closeSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ExternalError } from '../../common/external-error.ts';
import { FILE_CHUNK_BYTES, LINE_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import { payloadText, type LineDecoder } from '../format/decode/line-decoder.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { isInside, openInside } from './open-inside.ts';
import type { Source, SourceOutput } from './source.ts';

const LOOK_AGAIN_MS = 100;
const CHUNK_BYTES_LEAST = 4096;

export class FileSource implements Source {
  readonly #path: string;
  readonly #follow: boolean;
  readonly #makeDecoder: () => LineDecoder;
  readonly #isDirectory: boolean;
  #decoder: LineDecoder;
  #buffer = Buffer.allocUnsafe(FILE_CHUNK_BYTES + 65536);
  /** bytes of an unfinished line at the start of the buffer, and where the last poll left them */
  #carried = 0;
  #restFrom = 0;
  #restTo = 0;
  #fd: number | null = null;
  #current: string | null = null;
  #position = 0;
  readonly #done = new Set<string>();
  /** after a start: where reading `#current` goes on; null once it is open */
  #resumeAt: number | null = null;
  #reported = '';
  #ended = false;
  #ready = true;
  #timer: NodeJS.Timeout | null = null;
  #listener: () => void = () => undefined;

  /** `path`: a real path. Throws ExternalError when it can't be read. */
  constructor(path: string, follow: boolean, makeDecoder: () => LineDecoder) {
    this.#path = path;
    this.#follow = follow;
    this.#makeDecoder = makeDecoder;
    this.#decoder = makeDecoder();
    try {
      const found = statSync(path);
      this.#isDirectory = found.isDirectory();
      if (!this.#isDirectory && !found.isFile()) throw new Error('it is no regular file');
    } catch (error) {
      throw new ExternalError(`could not open file "${path}"`, false, error);
    }
  }

  get ready(): boolean {
    return this.#ready && !this.#ended;
  }

  get ended(): boolean {
    return this.#ended;
  }

  onReady(listener: () => void): void {
    this.#listener = listener;
  }

  poll(_nowMicros: number, out: SourceOutput, share: number): void {
    if (this.#ended) return;
    if (this.#fd === null && !this.#openNext(out)) {
      if (this.#follow) this.#lookAgain();
      else this.#ended = true;
      return;
    }
    this.#decoder.recycle();
    // the rows of the last poll were views into the buffer: only now may it change
    this.#buffer.copyWithin(0, this.#restFrom, this.#restTo);
    this.#carried = this.#restTo - this.#restFrom;
    if (this.#buffer.length - this.#carried < FILE_CHUNK_BYTES) {
      const larger = Buffer.allocUnsafe(2 * this.#buffer.length);
      this.#buffer.copy(larger, 0, 0, this.#carried);
      this.#buffer = larger;
    }
    // a long line that is still incomplete is not looked at again and again for a little more of it
    const least = Math.max(CHUNK_BYTES_LEAST, this.#carried);
    const bytes = Math.min(FILE_CHUNK_BYTES, Math.max(least, Math.floor(share * FILE_CHUNK_BYTES)));
    const read = this.#read(bytes, out);
    this.#position += read;
    const have = this.#carried + read;
    // at the end of a file that may grow, an unfinished line waits
    const fileEnds = read === 0 && (this.#isDirectory || !this.#follow);
    const sink = {
      batch: (batch: Batch) => out.batch(batch),
      reject: (row: Parameters<typeof out.reject>[0]) => out.reject(row, `${this.#current}:${row.line}`),
    };
    let taken = this.#decoder.decode(this.#buffer, 0, have, fileEnds, sink);
    if (have - taken > LINE_BYTES_MAX) {
      const error = new SqlError('54000', `a line is longer than ${LINE_BYTES_MAX} bytes`);
      out.reject(
        { error, line: 0, payload: payloadText(this.#buffer, taken, have) },
        `${this.#current}:${this.#position}`,
      );
      taken = have;
    }
    this.#restFrom = taken;
    this.#restTo = have;
    if (read > 0) return;
    if (fileEnds) this.#finishFile();
    else this.#lookAgain();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    this.#ended = true;
  }

  save(w: StateWriter): void {
    w.value({
      current: this.#current,
      position: this.#resumeAt ?? this.#position - (this.#restTo - this.#restFrom),
      done: [...this.#done],
      ended: this.#ended,
    });
  }

  load(r: StateReader): void {
    const saved = r.value() as { current: string | null; position: number; done: string[]; ended: boolean };
    for (const name of saved.done) this.#done.add(name);
    this.#ended = saved.ended;
    if (saved.current === null || saved.ended) return;
    this.#current = saved.current;
    this.#resumeAt = saved.position;
  }

  /** What can't be opened is told once, and passed over; false: nothing is there now. */
  #openNext(out: SourceOutput): boolean {
    for (;;) {
      const from = this.#resumeAt;
      let path: string | null = null;
      try {
        path = from === null ? this.#nextPath() : this.#current;
        if (path === null) return false;
        this.#fd = openInside(path, this.#path);
      } catch (error) {
        this.#report(error, path ?? this.#path, out);
        this.#resumeAt = null;
        this.#current = null;
        // a directory that is gone may come back
        if (path === null || !this.#isDirectory) return false;
        this.#done.add(path);
        continue;
      }
      this.#resumeAt = null;
      this.#current = path;
      this.#position = from ?? 0;
      this.#restFrom = 0;
      this.#restTo = 0;
      return true;
    }
  }

  #nextPath(): string | null {
    if (!this.#isDirectory) return this.#done.has(this.#path) ? null : this.#path;
    if (realpathSync(this.#path) !== this.#path) throw new Error('it leads elsewhere now');
    const names = readdirSync(this.#path)
      .filter((name) => !name.startsWith('.'))
      .sort();
    const next = names
      .map((name) => join(this.#path, name))
      .find((path) => !this.#done.has(path) && this.#isFile(path));
    return next ?? null;
  }

  /** A link that leads out of the directory is no file of it, nor one that leads nowhere. */
  #isFile(path: string): boolean {
    try {
      return isInside(path, this.#path) && statSync(path).isFile();
    } catch {
      return false;
    }
  }

  /** 0: the end, also where reading fails. */
  #read(bytes: number, out: SourceOutput): number {
    try {
      return readSync(this.#fd!, this.#buffer, this.#carried, bytes, this.#position);
    } catch (error) {
      this.#report(error, this.#current!, out);
      return 0;
    }
  }

  /** In millrace.rejected_rows, once as long as it stays the same. */
  #report(error: unknown, path: string, out: SourceOutput): void {
    const { code, message: reason } = error as NodeJS.ErrnoException;
    const message = `could not read "${path}": ${code ?? reason}`;
    if (message === this.#reported) return;
    this.#reported = message;
    out.reject({ error: new SqlError('58030', message), line: 0, payload: '' }, path);
  }

  #finishFile(): void {
    closeSync(this.#fd!);
    this.#fd = null;
    this.#done.add(this.#current!);
    this.#current = null;
    this.#decoder = this.#makeDecoder();
    if (!this.#isDirectory) this.#ended = true;
  }

  #lookAgain(): void {
    this.#ready = false;
    this.#timer = setTimeout(() => {
      this.#ready = true;
      this.#listener();
    }, LOOK_AGAIN_MS);
    this.#timer.unref();
  }
}
