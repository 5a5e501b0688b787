/** COPY, HTTP POST and WebSocket inserts: bytes in, rows in the ticks that decode them. */
import { WAITING_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import type { Tick } from '../dstream/dstream.ts';
import type { Ingest, IngestOptions, IngestResult } from '../engine-client.ts';
import { createDecoder } from '../format/decode/create-decoder.ts';
import type { LineDecoder } from '../format/decode/line-decoder.ts';
import { diskFull } from '../storage/disk-room.ts';
import { IngestSource } from '../source/ingest-source.ts';
import { withGenerated } from './completed-rows.ts';
import { internalError, type EngineState } from './engine-state.ts';
import { ingestDefaults } from './ingest-defaults.ts';
import type { StreamRuntime } from './stream-runtime.ts';

/** Bytes waiting in one ingest before its client has to wait. */
const INGEST_BYTES_MAX = WAITING_BYTES_MAX / 8;

/** Short numbers take more in columns than as text. */
const LOG_BYTES_OF_TEXT = 3;

export type InTick = <T>(work: (tick: Tick) => T) => Promise<T>;

export function openIngest(options: IngestOptions, state: EngineState, inTick: InTick): Ingest {
  const stream = state.relations.streams.get(options.relation);
  const definition = stream?.definition ?? state.relations.table(options.relation).definition;
  const decoder = guarded(
    createDecoder(
      definition.columns,
      options.columns,
      options.format,
      null,
      options.label,
      options.text,
      stream === undefined ? 'text' : stream.definition.format.timestampUnit,
    ),
  );
  const atomic = options.atomic || stream === undefined;
  const completion = { now: () => state.tick.time, timeZone: options.text?.timeZone ?? 'UTC' };
  const defaults = ingestDefaults(definition.columns, options.columns, completion);
  const source = new IngestSource({
    ...options,
    firstLine: 'header' in options.format && options.format.header ? 2 : 1,
    decoder,
    atomic,
    admit: (batch, defaulted, now, reject) => {
      const whole = defaults(batch, defaulted);
      if (stream === undefined) return withGenerated(whole, definition.columns, completion);
      return stream.admissible(whole, now, reject);
    },
  });
  return stream === undefined
    ? tableIngest(options, source, state, inTick)
    : streamIngest(stream, source, atomic, state, inTick);
}

/**
 * What a client sent must not end the engine: an error that is not SQL's, thrown while its bytes are decoded, ends its
 * ingest alone.
 */
function guarded(decoder: LineDecoder): LineDecoder {
  return {
    recycle: () => decoder.recycle(),
    decode: (chunk, from, to, final, out) => {
      try {
        return decoder.decode(chunk, from, to, final, out);
      } catch (error) {
        if (error instanceof RangeError && error.message.includes('call stack'))
          throw new SqlError('54001', 'stack depth limit exceeded');
        throw internalError(error);
      }
    },
  };
}

function streamIngest(
  stream: StreamRuntime,
  source: IngestSource,
  atomic: boolean,
  state: EngineState,
  inTick: InTick,
): Ingest {
  stream.sources.add(source);
  source.onReady(() => state.wake());
  const close = (): void => {
    source.close();
    stream.sources.delete(source);
  };
  /** Once refused nothing more gets in, not even when there is memory again: the client has been told. */
  let refused: SqlError | null = null;
  const check = (): void => {
    if (source.failed !== null) throw failure(source);
    if (refused === null && state.memoryPressure >= 1) {
      refused = outOfMemory(source.accepted);
      close();
    } else if (refused === null && !source.ended && state.disk.isFull) {
      refused = diskFull(`${source.accepted} rows are in.`);
      close();
    }
    if (refused !== null) throw refused;
  };
  return {
    push: async (chunk) => {
      check();
      source.push(chunk);
      // what is to land in one tick can't wait for ticks: its client bounds it
      if (atomic) return;
      while (source.waitingBytes >= INGEST_BYTES_MAX) {
        await inTick((tick) => tick.number);
        check();
      }
    },
    end: async () => {
      source.end();
      for (;;) {
        const tick = await inTick((t) => t.number);
        if (source.failed === null && source.ended && refused === null) return resultOf(source, tick);
        check();
      }
    },
    abort: close,
  };
}

function tableIngest(
  options: IngestOptions,
  source: IngestSource,
  state: EngineState,
  inTick: InTick,
): Ingest {
  /** What others copy waits in memory too. */
  let counted = 0;
  const count = (bytes: number): void => {
    state.copiedBytes += bytes - counted;
    counted = bytes;
  };
  const close = (): void => {
    source.close();
    count(0);
  };
  let refused: SqlError | null = null;
  return {
    push: async (chunk) => {
      if (refused === null && state.memoryBytes + state.copiedBytes >= state.options.memoryLimitBytes) {
        refused = outOfMemory(0);
        close();
      }
      if (refused !== null) throw refused;
      source.push(chunk);
      count(source.waitingBytes);
    },
    end: () =>
      inTick((tick) => {
        count(0);
        if (refused !== null) throw refused;
        state.requireMemory();
        state.disk.require(LOG_BYTES_OF_TEXT * source.waitingBytes);
        const table = state.relations.table(options.relation);
        const batches: Batch[] = [];
        source.end();
        source.poll(
          tick.time,
          {
            batch: (b) => batches.push(b),
            reject: (row, offset) => state.reject(table.name, row.error, offset, row.payload),
          },
          1,
        );
        if (source.failed !== null) throw failure(source);
        const { mark } = table;
        try {
          for (const batch of batches) table.insert(batch, 'error');
        } catch (error) {
          table.undo(mark);
          throw error;
        }
        return resultOf(source, tick.number);
      }),
    abort: close,
  };
}

const resultOf = ({ accepted, rejected, reported }: IngestSource, tick: number): IngestResult => ({
  tick,
  accepted,
  rejected,
  reported,
});

const outOfMemory = (accepted: number): SqlError =>
  new SqlError('53200', 'the memory limit is reached', {
    detail: `${accepted} rows are in.`,
    hint: 'Drop views, shorten their retention, or raise memory_limit.',
  });

/** What ended it, and how many rows are in. */
function failure(source: IngestSource): SqlError {
  const { code, message, detail, hint, context } = source.failed!;
  return new SqlError(code, message, {
    detail: detail ?? `${source.accepted} rows before it are in.`,
    hint,
    context,
  });
}
