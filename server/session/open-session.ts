import { SqlError } from '../../common/sql-error.ts';
import { BOOTSTRAP_ROLE_NAME, BOOTSTRAP_ROLE_OID } from '../../runtime/plan/authorization.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from './login.ts';
import type { Notice } from './notice.ts';
import { Session } from './session.ts';

const SECRET_BYTES = 16;

/** The server itself. */
export const OWNER: Login = { user: BOOTSTRAP_ROLE_NAME, role: BOOTSTRAP_ROLE_OID, claims: null };

/** A session for one request or subscription of HTTP and WebSocket; the caller closes it by `closeSession`. */
export function openSession(
  context: ServerContext,
  login: Login,
  onNotice: (notice: Notice) => void,
): Session {
  const remainingMs = login.expiresAt === undefined ? null : login.expiresAt - context.clock();
  if (remainingMs !== null && remainingMs <= 0) throw expired();
  if (isDropped(context, login)) throw dropped();
  const session = new Session(context, login, { onNotice, onParameter: () => {}, notifications: null });
  const { pid } = context.sessions.add(
    {
      session,
      cancel: () => session.cancel(),
      shutDown: () =>
        session.close(new SqlError('57P01', 'terminating connection due to administrator command')),
    },
    SECRET_BYTES,
  );
  session.pid = pid;
  session.start();
  if (remainingMs !== null) endAfter(session, remainingMs);
  if (login.token !== undefined) endWithToken(session);
  return session;
}

/** What ends sessions with the token that opened them. */
const EXPIRY = new WeakMap<Session, NodeJS.Timeout>();
const TIMER_MS_MAX = 2 ** 31 - 1;

function endAfter(session: Session, milliseconds: number): void {
  const now = Math.min(milliseconds, TIMER_MS_MAX);
  const timer = setTimeout(() => {
    if (now < milliseconds) endAfter(session, milliseconds - now);
    else session.close(expired());
  }, now);
  EXPIRY.set(session, timer.unref());
}

const isDropped = ({ catalog }: ServerContext, { token }: Login): boolean =>
  token !== undefined && catalog.current.object(token) === undefined;

/** Stops looking whether the token of a session is still there. */
const FOLLOWED = new WeakMap<Session, () => void>();

function endWithToken(session: Session): void {
  const { context, login } = session;
  const stop = context.catalog.watch(() => {
    // after the answer to a DROP TOKEN of its own
    if (isDropped(context, login)) setImmediate(() => session.close(dropped()));
  });
  FOLLOWED.set(session, stop);
}

const dropped = (): SqlError => new SqlError('28000', 'the token is not valid');

const expired = (): SqlError => new SqlError('28000', 'the token has expired');

export function closeSession(session: Session): void {
  clearTimeout(EXPIRY.get(session));
  FOLLOWED.get(session)?.();
  session.finish();
  session.context.sessions.remove(session.pid);
  session.close();
}
