/**
 * Files of JSON lines or CSV, one per tick that has rows, written under a temporary name and renamed when the tick can be
 * recovered: `<tick>.json`. Where a file has that name (another sink's in the same directory, or of before a crash, after which
 * ticks are counted from the end of the logs) it is `<tick>-2.json` and so on: it holds other rows.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ExternalError } from '../../common/external-error.ts';
import { formatDatum } from '../../common/value-text.ts';
import { datumToJson } from '../../common/value-json.ts';
import type { Batch } from '../batch/column.ts';
import { readDatum } from '../batch/datum.ts';
import type { SinkOptions } from '../plan/relation.ts';
import { type Sink, type SinkInput, UNTIL_A_CRASH } from './sink.ts';

type Options = SinkOptions & { connector: 'file' };

export class FileSink implements Sink {
  readonly guarantee = UNTIL_A_CRASH;
  readonly sums: ReadonlyMap<string, number> = new Map();
  readonly #options: Options;
  readonly #input: SinkInput;
  #lines: string[] = [];

  constructor(options: Options, input: SinkInput) {
    this.#options = options;
    this.#input = input;
    try {
      mkdirSync(options.path, { recursive: true });
    } catch (error) {
      throw new ExternalError(`could not create directory "${options.path}"`, false, error);
    }
  }

  write(tick: number, batches: readonly Batch[]): void {
    for (const batch of batches) {
      for (let row = 0; row < batch.rows; row++) this.#lines.push(this.#line(tick, batch, row));
    }
  }

  commit(tick: number): void {
    if (this.#lines.length === 0) return;
    const { format, header, path } = this.#options;
    const head = format === 'csv' && header ? [this.#names().map(csvText).join(',')] : [];
    const file = this.#freeName(tick);
    const partial = join(path, `.${tick}.partial`);
    try {
      if (realpathSync(path) !== path) throw new Error('it leads elsewhere now');
      rmSync(partial, { force: true });
      // never through a link that somebody put there
      const fd = openSync(partial, 'wx');
      try {
        writeFileSync(fd, `${[...head, ...this.#lines].join('\n')}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(partial, file);
    } catch (error) {
      // they go out with the next tick
      throw new ExternalError(`could not write "${file}"`, true, error);
    }
    this.#lines = [];
  }

  #freeName(tick: number): string {
    const { format, path } = this.#options;
    const name = join(path, String(tick).padStart(15, '0'));
    let file = `${name}.${format}`;
    for (let n = 2; existsSync(file); n++) file = `${name}-${n}.${format}`;
    return file;
  }

  close(): void {
    // every committed tick is in its file
  }

  #names(): string[] {
    const names = this.#input.schema.map((f) => f.name);
    return this.#input.changes ? ['tick', 'diff', ...names] : names;
  }

  #line(tick: number, batch: Batch, row: number): string {
    const { schema, changes } = this.#input;
    const diff = batch.weights?.[row] ?? 1;
    const datums = schema.map((field, c) => readDatum(batch.columns[c]!, row, field.type));
    if (this.#options.format === 'json') {
      const members = schema.map(
        (f, c) => `${JSON.stringify(f.name)}:${datums[c] === null ? 'null' : datumToJson(datums[c], f.type)}`,
      );
      if (changes) members.unshift(`"tick":${tick}`, `"diff":${diff}`);
      return `{${members.join(',')}}`;
    }
    const fields = schema.map((f, c) => (datums[c] === null ? '' : csvText(formatDatum(datums[c], f.type))));
    if (changes) fields.unshift(String(tick), String(diff));
    return fields.join(',');
  }
}

/** Quoted where it must be; an empty text too, to be told from NULL. */
function csvText(text: string): string {
  return text === '' || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
