/** What crosses between the server's thread and the engine's: plain data, buffers transferred. */
import type { PlainError } from '../../common/sql-error.ts';
import type { Batch, Column } from '../batch/column.ts';
import type {
  CatalogSnapshot,
  EngineOptions,
  IngestOptions,
  ResultEvent,
  RunOptions,
  SubscribeOptions,
} from '../engine-client.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { Oid } from '../plan/relation.ts';

/** Methods of Engine that take one answer. */
export type CallName =
  | 'define'
  | 'write'
  | 'writeInBlock'
  | 'rollbackBlock'
  | 'commitBlock'
  | 'endBlock'
  | 'statistics'
  | 'measure'
  | 'silence'
  | 'sizes'
  | 'metrics'
  | 'advanceClock'
  | 'stop';

/** What is said in one turn of the event loop goes over in one message, in its order: a message costs as much as a small query. */
export type ManyToEngine = readonly ToEngine[];

export type ToEngine =
  | Readonly<{ kind: 'call'; id: number; name: CallName; args: readonly unknown[] }>
  | Readonly<{ kind: 'run'; stream: number; plan: QueryPlan; options: RunOptions }>
  | Readonly<{ kind: 'subscribe'; stream: number; options: SubscribeOptions }>
  | Readonly<{ kind: 'taken'; stream: number; bytes: number }>
  | Readonly<{ kind: 'cancel'; stream: number }>
  | Readonly<{ kind: 'poll'; query: number; plan: QueryPlan; relations: readonly Oid[] }>
  | Readonly<{ kind: 'end-poll'; query: number }>
  | Readonly<{ kind: 'ingest'; ingest: number; options: IngestOptions }>
  | Readonly<{ kind: 'push'; ingest: number; chunk: Uint8Array }>
  | Readonly<{ kind: 'end'; ingest: number; id: number }>
  | Readonly<{ kind: 'abort'; ingest: number }>;

export type FromEngine =
  | Readonly<{ kind: 'ready'; catalog: CatalogSnapshot; tick: number; changed: Changed }>
  /** A tick changed these; it goes before all that the tick answers. */
  | Readonly<{ kind: 'changed'; tick: number; changed: Changed; polled: readonly Polled[] }>
  | Readonly<{ kind: 'failed'; message: string }>
  | Readonly<{ kind: 'result'; id: number; value: unknown }>
  | Readonly<{ kind: 'error'; id: number; error: PlainError }>
  /** Batches that several streams get are one object on the other side too. */
  | Readonly<{ kind: 'events'; deliveries: readonly Delivery[] }>
  /** bytes of the ingest that the engine has taken; or what went wrong with it */
  | Readonly<{ kind: 'taken'; ingest: number; bytes: number; error: PlainError | null }>;

/** Relations, each with the tick at which it last changed. */
export type Changed = ReadonlyMap<Oid, number>;

/** A polled query's new answer; null: it has none. */
export type Polled = Readonly<{ query: number; batches: readonly Batch[] | null }>;

/** The same events for each of the streams. */
export type Delivery = Readonly<{
  streams: readonly number[];
  events: readonly Readonly<{ event: ResultEvent; bytes: number }>[];
}>;

export type WorkerData = Readonly<{ options: EngineOptions }>;

/** Buffers that may move with a batch; each once. */
export function buffersOf(batch: Batch, into: Set<ArrayBuffer>): void {
  const add = (array: { buffer: ArrayBufferLike; byteLength: number } | null): void => {
    if (array !== null && array.buffer instanceof ArrayBuffer && array.buffer.byteLength > 0)
      into.add(array.buffer);
  };
  add(batch.weights);
  for (const column of batch.columns) addColumn(column, add);
}

function addColumn(
  column: Column,
  add: (array: { buffer: ArrayBufferLike; byteLength: number } | null) => void,
): void {
  add(column.valid);
  switch (column.kind) {
    case 'bytes':
      add(column.bytes);
      add(column.starts);
      break;
    case 'int64':
      add(column.wide ?? column.values);
      break;
    case 'boxed':
      break;
    default:
      add(column.values);
  }
}
