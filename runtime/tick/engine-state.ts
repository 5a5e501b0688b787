/** What all parts of the engine share: the relations, the clock, rows kept aside, the memory in use. */
import { KEPT_ROWS_MAX, KEPT_TICKS_MAX } from '../../common/limits.ts';
import { fileError } from '../../common/file-error.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Tick } from '../dstream/dstream.ts';
import type { EngineOptions } from '../engine-client.ts';
import type { Block } from './block/block.ts';
import { SecretReader } from '../source/secret-reader.ts';
import { DiskRoom } from '../storage/disk-room.ts';
import { KeptRows, type RejectedRowEntry } from './kept-rows.ts';
import { LateRows } from './late-rows.ts';
import { RelationSet } from './relation-set.ts';
import type { RejectRow } from './stream-runtime.ts';
import type { Subscription } from './subscription.ts';

export type TickRecord = Readonly<{
  tick: number;
  at: number;
  rowsIn: number;
  schedulingDelayMicros: number;
  processingMicros: number;
}>;

const LOOK_AT_MEMORY_MS = 250;
const MICROS_PER_MS = 1000;

export class EngineState {
  readonly options: EngineOptions;
  readonly relations = new RelationSet();
  readonly secrets: SecretReader;
  readonly disk: DiskRoom;
  readonly late = new LateRows();
  readonly rejected = new KeptRows<RejectedRowEntry>(KEPT_ROWS_MAX);
  readonly ticks = new KeptRows<TickRecord>(KEPT_TICKS_MAX);
  readonly subscriptions = new Set<Subscription>();
  /** open transaction blocks that wrote something */
  readonly blocks = new Map<number, Block>();
  /** the current tick, or the last one */
  tick: Tick = { number: 0, time: 0 };
  memoryBytes = 0;
  /** What COPYs into tables have sent and no tick has taken yet. */
  copiedBytes = 0;
  /** When the first of what waits for the next tick came, ms as performance.now(); null: nothing came. */
  wokenAt: number | null = null;
  /** Called when something waits for a tick. */
  wake: () => void = () => undefined;
  #manualClockMs: number | null;
  #memoryLookedAt = 0;

  constructor(options: EngineOptions) {
    this.options = options;
    this.secrets = new SecretReader(options.secretKeyFile, this.relations.objects);
    this.disk = new DiskRoom(options.dataDirectory, options.diskReserveBytes ?? null);
    this.#manualClockMs = options.clock === 'manual' ? 0 : null;
  }

  /** µs; never runs backwards. */
  get now(): number {
    return Math.max(this.tick.time, this.#clock());
  }

  /** Each tick has a time of its own. */
  nextTick(): Tick {
    this.tick = { number: this.tick.number + 1, time: Math.max(this.#clock(), this.tick.time + 1) };
    return this.tick;
  }

  setClock(ms: number): void {
    if (this.#manualClockMs === null) throw new TypeError('the clock is the system clock');
    this.#manualClockMs = Math.max(this.#manualClockMs, ms);
  }

  readonly reject: RejectRow = (relation, error, sourceOffset, payload) => {
    const { code, message: reason } = error;
    this.rejected.add({ relation, at: this.tick.time, code, reason, sourceOffset, payload });
  };

  /** 1: writes and new queries are refused, sources wait; from 0.8 on admission slows. */
  get memoryPressure(): number {
    return this.memoryBytes / this.options.memoryLimitBytes;
  }

  /** 53200 when the memory limit is reached. */
  requireMemory(): void {
    if (this.memoryPressure < 1) return;
    throw new SqlError('53200', 'the memory limit is reached', {
      hint: 'Drop views, shorten their retention, or raise memory_limit.',
    });
  }

  /** Adds up what operators, views and histories hold, now and then. */
  watchMemory(): void {
    const now = performance.now();
    if (now - this.#memoryLookedAt < LOOK_AT_MEMORY_MS) return;
    this.#memoryLookedAt = now;
    const { views, sinks, streams, tables } = this.relations;
    let bytes = 0;
    for (const { view, query } of views.values()) bytes += view.memoryBytes + query.memoryBytes();
    for (const { query } of sinks.values()) bytes += query.memoryBytes();
    for (const { options } of this.subscriptions) {
      const held = options.query?.memoryBytes() ?? 0;
      if (held > options.memoryBytesMax) options.channel.fail(queryTooLarge(options.memoryBytesMax));
      bytes += held + options.channel.pendingBytes;
    }
    for (const stream of streams.values()) bytes += stream.memoryBytes;
    for (const block of this.blocks.values()) bytes += block.memoryBytes();
    for (const table of tables.values()) bytes += table.store.memoryBytes() + table.changelog.bytes;
    this.memoryBytes = bytes;
  }

  #clock(): number {
    return Math.round((this.#manualClockMs ?? performance.timeOrigin + performance.now()) * MICROS_PER_MS);
  }
}

/** An error of ours as the user sees it. */
export const internalError = (error: unknown): SqlError =>
  error instanceof SqlError
    ? error
    : (fileError(error) ?? new SqlError('XX000', `internal error: ${(error as Error).message}`));

export const queryTooLarge = (bytesMax: number): SqlError =>
  new SqlError('53200', `the query needs more memory than the ${bytesMax} bytes that it may have`, {
    hint: 'Read fewer rows or keep fewer groups; millrace.query_memory_limit says how much a query may hold.',
  });
