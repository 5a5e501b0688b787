/**
 * Files of JSON lines or CSV, one per tick that has rows, written under a temporary name and renamed when the tick is
 * complete: `<tick>.json`. A tick that is there already is not written again, so each tick is there exactly once.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ExternalError } from '../../common/external-error.ts';
import { formatDatum } from '../../common/value-text.ts';
import { datumToJson } from '../../common/value-json.ts';
import type { Batch } from '../batch/column.ts';
import { readDatum } from '../batch/datum.ts';
import type { SinkOptions } from '../plan/relation.ts';
import type { Sink, SinkInput } from './sink.ts';

type Options = SinkOptions & { connector: 'file' };

export class FileSink implements Sink {
  readonly guarantee = 'exactly once (a file per tick, renamed into place)';
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
    const lines = this.#lines;
    this.#lines = [];
    const file = join(path, `${String(tick).padStart(15, '0')}.${format}`);
    if (existsSync(file)) return;
    if (format === 'csv' && header) lines.unshift(this.#names().map(csvText).join(','));
    const partial = join(path, `.${tick}.partial`);
    try {
      const fd = openSync(partial, 'w');
      writeSync(fd, `${lines.join('\n')}\n`);
      fsyncSync(fd);
      closeSync(fd);
      renameSync(partial, file);
    } catch (error) {
      this.#lines = lines;
      throw new ExternalError(`could not write "${file}"`, true, error);
    }
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
