/** pg_settings: the server's settings with the session's values. */
import { hasPrivilegesOf } from '../../planner/planner.ts';
import { PG_READ_ALL_SETTINGS } from '../../runtime/plan/authorization.ts';
import type { Session } from '../session/session.ts';
import { SETTING_DEFINITIONS } from '../settings/all-settings.ts';
import type { SettingContext, SettingDefinition } from '../settings/setting-definition.ts';
import { baseText, inUnits } from '../settings/setting-kind.ts';
import { jsonText } from './mirror-sql.ts';

const CONTEXTS: Readonly<Record<SettingContext, string>> = {
  internal: 'internal',
  start: 'postmaster',
  reload: 'sighup',
  superuser: 'superuser',
  user: 'user',
};

export function settingsJson(session: Session): string {
  const { settings, catalog } = session;
  const readsAll = hasPrivilegesOf(catalog, session.role, PG_READ_ALL_SETTINGS);
  const listed = SETTING_DEFINITIONS.filter(({ confidential }) => !confidential || readsAll);
  const known = new Set(SETTING_DEFINITIONS.map(({ name }) => name.toLowerCase()));
  // names of the session's own have a prefix; they are in no list, as in PostgreSQL
  const own = [...settings.values].flatMap(([name, shown]) =>
    known.has(name) || !name.includes('.') ? [] : [{ name, shown }],
  );
  return jsonText([...listed.map((definition) => rowOf(session, definition, readsAll)), ...own]);
}

/** `shown`: as SHOW and current_setting() give it. */
function rowOf({ settings, context }: Session, definition: SettingDefinition, readsAll: boolean): unknown {
  const { name, kind, initial, confidential } = definition;
  const { configuration } = context;
  const key = name.toLowerCase();
  const entry = configuration.entry(key);
  const texts = confidential ? configuration.confidential : configuration.sessionDefaults;
  const given = texts.get(key) ?? initial;
  const shown = confidential ? given : settings.get(key);
  return {
    name,
    shown,
    setting: baseText(kind, shown),
    unit: kind.unit ?? null,
    category: name.startsWith('millrace.') ? 'Millrace' : 'Client Connection Defaults',
    short_desc: definition.description,
    context: CONTEXTS[definition.context],
    vartype: kind.type,
    source: shown === given ? sourceOf(entry?.source) : 'session',
    min_val: kind.least === undefined ? null : inUnits(kind, kind.least),
    max_val: kind.most === undefined ? null : inUnits(kind, kind.most),
    enumvals: kind.type === 'enum' ? (kind.values ?? null) : null,
    boot_val: baseText(kind, initial),
    reset_val: baseText(kind, given),
    sourcefile: readsAll ? (entry?.file ?? null) : null,
    sourceline: readsAll ? (entry?.line ?? null) : null,
    pending_restart: entry?.pendingRestart ?? false,
  };
}

const sourceOf = (source: string | undefined): string =>
  source === undefined || source === 'default' ? 'default' : 'configuration file';
