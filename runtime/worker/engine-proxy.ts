/** The server's side of the engine's thread: Engine, by messages. */
import { Worker } from 'node:worker_threads';
import { siblingModule } from '../../common/sibling-module.ts';
import { unreachable } from '../../common/assert.ts';
import { RESULT_WINDOW_BYTES, UNSENT_BYTES_MAX, WAITING_BYTES_MAX } from '../../common/limits.ts';
import { SqlError, type PlainError } from '../../common/sql-error.ts';
import type {
  CatalogSnapshot,
  Engine,
  EngineOptions,
  Ingest,
  IngestOptions,
  IngestResult,
  PolledAnswer,
  PolledQuery,
  RelationChanges,
  ResultEvent,
  ResultStream,
  RunOptions,
  SubscribeOptions,
} from '../engine-client.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { Oid } from '../plan/relation.ts';
import type {
  CallName,
  Changed,
  Delivery,
  FromEngine,
  ManyToEngine,
  ToEngine,
  WorkerData,
} from './messages.ts';

/** Bytes taken before the engine hears of it: a message costs as much as encoding a few hundred rows. */
const CREDIT_BYTES = RESULT_WINDOW_BYTES / 8;

/** What a chunk of an ingest takes on its way beside its bytes, about. */
const CHUNK_BYTES = 1024;

type Pending = Readonly<{ resolve: (value: unknown) => void; reject: (error: unknown) => void }>;

export class EngineProxy implements Engine {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Map<number, RemoteStream>();
  readonly #ingests = new Map<number, RemoteIngest>();
  readonly #polls = new Map<number, RemotePoll>();
  #nextId = 1;
  #unsent: ToEngine[] = [];
  readonly changes = new KnownChanges();
  catalog: CatalogSnapshot = { objects: [], nextOid: 0, version: 0 };

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Starts the thread; rejects where the data directory can't be used. `onFatal`: the thread died. */
  static start(options: EngineOptions, onFatal: (error: Error) => void): Promise<EngineProxy> {
    const data: WorkerData = { options };
    const worker = new Worker(siblingModule(import.meta.url, 'engine-worker'), {
      workerData: data,
      name: 'engine',
    });
    const proxy = new EngineProxy(worker);
    return new Promise((resolve, reject) => {
      worker.on('error', (error) => {
        proxy.#died(error as Error);
        onFatal(error as Error);
        reject(error as Error);
      });
      worker.on('message', (message: FromEngine) => {
        if (message.kind === 'ready') {
          proxy.catalog = message.catalog;
          proxy.changes.note(message.tick, message.changed);
          resolve(proxy);
        } else if (message.kind === 'failed') reject(new Error(message.message));
        else proxy.#handle(message);
      });
    });
  }

  define = this.#call('define');
  write = this.#call('write');
  writeInBlock = this.#call('writeInBlock');
  rollbackBlock = this.#call('rollbackBlock');
  commitBlock = this.#call('commitBlock');
  endBlock = this.#call('endBlock');
  statistics = this.#call('statistics');
  measure = this.#call('measure');
  silence = this.#call('silence');
  sizes = this.#call('sizes');
  metrics = this.#call('metrics');
  advanceClock = this.#call('advanceClock');
  stop = this.#call('stop');

  run(plan: QueryPlan, options: RunOptions): ResultStream {
    return this.#open(plan.emit.kind === 'finite', (stream) => ({ kind: 'run', stream, plan, options }));
  }

  subscribe(options: SubscribeOptions): ResultStream {
    return this.#open(false, (stream) => ({ kind: 'subscribe', stream, options }));
  }

  poll(plan: QueryPlan, relations: readonly Oid[]): PolledQuery {
    const id = this.#nextId++;
    const query = new RemotePoll(() => {
      this.#polls.delete(id);
      this.#post({ kind: 'end-poll', query: id });
    });
    this.#polls.set(id, query);
    this.#post({ kind: 'poll', query: id, plan, relations });
    return query;
  }

