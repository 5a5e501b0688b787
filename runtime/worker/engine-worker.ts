/** The engine's thread: carries out messages, turns the clock. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, unreachable } from '../../common/assert.ts';
import type { PlainError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import { batchBytes } from '../batch/concat.ts';
import type { Ingest, ResultEvent, ResultStream } from '../engine-client.ts';
import { RESULT_WINDOW_BYTES } from '../../common/limits.ts';
import { EngineCore } from '../tick/engine-core.ts';
import { internalError } from '../tick/engine-state.ts';
import type { Polled } from '../tick/polled-queries.ts';
import { isShared } from '../tick/shared-rows.ts';
import { TickLoop } from '../tick/tick-loop.ts';
import {
  buffersOf,
  type Delivery,
  type FromEngine,
  type ManyToEngine,
  type ToEngine,
  type WorkerData,
} from './messages.ts';

assert(parentPort !== null, 'engine-worker runs in a worker thread');
const port = parentPort;
const { options } = workerData as WorkerData;

const post = (message: FromEngine, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);
const plain = (error: unknown): PlainError => internalError(error).toPlain();

/** Of one stream in one message. */
const MESSAGE_EVENTS_MAX = 64;

type OpenStream = { stream: ResultStream; finite: boolean; unsentBytes: number; resume: () => void };
const streams = new Map<number, OpenStream>();
const polls = new Map<number, Polled>();
const ingests = new Map<number, Ingest>();

let core: EngineCore;
let loop: TickLoop;
try {
  core = new EngineCore(options);
  loop = new TickLoop(core, (error) => {
    throw error;
  });
  loop.start();
  port.on('message', (messages: ManyToEngine) => {
    for (const message of messages) handle(message);
  });
  core.onChange = (tick, changed) => {
    const polled = [...polls].flatMap(([query, one]) =>
      one.readsAny(changed) ? [{ query, batches: one.answer?.batches ?? null }] : [],
    );
    post({ kind: 'changed', tick, changed, polled });
  };
  post({
    kind: 'ready',
    catalog: core.catalog,
    tick: core.changes.committed,
    changed: core.state.relations.changedSince(0),
  });
} catch (error) {
  post({ kind: 'failed', message: (error as Error).message });
}

function handle(message: ToEngine): void {
  switch (message.kind) {
    case 'call':
      void call(message);
      break;
    case 'run':
      void pump(message.stream, core.run(message.plan, message.options), message.plan.emit.kind === 'finite');
      break;
    case 'subscribe':
      void pump(message.stream, core.subscribe(message.options), false);
      break;
    case 'taken': {
      const open = streams.get(message.stream);
      if (open === undefined) break;
      open.unsentBytes -= message.bytes;
      open.resume();
      break;
    }
    case 'cancel':
      streams.get(message.stream)?.stream.cancel();
      streams.get(message.stream)?.resume();
      break;
    case 'poll':
      polls.set(message.query, core.poll(message.plan, message.relations));
      break;
    case 'end-poll':
      polls.get(message.query)?.close();
      polls.delete(message.query);
      break;
    case 'ingest':
      try {
        ingests.set(message.ingest, core.ingest(message.options));
      } catch (error) {
        post({ kind: 'taken', ingest: message.ingest, bytes: 0, error: plain(error) });
      }
      break;
    case 'push':
      void push(message.ingest, message.chunk);
      break;
    case 'end':
      void end(message.ingest, message.id);
      break;
    case 'abort':
      ingests.get(message.ingest)?.abort();
      ingests.delete(message.ingest);
      break;
    default:
      unreachable(message);
  }
}

async function call({ id, name, args }: ToEngine & { kind: 'call' }): Promise<void> {
  try {
    const method = core[name] as (...parameters: readonly unknown[]) => Promise<unknown>;
    const value = await method.apply(core, [...args]);
    if (name === 'stop') loop.stop();
    post({ kind: 'result', id, value });
    if (name === 'stop') port.close();
  } catch (error) {
    post({ kind: 'error', id, error: plain(error) });
  }
}

/** Sends what comes, all that is ready in one message; a finite query's results only while the reader keeps up. */
async function pump(id: number, stream: ResultStream, finite: boolean): Promise<void> {
  const open: OpenStream = { stream, finite, unsentBytes: 0, resume: () => undefined };
  streams.set(id, open);
  for (;;) {
    if (finite && open.unsentBytes > RESULT_WINDOW_BYTES) {
      await new Promise<void>((resolve) => {
        open.resume = resolve;
      });
      continue;
    }
    const first = await stream.next();
    if (first === null) break;
    const events: ResultEvent[] = [first];
    // what is polled must be sent: the bound comes first
    while (events.length < MESSAGE_EVENTS_MAX) {
      const next = stream.poll();
      if (next === null) break;
      events.push(next);
    }
    send(id, open, events);
    if (events.some((e) => e.kind === 'end' || e.kind === 'error')) break;
  }
  streams.delete(id);
}

type Outgoing = Delivery & Readonly<{ streams: number[] }>;

/** What the streams that became ready together have to say goes over in one message. Each of them is in it once. */
let outbox: Outgoing[] = [];
let outboxBuffers = new Set<ArrayBuffer>();
/** Deliveries of one event, by the rows that it shares with other streams' events. */
let outboxShared = new Map<Batch, Outgoing>();

function send(id: number, open: OpenStream, events: readonly ResultEvent[]): void {
  const [only] = events;
  const shared =
    events.length === 1 && only!.kind === 'rows' && isShared(only!.batch) && !only!.snapshot ? only! : null;
  const same = shared === null ? undefined : outboxShared.get(shared.batch);
  if (same !== undefined) {
    open.unsentBytes += same.events[0]!.bytes;
    same.streams.push(id);
    return;
  }
  const sized = events.map((event) => {
    const bytes = event.kind === 'rows' ? batchBytes(event.batch) : 0;
    // shared rows are cloned, once a message: the next message may hold them again
    if (event.kind === 'rows' && !isShared(event.batch)) buffersOf(event.batch, outboxBuffers);
    open.unsentBytes += bytes;
    return { event, bytes };
  });
  if (outbox.length === 0) queueMicrotask(flush);
  const delivery: Outgoing = { streams: [id], events: sized };
  outbox.push(delivery);
  if (shared !== null) outboxShared.set(shared.batch, delivery);
}

function flush(): void {
  const deliveries = outbox;
  const transfer = [...outboxBuffers];
  outbox = [];
  outboxBuffers = new Set();
  outboxShared = new Map();
  post({ kind: 'events', deliveries }, transfer);
}

async function push(id: number, chunk: Uint8Array): Promise<void> {
  const bytes = chunk.byteLength;
  try {
    await ingests.get(id)?.push(chunk);
    post({ kind: 'taken', ingest: id, bytes, error: null });
  } catch (error) {
    post({ kind: 'taken', ingest: id, bytes, error: plain(error) });
  }
}

async function end(ingest: number, id: number): Promise<void> {
  try {
    const open = ingests.get(ingest);
    assert(open !== undefined, 'end of an ingest that is not open');
    post({ kind: 'result', id, value: await open.end() });
  } catch (error) {
    post({ kind: 'error', id, error: plain(error) });
  } finally {
    ingests.delete(ingest);
  }
}
