/** LISTEN and NOTIFY between the sessions of one server. */

export type Notification = Readonly<{
  channel: string;
  payload: string;
  /** of the session that sent it; 0: the server itself, for a change of a relation */
  pid: number;
}>;

/** Where notifications of a session go. */
export type NotificationSink = Readonly<{
  deliver: (notification: Notification) => void;
  /** Whether what is delivered now goes out now: no transaction block is open, and the client takes what it is sent. */
  isOpen: () => boolean;
}>;

export class NotificationHub {
  readonly #channels = new Map<string, Set<NotificationSink>>();

  listen(channel: string, sink: NotificationSink): void {
    const sinks = this.#channels.get(channel);
    if (sinks === undefined) this.#channels.set(channel, new Set([sink]));
    else sinks.add(sink);
  }

  unlisten(channel: string, sink: NotificationSink): void {
    const sinks = this.#channels.get(channel);
    sinks?.delete(sink);
    if (sinks?.size === 0) this.#channels.delete(channel);
  }

  notify(notification: Notification): void {
    for (const sink of this.#channels.get(notification.channel) ?? []) sink.deliver(notification);
  }
}
