/** LISTEN, UNLISTEN, NOTIFY. */
import { SqlError } from '../../common/sql-error.ts';
import type { Statement } from '../../planner/statement.ts';
import {
  CHANNEL_BYTES_MAX,
  CHANNEL_CHANGES_MAX,
  CHANNELS_MAX,
  NOTIFICATION_BYTES_MAX,
  NOTIFICATIONS_OF_BLOCK_MAX,
} from '../limits.ts';
import { RelationListener } from '../notifications/relation-listener.ts';
import { dropListenChange, type ListenChange, type Listening } from './listening.ts';
import type { Outcome } from './outcome.ts';
import { runSubscribe } from './query-statement.ts';
import type { Session } from './session.ts';

type ListenStatement = Extract<Statement, { kind: 'listen' }>;

const command = (tag: string): Outcome => ({ kind: 'command', tag, tick: null });

/** A channel that is a relation's name sends its changes too; `subscribe` is null for every other one. */
export async function executeListen(session: Session, statement: ListenStatement): Promise<Outcome> {
  const { channel, subscribe } = statement;
  const { sink, listening } = session;
  if (sink === null || listening === null) {
    throw new SqlError('0A000', 'LISTEN needs a connection of the PostgreSQL protocol', {
      hint: 'Subscribe by WebSocket or Server-Sent Events.',
    });
  }
  const changes = session.transaction?.listens ?? [];
  const isNew = !listening.channels.includes(channel);
  if (isNew && listening.channels.length + changes.length >= CHANNELS_MAX)
    throw new SqlError('54000', 'too many channels in this session');
  const listener =
    subscribe === null || isFollowed(listening, changes, channel)
      ? null
      : new RelationListener(
          session,
          channel,
          await runSubscribe(session, subscribe, `LISTEN ${channel}`),
          sink,
        );
  applyOrKeep(session, { kind: 'listen', channel, listener });
  return command('LISTEN');
}

/** Once the block has committed, if it does: nothing more is needed of the engine. */
function isFollowed(listening: Listening, changes: readonly ListenChange[], channel: string): boolean {
  for (const change of changes.toReversed()) {
    if (change.channel !== channel && change.channel !== null) continue;
    if (change.kind === 'unlisten') return false;
    // null: so it was already, or there was no such relation
    if (change.listener !== null) return !change.listener.stopped;
  }
  return listening.follows(channel);
}

export function executeUnlisten(session: Session, channel: string | null): Outcome {
  if (session.listening !== null) applyOrKeep(session, { kind: 'unlisten', channel });
  return command('UNLISTEN');
}

function applyOrKeep(session: Session, change: ListenChange): void {
  const { transaction } = session;
  if (transaction === null) session.listening?.apply(change);
  else if (transaction.listens.length < CHANNEL_CHANGES_MAX) transaction.listens.push(change);
  else {
    dropListenChange(change);
    throw new SqlError('54000', 'too many changes of channels in this transaction');
  }
}

export function executeNotify(session: Session, channel: string, payload: string): Outcome {
  sendNotification(session, channel, payload);
  return command('NOTIFY');
}

function checkNotification(channel: string, payload: string): void {
  if (channel === '') throw new SqlError('22023', 'channel name cannot be empty');
  if (Buffer.byteLength(channel) > CHANNEL_BYTES_MAX) throw new SqlError('22023', 'channel name too long');
  if (Buffer.byteLength(payload) > NOTIFICATION_BYTES_MAX)
    throw new SqlError('22023', 'payload string too long');
}

/** At once, or when the block commits; the same one twice in a block is one. 22023 */
export function sendNotification(session: Session, channel: string, payload: string): void {
  checkNotification(channel, payload);
  const { transaction } = session;
  if (transaction === null) {
    session.context.notifications.notify({ channel, payload, pid: session.pid });
    return;
  }
  const { notifications } = transaction;
  if (notifications.some((one) => one.channel === channel && one.payload === payload)) return;
  if (notifications.length >= NOTIFICATIONS_OF_BLOCK_MAX)
    throw new SqlError('54000', 'too many notifications in this transaction');
  notifications.push({ channel, payload });
}

/** What a block that has ended said of channels. */
export function settleNotifications(session: Session, committed: boolean): void {
  const { transaction } = session;
  if (transaction === null) return;
  for (const change of transaction.listens) {
    if (committed) session.listening?.apply(change);
    else dropListenChange(change);
  }
  if (!committed) return;
  for (const { channel, payload } of transaction.notifications)
    session.context.notifications.notify({ channel, payload, pid: session.pid });
}
