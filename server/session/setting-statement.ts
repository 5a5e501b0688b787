import { resolve } from 'node:path';
import type { Schema } from '../../common/types.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Statement } from '../../planner/statement.ts';
import { hasPrivilegesOf, requireSettingsReader } from '../../planner/planner.ts';
import { PG_READ_ALL_SETTINGS } from '../../runtime/plan/authorization.ts';
import { requireUsableFile } from '../auth/usable-files.ts';
import { requireKeyOfSecrets } from '../check-secrets.ts';
import { warning } from './notice.ts';
import type { Outcome, RowsOutcome } from './outcome.ts';
import type { Session } from './session.ts';
import { textRows } from './text-rows.ts';
import { requireModeFree, setModes } from './transaction-modes.ts';

type SetStatement = Extract<Statement, { kind: 'set' }>;
type SetModesStatement = Extract<Statement, { kind: 'set-modes' }>;
type SetRoleStatement = Extract<Statement, { kind: 'set-role' }>;
type AlterSystemStatement = Extract<Statement, { kind: 'alter-system' }>;
type DiscardStatement = Extract<Statement, { kind: 'discard' }>;

const TEXT = { name: 'text' } as const;
const ALL_COLUMNS: Schema = ['name', 'setting', 'description'].map((name) => ({ name, type: TEXT }));

export function showColumns(session: Session, name: string): Schema {
  if (name.toLowerCase() === 'all') return ALL_COLUMNS;
  return [{ name: session.settings.displayName(name), type: TEXT }];
}

export function executeShow(session: Session, name: string): RowsOutcome {
  const columns = showColumns(session, name);
  if (name.toLowerCase() !== 'all') return textRows(columns, [[shownValue(session, name)]], 'SHOW');
  const { catalog, role, settings, context } = session;
  const hidden = hasPrivilegesOf(catalog, role, PG_READ_ALL_SETTINGS)
    ? context.configuration.confidential
    : [];
  const rows = settings
    .all(new Map(hidden))
    .map((setting) => [setting.name, setting.value, setting.description]);
  return textRows(columns, rows, 'SHOW');
}

function shownValue(session: Session, name: string): string {
  const { catalog, role, settings, context } = session;
  const confidential = context.configuration.confidential.get(name.toLowerCase());
  if (confidential === undefined) return settings.show(name);
  requireSettingsReader(catalog, role, settings.displayName(name));
  return confidential;
}

function warnOfLocal(session: Session, local: boolean): void {
  if (!local || session.transaction !== null) return;
  session.notify(warning('25P01', 'SET LOCAL can only be used in transaction blocks'));
}

export function executeSet(session: Session, statement: SetStatement): Outcome {
  const { name, value, local } = statement;
  warnOfLocal(session, local);
  requireModeFree(session, name, value);
  if (name.toLowerCase() === 'all' && value === null) session.settings.resetAll(session.isSuperuser);
  else if (value === null) session.settings.reset(name, local, session.isSuperuser);
  else session.settings.set(name, value, local, session.isSuperuser);
  return { kind: 'command', tag: statement.tag, tick: null };
}

export function executeSetRole(session: Session, statement: SetRoleStatement): Outcome {
  const { setting, role, local } = statement;
  warnOfLocal(session, local);
  // another session user starts as itself
  if (setting === 'session_authorization') session.settings.setRole('role', null, local);
  session.settings.setRole(setting, role, local);
  session.settings.showSuperuser(session.isSuperuser, local);
  return { kind: 'command', tag: statement.tag, tick: null };
}

export function executeSetModes(session: Session, { modes, session: ofSession }: SetModesStatement): Outcome {
  if (ofSession) {
    for (const { name, value } of modes) session.settings.set(`default_${name}`, value);
  } else {
    if (session.transaction === null)
      session.notify(warning('25P01', 'SET TRANSACTION can only be used in transaction blocks'));
    setModes(session, modes);
  }
  return { kind: 'command', tag: 'SET', tick: null };
}

/** What the configuration says from the next reload on. A file that can't be used is told now, not at the next start. */
export function executeAlterSystem(session: Session, statement: AlterSystemStatement): Outcome {
  if (session.transaction !== null && !(session.transaction.implicit && session.endsBlock)) {
    throw new SqlError('25001', 'ALTER SYSTEM cannot run inside a transaction block');
  }
  const { configuration, audit } = session.context;
  const { name, value } = statement;
  if (name === null) configuration.alterSystemResetAll();
  else {
    configuration.alterSystem(name, value, (setting, config) => {
      requireUsableFile(setting, config);
      if (setting !== 'secretKeyFile') return;
      requireKeyOfSecrets(session.catalog, resolve(config.dataDirectory, config.secretKeyFile));
    });
  }
  audit.settingChanged(session, name ?? 'all');
  return { kind: 'command', tag: 'ALTER SYSTEM', tick: null };
}

export function executeDiscard(session: Session, what: DiscardStatement['what']): Outcome {
  if (what === 'all') {
    if (session.transaction !== null) {
      throw new SqlError('25001', 'DISCARD ALL cannot run inside a transaction block');
    }
    session.portals.closeAll();
    session.listening?.apply({ kind: 'unlisten', channel: null });
    session.prepared.clear();
    session.settings.setRole('role', null, false);
    session.settings.setRole('session_authorization', null, false);
    session.settings.showSuperuser(session.isSuperuser, false);
    session.settings.resetAll(session.isSuperuser);
  }
  return { kind: 'command', tag: `DISCARD ${what.toUpperCase()}`, tick: null };
}
