/** One subscription of a WebSocket: its session, and the loop that sends what comes. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { UNSENT_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import { OUTPUT_BYTES_HIGH, SLOW_READER_CHECK_MS } from '../limits.ts';
import {
  messageHead,
  noticeMessage,
  progressMessage,
  rowsTail,
  schemaMessage,
} from '../live/live-messages.ts';
import { liveStatement } from '../live/live-statement.ts';
import type { LiveShape, RowsOutcome } from '../session/outcome.ts';
import type { RowEvent, RowSource } from '../session/row-source.ts';
import type { Session } from '../session/session.ts';
import type { ClientMessage } from './client-message.ts';
import { Conflation } from './conflation.ts';
import { textFrame } from './text-frame.ts';

type Subscribe = Extract<ClientMessage, { op: 'subscribe' }>;

/** A client: its messages, and the stream that they go over, whole frames at a time. */
export type Peer = Readonly<{ socket: WebSocket; stream: Pick<Duplex, 'write'> }>;

/** Resolves with the last tick when the query ends by itself; throws SqlError otherwise. */
export async function runSubscription(session: Session, peer: Peer, message: Subscribe): Promise<number> {
  const { id, sql, params, snapshot, asOf } = message;
  const outcome = await liveStatement(session, sql, params, { snapshot, asOf });
  const live = outcome.live!;
  peer.socket.send(JSON.stringify(schemaMessage(live.columns, id)));
  const conflation = message.slow === 'conflate' && live.key !== null ? new Conflation(live, live.key) : null;
  return new Sender(session, peer, outcome, message.id, conflation).run();
}

/** Below this a copy is cheaper than a second frame. */
const COPY_BYTES_MAX = 4_096;

/**
 * One text message. A small one is one write of one buffer: what thousands of subscribers cost is the system's calls. Large
 * shared bytes go out as they are, in a frame behind that of the head.
 */
function sendShared({ socket, stream }: Peer, head: Buffer, tail: Buffer): void {
  if (head.length + tail.length <= COPY_BYTES_MAX) {
    if (socket.readyState === socket.OPEN) stream.write(textFrame(head, tail));
    return;
  }
  socket.send(head, { binary: false, fin: false });
  socket.send(tail, { binary: false, fin: true });
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SLOW_READER_CHECK_MS));

class Sender {
  readonly #session: Session;
  readonly #peer: Peer;
  readonly #socket: WebSocket;
  readonly #source: RowSource;
  readonly #shape: LiveShape;
  readonly #id: Subscribe['id'];
  readonly #head: Buffer;
  readonly #conflation: Conflation | null;

  constructor(
    session: Session,
    peer: Peer,
    outcome: RowsOutcome,
    id: Subscribe['id'],
    conflation: Conflation | null,
  ) {
    this.#session = session;
    this.#peer = peer;
    this.#socket = peer.socket;
    this.#source = outcome.source;
    this.#shape = outcome.live!;
    this.#id = id;
    this.#head = Buffer.from(messageHead(id));
    this.#conflation = conflation;
  }

  async run(): Promise<number> {
    const { interrupt } = this.#session;
    for (;;) {
      interrupt.throwIfRaised();
      const event = this.#conflation === null && this.#congested ? this.#wait() : this.#source.poll();
      if (event === null) {
        this.#release();
        await interrupt.wait(this.#pause());
        continue;
      }
      if (event.kind === 'end') {
        if (this.#conflation?.isEmpty === false) this.#socket.send(this.#conflation.take(this.#id));
        return event.tick;
      }
      // A snapshot is not conflated: it waits for its reader, however large it is.
      if (event.kind === 'rows' && event.snapshot) {
        while (this.#congested) await interrupt.wait(pause());
      }
      this.#send(event);
    }
  }

  get #congested(): boolean {
    return this.#socket.bufferedAmount > OUTPUT_BYTES_HIGH;
  }

  /** Nothing is taken while the reader is behind; the source says when that has gone too far. */
  #wait(): null {
    if (this.#source.checkBound()) this.#source.poll();
    return null;
  }

  /** Until there is more to send, or a reader that was behind may have caught up. */
  #pause(): Promise<void> {
    if (this.#congested || this.#conflation?.isEmpty === false) {
      return pause();
    }
    return this.#source.ready();
  }

  #release(): void {
    const conflation = this.#conflation;
    if (conflation === null || conflation.isEmpty || this.#congested) return;
    this.#socket.send(conflation.take(this.#id));
  }

  #send(event: Exclude<RowEvent, { kind: 'end' }>): void {
    switch (event.kind) {
      case 'rows':
        if (event.batch.rows > 0) this.#sendRows(event);
        return;
      case 'progress':
        // While changes are held back the tick is not complete for this reader.
        if (this.#shape.progress && this.#conflation?.isEmpty !== false) {
          this.#socket.send(JSON.stringify(progressMessage(event.tick, this.#id)));
        }
        return;
      case 'notice':
        this.#socket.send(JSON.stringify(noticeMessage(event.notice, this.#id)));
        return;
    }
  }

  #sendRows(event: Extract<RowEvent, { kind: 'rows' }>): void {
    const conflation = this.#conflation;
    if (conflation === null || (conflation.isEmpty && !this.#congested)) {
      sendShared(this.#peer, this.#head, rowsTail(event, this.#shape));
      return;
    }
    conflation.add(event);
    if (conflation.bytes > UNSENT_BYTES_MAX) {
      throw new SqlError('53400', 'the reader of a continuous result is too slow', {
        detail: `More than ${UNSENT_BYTES_MAX} bytes wait to be sent.`,
        hint: 'Resume with "as_of": the last complete tick.',
      });
    }
  }
}
