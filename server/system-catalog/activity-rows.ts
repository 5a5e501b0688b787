/** pg_stat_activity: the sessions there are, with what each does for those who may know. */
import { hasPrivilegesOf } from '../../planner/planner.ts';
import { DATABASE, PG_READ_ALL_STATS } from '../../runtime/plan/authorization.ts';
import { CATALOG_QUERY_CHARACTERS_MAX } from '../limits.ts';
import type { Session } from '../session/session.ts';
import { truncated } from './mirror-change.ts';
import { jsonText } from './mirror-sql.ts';

export function activityJson(session: Session): string {
  const { catalog, role } = session;
  const mayAll = hasPrivilegesOf(catalog, role, PG_READ_ALL_STATS);
  const rows = [...session.context.sessions.sessions()].map((other) => ({
    datid: DATABASE.oid,
    pid: other.pid,
    user: truncated(other.sessionUser),
    application_name: other.settings.get('application_name'),
    query: '<insufficient privilege>',
    ...(mayAll || hasPrivilegesOf(catalog, role, other.sessionRole) ? detailsOf(other) : {}),
  }));
  return jsonText(rows);
}

function detailsOf(session: Session) {
  const { activity, endpoints, transaction } = session;
  const encryption = endpoints?.encryption ?? null;
  return {
    state: stateOf(session),
    query: activity.query.slice(0, CATALOG_QUERY_CHARACTERS_MAX),
    wait_event_type: activity.active ? null : 'Client',
    wait_event: activity.active ? null : 'ClientRead',
    xact_start: transaction === null ? null : iso(transaction.now / 1_000),
    query_start: activity.queryAt === null ? null : iso(activity.queryAt),
    backend_start: iso(activity.startedAt),
    state_change: iso(activity.changedAt),
    client_addr: endpoints?.address ?? null,
    client_port: endpoints?.port ?? null,
    backend_type: 'client backend',
    ssl: encryption !== null,
    sslversion: encryption?.protocol ?? null,
    sslcipher: encryption?.cipher ?? null,
    gss_auth: false,
    gss_enc: false,
    gss_delegation: false,
  };
}

/** Until its Sync what came by the extended protocol is at work, also where a portal waits to be read on. */
function stateOf({ activity, status, transaction }: Session): string {
  if (activity.active || transaction?.implicit) return 'active';
  if (status === 'idle') return 'idle';
  return status === 'failed' ? 'idle in transaction (aborted)' : 'idle in transaction';
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