  ingest(options: IngestOptions): Ingest {
    const id = this.#nextId++;
    const ingest = new RemoteIngest(
      id,
      (message, transfer) => this.#post(message, transfer),
      () => this.#answer<IngestResult>((answer) => ({ kind: 'end', ingest: id, id: answer })),
      () => this.#ingests.delete(id),
    );
    this.#ingests.set(id, ingest);
    this.#post({ kind: 'ingest', ingest: id, options });
    return ingest;
  }

  #post(message: ToEngine, transfer: readonly ArrayBuffer[] = []): void {
    this.#unsent.push(message);
    if (transfer.length > 0) this.#flush(transfer);
    else if (this.#unsent.length === 1) setImmediate(() => this.#flush());
  }

  #flush(transfer: readonly ArrayBuffer[] = []): void {
    if (this.#unsent.length === 0) return;
    const messages: ManyToEngine = this.#unsent;
    this.#unsent = [];
    this.#worker.postMessage(messages, transfer);
  }

  #call<N extends CallName>(name: N): Engine[N] {
    const call = (...args: readonly unknown[]): Promise<unknown> =>
      this.#answer((id) => ({ kind: 'call', id, name, args }));
    return call as Engine[N];
  }

  #answer<T>(message: (id: number) => ToEngine): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#post(message(id));
    });
  }

  #open(finite: boolean, message: (stream: number) => ToEngine): ResultStream {
    const id = this.#nextId++;
    const stream = new RemoteStream(
      finite,
      (bytes) => this.#post({ kind: 'taken', stream: id, bytes }),
      () => {
        this.#streams.delete(id);
        this.#post({ kind: 'cancel', stream: id });
      },
    );
    this.#streams.set(id, stream);
    this.#post(message(id));
    return stream;
  }

  #handle(message: FromEngine): void {
    switch (message.kind) {
      case 'ready':
      case 'failed':
        break;
      case 'result':
        this.#settle(message.id)?.resolve(message.value);
        break;
      case 'error':
        this.#settle(message.id)?.reject(SqlError.fromPlain(message.error));
        break;
      case 'changed':
        this.changes.note(message.tick, message.changed);
        for (const { query, batches } of message.polled)
          this.#polls.get(query)?.note(batches === null ? null : { tick: message.tick, batches });
        break;
      case 'events':
        for (const delivery of message.deliveries) this.#deliver(delivery);
        break;
      case 'taken':
        this.#ingests.get(message.ingest)?.taken(message.bytes, message.error);
        break;
      default:
        unreachable(message);
    }
  }

  #deliver({ streams, events }: Delivery): void {
    for (const id of streams) {
      const stream = this.#streams.get(id);
      if (stream === undefined) continue;
      for (const { event, bytes } of events) stream.receive(event, bytes);
      if (stream.over) this.#streams.delete(id);
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #died(error: Error): void {
    const failure: PlainError = { code: 'XX000', message: `the engine stopped: ${error.message}` };
    for (const { reject } of this.#pending.values()) reject(SqlError.fromPlain(failure));
    for (const stream of this.#streams.values()) stream.receive({ kind: 'error', error: failure }, 0);
    for (const ingest of this.#ingests.values()) ingest.taken(0, failure);
    this.#pending.clear();
    this.#streams.clear();
  }
}

/** What the engine's thread said of changes. Of a relation that is gone a number stays. */
class KnownChanges implements RelationChanges {
  readonly #changed = new Map<Oid, number>();
  committed = 0;

  note(tick: number, changed: Changed): void {
    this.committed = tick;
    for (const [relation, at] of changed) this.#changed.set(relation, at);
  }

  of(relation: Oid): number {
    return this.#changed.get(relation) ?? 0;
  }
}

class RemotePoll implements PolledQuery {
  readonly close: () => void;
  answer: PolledAnswer | null = null;

  constructor(close: () => void) {
    this.close = close;
  }

  note(answer: PolledAnswer | null): void {
    this.answer = answer;
  }
}

/** Events wait here until they are taken; a continuous query's reader that falls too far behind is cut off. */
class RemoteStream implements ResultStream {
  readonly #finite: boolean;
  readonly #taken: (bytes: number) => void;
  readonly #cancel: () => void;
  #events: { event: ResultEvent; bytes: number }[] = [];
  #head = 0;
  #waiting: ((event: ResultEvent | null) => void) | null = null;
  #untold = 0;
  pendingBytes = 0;
  over = false;

  constructor(finite: boolean, taken: (bytes: number) => void, cancel: () => void) {
    this.#finite = finite;
    this.#taken = taken;
    this.#cancel = cancel;
  }

  receive(event: ResultEvent, bytes: number): void {
    if (this.over) return;
    this.over = event.kind === 'end' || event.kind === 'error';
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      this.#credit(bytes);
      waiting(event);
      return;
    }
    // a snapshot is as large as what it shows; only what comes after it can run away from its reader
    const counted = event.kind === 'rows' && event.snapshot && !this.#finite ? 0 : bytes;
    this.#events.push({ event, bytes: counted });
    this.pendingBytes += counted;
    if (this.#finite || this.pendingBytes <= UNSENT_BYTES_MAX) return;
    const error: PlainError = {
      code: '53400',
      message: 'the reader is too slow: too many unsent rows',
      hint: 'Subscribe again AS OF the last complete tick.',
    };
    this.#events = [];
    this.#head = 0;
    this.pendingBytes = 0;
    this.#cancel();
    this.receive({ kind: 'error', error }, 0);
  }

  poll(): ResultEvent | null {
    const next = this.#events[this.#head];
    if (next === undefined) return null;
    this.#head++;
    if (this.#head > 256 || this.#head === this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    this.pendingBytes -= next.bytes;
    this.#credit(next.bytes);
    return next.event;
  }

  /** A finite query's sender waits for it; what is not told yet is a small part of what may be under way. */
  #credit(bytes: number): void {
    if (!this.#finite) return;
    this.#untold += bytes;
    if (this.#untold < CREDIT_BYTES) return;
    this.#taken(this.#untold);
    this.#untold = 0;
  }

  next(): Promise<ResultEvent | null> {
    const ready = this.poll();
    if (ready !== null || this.over) return Promise.resolve(ready);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  cancel(): void {
    if (this.over && this.#events.length === 0) return;
    this.over = true;
    this.#events = [];
    this.#head = 0;
    this.pendingBytes = 0;
    this.#cancel();
    this.#waiting?.(null);
    this.#waiting = null;
  }
}

/** Chunks go over as they come; `push` waits while too many bytes are under way. */
class RemoteIngest implements Ingest {
  readonly #id: number;
  readonly #post: (message: ToEngine, transfer: readonly ArrayBuffer[]) => void;
  readonly #finish: () => Promise<IngestResult>;
  readonly #closed: () => void;
  #underWay = 0;
  #error: PlainError | null = null;
  #waiting: (() => void) | null = null;

  constructor(
    id: number,
    post: (message: ToEngine, transfer: readonly ArrayBuffer[]) => void,
    finish: () => Promise<IngestResult>,
    closed: () => void,
  ) {
    this.#id = id;
    this.#post = post;
    this.#finish = finish;
    this.#closed = closed;
  }

  async push(chunk: Uint8Array): Promise<void> {
    if (this.#error !== null) throw SqlError.fromPlain(this.#error);
    // a chunk that shares its memory (a slice of a pooled buffer) is copied
    const whole = chunk.buffer instanceof ArrayBuffer && chunk.byteLength === chunk.buffer.byteLength;
    const own = whole ? chunk : new Uint8Array(chunk);
    this.#underWay += own.byteLength + CHUNK_BYTES;
    this.#post({ kind: 'push', ingest: this.#id, chunk: own }, [own.buffer as ArrayBuffer]);
    while (this.#underWay > WAITING_BYTES_MAX / 8 && this.#error === null) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  async end(): Promise<IngestResult> {
    try {
      return await this.#finish();
    } finally {
      this.#closed();
    }
  }

  abort(): void {
    this.#post({ kind: 'abort', ingest: this.#id }, []);
    this.#closed();
  }

  taken(bytes: number, error: PlainError | null): void {
    this.#underWay -= bytes + CHUNK_BYTES;
    this.#error ??= error;
    this.#waiting?.();
    this.#waiting = null;
  }
}
