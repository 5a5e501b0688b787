/** What a plan brings beside its statement: notices, and what functions in a select list do. */
import { unreachable } from '../../common/assert.ts';
import type { Planned, Signal } from '../../planner/statement.ts';
import { sendNotification } from './notify-statement.ts';
import type { Session } from './session.ts';
import { requireModeFree } from './transaction-modes.ts';

export function applyEffects(session: Session, planned: Planned): void {
  for (const notice of planned.notices) session.notify(notice);
  // set_config() in a select list: its value is in the answer already.
  for (const { name, value, local } of planned.settings ?? []) {
    requireModeFree(session, name, value);
    if (value === null) session.settings.reset(name, local, session.isSuperuser);
    else session.settings.set(name, value, local, session.isSuperuser);
  }
  for (const signal of planned.signals ?? []) send(session, signal);
}

function send(session: Session, signal: Signal): void {
  const { context } = session;
  switch (signal.kind) {
    case 'reload':
      context.reload();
      break;
    case 'notify':
      sendNotification(session, signal.channel, signal.payload);
      break;
    case 'backend':
      context.sessions.signal(signal.pid, signal.terminate);
      break;
    default:
      unreachable(signal);
  }
}
