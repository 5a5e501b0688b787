import type { NotificationHub, NotificationSink } from '../notifications/notification-hub.ts';
import type { RelationListener } from '../notifications/relation-listener.ts';

export type ListenChange =
  | Readonly<{ kind: 'listen'; channel: string; listener: RelationListener | null }>
  /** null: all */
  | Readonly<{ kind: 'unlisten'; channel: string | null }>;

/** The channels of one session. What a block changes of them takes effect when it commits. */
export class Listening {
  readonly #hub: NotificationHub;
  readonly #sink: NotificationSink;
  readonly #channels = new Map<string, RelationListener | null>();

  constructor(hub: NotificationHub, sink: NotificationSink) {
    this.#hub = hub;
    this.#sink = sink;
  }

  get channels(): readonly string[] {
    return [...this.#channels.keys()];
  }

  /** Whether the changes of a relation of that name are sent already. */
  follows(channel: string): boolean {
    return this.#channels.get(channel)?.stopped === false;
  }

  apply(change: ListenChange): void {
    if (change.kind === 'listen') this.#listen(change.channel, change.listener);
    else if (change.channel !== null) this.#unlisten(change.channel);
    else for (const channel of this.channels) this.#unlisten(channel);
  }

  #listen(channel: string, listener: RelationListener | null): void {
    if (this.follows(channel)) listener?.stop();
    // a relation that was made since the first LISTEN, or whose changes were no longer to be read for a while
    else this.#channels.set(channel, listener);
    this.#channels.get(channel)?.start();
    this.#hub.listen(channel, this.#sink);
  }

  #unlisten(channel: string): void {
    this.#channels.get(channel)?.stop();
    this.#channels.delete(channel);
    this.#hub.unlisten(channel, this.#sink);
  }
}

/** Of a block that is rolled back. */
export function dropListenChange(change: ListenChange): void {
  if (change.kind === 'listen') change.listener?.stop();
}
