/** What the mirror is told of a session with each of its questions: whose it is, how values print, and what the query asks of it. */
import type { RelationSize } from '../../runtime/engine-client.ts';
import { CATALOG_STUB_ROLES_MAX } from '../limits.ts';
import type { Session } from '../session/session.ts';
import { activityJson } from './activity-rows.ts';
import { truncated } from './mirror-change.ts';
import { literal } from './mirror-sql.ts';
import { settingsJson } from './setting-rows.ts';
import { sizeTexts } from './size-text.ts';

export type SessionFacts = Readonly<{
  /** Names that must be roles of the mirror. */
  users: readonly string[];
  /** By name, as SQL. */
  settings: ReadonlyMap<string, string>;
}>;

export function settingSql(name: string, value: string): string {
  if (name === 'session authorization') return `SET SESSION AUTHORIZATION ${value};`;
  return name === 'role' ? `SET ROLE ${value};` : `SET ${name} = ${value};`;
}

/** Settings of the session that decide how the mirror reads names and prints values. */
const SAME_NAMED = [
  'timezone',
  'datestyle',
  'intervalstyle',
  'bytea_output',
  'extra_float_digits',
  'quote_all_identifiers',
];

const READS_SETTINGS = /setting|set_config/;
const READS_ACTIVITY = /activity|pg_stat_(ssl|gssapi|replication|database)|numbackends/;
const READS_SIZES = /_size$|live_tuples|pg_stat_(all|user|sys)_tables/;

/** Whether the query asks how large relations are. */
export const readsSizes = (reads: readonly string[]): boolean => reads.some((name) => READS_SIZES.test(name));

/** `reads`: names of the relations and functions of the query; `sizes`: null where it does not ask for them. */
export function sessionFacts(
  session: Session,
  reads: readonly string[],
  sizes: readonly RelationSize[] | null,
): SessionFacts {
  const { settings, sessionUser, user } = session;
  const facts = new Map<string, string>();
  const own = truncated(sessionUser);
  const current = truncated(user);
  facts.set('session authorization', literal(own));
  facts.set('role', current === own ? 'NONE' : literal(current));
  const path = session.searchPath.map(literal);
  facts.set('search_path', path.length === 0 ? "''" : path.join(', '));
  for (const name of SAME_NAMED) facts.set(name, literal(settings.get(name)));
  facts.set('millrace.pid', literal(String(session.pid)));
  facts.set('millrace.version', literal(session.versionText));
  const { startedAt, configuration } = session.context;
  facts.set('millrace.start', literal(new Date(startedAt).toISOString()));
  facts.set('millrace.load', literal(new Date(configuration.loadedAt / 1_000).toISOString()));
  if (reads.some((name) => READS_SETTINGS.test(name))) {
    facts.set('millrace.settings', literal(settingsJson(session)));
  }
  const users = new Set([own, current]);
  const { endpoints } = session;
  facts.set('millrace.client_addr', literal(endpoints?.address ?? ''));
  facts.set('millrace.client_port', literal(`${endpoints?.port ?? ''}`));
  facts.set('millrace.server_addr', literal(endpoints?.serverAddress ?? ''));
  facts.set('millrace.server_port', literal(`${endpoints?.serverPort ?? ''}`));
  if (reads.some((name) => READS_ACTIVITY.test(name))) {
    for (const other of session.context.sessions.sessions()) {
      if (users.size < CATALOG_STUB_ROLES_MAX) users.add(truncated(other.sessionUser));
    }
    facts.set('millrace.activity', literal(activityJson(session)));
  }
  if (sizes !== null) {
    const { relations, database } = sizeTexts(sizes);
    facts.set('millrace.sizes', literal(relations));
    facts.set('millrace.database_size', literal(database));
  }
  return { users: [...users], settings: facts };
}
