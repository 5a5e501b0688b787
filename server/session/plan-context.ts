import type { PlanContext } from '../../planner/statement.ts';
import type { Arguments } from './arguments.ts';
import type { Session } from './session.ts';

/** What the planner is told of a session. */
export function planContextOf(session: Session, given: Arguments): PlanContext {
  const { context, settings, login, user, role, sessionUser, sessionRole } = session;
  const { startedAt, configuration, sessions } = context;
  return {
    catalog: session.catalog,
    searchPath: session.searchPath.map((name) => (name === '$user' ? user : name)),
    settings: settings.values,
    confidential: configuration.confidential,
    parameterTypes: given.types,
    user,
    role,
    sessionUser,
    sessionRole,
    loginRole: login.role,
    claims: login.claims,
    now: session.now,
    backendPid: session.pid,
    server: { startedAt: startedAt * 1_000, loadedAt: configuration.loadedAt, peer: session.endpoints },
    roleOfBackend: (pid) => sessions.roleOf(pid),
    backendsOf: (role) => sessions.of(role),
    ...(given.values === undefined ? {} : { parameterValues: given.values }),
  };
}
