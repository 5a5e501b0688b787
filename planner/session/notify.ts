/** LISTEN, UNLISTEN, NOTIFY. A channel that is named as a relation is (`view`, `"schema.view"`) brings its changes too. */
import type { ListenStmt, NotifyStmt, UnlistenStmt } from 'libpg-query';
import { findRelation } from '../bind/relation-lookup.ts';
import type { Planned, Statement } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { planSubscribeStatement } from './subscribe.ts';

type SubscribeStatement = Extract<Statement, { kind: 'subscribe' }>;

export function planListen(context: StatementContext, { conditionname: channel = '' }: ListenStmt): Planned {
  return planned(context, { kind: 'listen', channel, subscribe: changesOf(context, channel) });
}

function changesOf(context: StatementContext, channel: string): SubscribeStatement | null {
  const dot = channel.indexOf('.');
  const [schema, name] = dot < 0 ? [null, channel] : [channel.slice(0, dot), channel.slice(dot + 1)];
  const found = findRelation(context.binding, schema, name);
  if (found?.kind !== 'relation' || found.definition.kind === 'sink') return null;
  return planSubscribeStatement(context, {
    kind: 'subscribe',
    source: context.binding.source,
    target: { schema, name, offset: 0 },
    upsertKey: null,
    withinTick: [],
    options: [{ name: 'snapshot', value: 'false', offset: 0 }],
    asOf: null,
    upTo: null,
    offset: 0,
  });
}

export function planUnlisten(context: StatementContext, { conditionname }: UnlistenStmt): Planned {
  return planned(context, { kind: 'unlisten', channel: conditionname ?? null });
}

export function planNotify(context: StatementContext, notify: NotifyStmt): Planned {
  const { conditionname: channel = '', payload = '' } = notify;
  return planned(context, { kind: 'notify', channel, payload });
}
