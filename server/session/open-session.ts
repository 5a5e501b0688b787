import { SqlError } from '../../common/sql-error.ts';
import { BOOTSTRAP_ROLE_NAME, BOOTSTRAP_ROLE_OID } from '../../runtime/plan/authorization.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from './login.ts';
import type { Notice } from './notice.ts';
import { Session } from './session.ts';

const SECRET_BYTES = 16;

/** Who asks by HTTP or WebSocket without saying who it is. */
export const ANONYMOUS: Login = { user: BOOTSTRAP_ROLE_NAME, role: BOOTSTRAP_ROLE_OID, claims: null };

/** A session for one request or subscription of HTTP and WebSocket; the caller closes it by `closeSession`. */
export function openSession(
  context: ServerContext,
  onNotice: (notice: Notice) => void,
  login: Login = ANONYMOUS,
): Session {
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
  return session;
}

export function closeSession(session: Session): void {
  session.finish();
  session.context.sessions.remove(session.pid);
  session.close();
}
