/** pg_settings: the server's settings with the session's values. */
import { hasPrivilegesOf } from '../../planner/planner.ts';
import { PG_READ_ALL_SETTINGS } from '../../runtime/plan/authorization.ts';
import type { Session } from '../session/session.ts';
import { SETTING_DEFINITIONS } from '../settings/all-settings.ts';
import type { SettingContext } from '../settings/setting-definition.ts';
import { jsonText } from './mirror-sql.ts';

const CONTEXTS: Readonly<Record<SettingContext, string>> = {
  internal: 'internal',
  start: 'postmaster',
  reload: 'sighup',
  superuser: 'superuser',
  user: 'user',
};

export function settingsJson(session: Session): string {
  const { settings, context, catalog } = session;
  const readsAll = hasPrivilegesOf(catalog, session.role, PG_READ_ALL_SETTINGS);
  const known = new Set<string>();
  const shown = SETTING_DEFINITIONS.filter((definition) => !definition.confidential || readsAll);
  const rows: unknown[] = shown.map(({ name, kind, initial, description, context: changed }) => {
    const key = name.toLowerCase();
    known.add(key);
    const entry = context.configuration.entry(key);
    const given = context.configuration.sessionDefaults.get(key) ?? initial;
    const setting = settings.get(key);
    return {
      name,
      setting,
      unit: kind.unit ?? null,
      category: name.startsWith('millrace.') ? 'Millrace' : 'Client Connection Defaults',
      short_desc: description,
      context: CONTEXTS[changed],
      vartype: kind.type,
      source: setting === given ? sourceOf(entry?.source) : 'session',
      min_val: kind.least === undefined ? null : String(kind.least),
      max_val: kind.most === undefined ? null : String(kind.most),
      enumvals: kind.type === 'enum' ? (kind.values ?? null) : null,
      boot_val: initial,
      reset_val: given,
      sourcefile: readsAll ? (entry?.file ?? null) : null,
      sourceline: readsAll ? (entry?.line ?? null) : null,
      pending_restart: entry?.pendingRestart ?? false,
    };
  });
  for (const definition of SETTING_DEFINITIONS) known.add(definition.name.toLowerCase());
  for (const [name, setting] of settings.values) {
    // names of the session's own have a prefix
    if (known.has(name) || !name.includes('.')) continue;
    rows.push({
      name,
      setting,
      category: 'Customized Options',
      context: 'user',
      vartype: 'string',
      source: 'session',
      pending_restart: false,
    });
  }
  return jsonText(rows);
}

const sourceOf = (source: string | undefined): string =>
  source === undefined || source === 'default' ? 'default' : 'configuration file';
