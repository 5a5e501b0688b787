/** What PostgreSQL says of settings that can't be set. */
import { SqlError } from '../../common/sql-error.ts';
import { settingHint } from './all-settings.ts';
import type { SettingDefinition } from './setting-definition.ts';

export function unrecognizedSetting(name: string): SqlError {
  return new SqlError('42704', `unrecognized configuration parameter "${name}"`, { hint: settingHint(name) });
}

export function unchangeableSetting({ name, context }: SettingDefinition): SqlError {
  if (context === 'internal') return new SqlError('55P02', `parameter "${name}" cannot be changed`);
  return context === 'reload'
    ? new SqlError('55P02', `parameter "${name}" cannot be changed now`, {
        hint: 'Use ALTER SYSTEM SET, then SELECT pg_reload_conf().',
      })
    : new SqlError('55P02', `parameter "${name}" cannot be changed without restarting the server`, {
        hint: 'Use ALTER SYSTEM SET, then restart the server.',
      });
}

export function invalidSetting({ name, kind }: SettingDefinition, value: string): SqlError {
  return new SqlError('22023', `invalid value for parameter "${name}": "${value}"`, {
    hint:
      kind.values === undefined ? `It takes ${kind.takes}.` : `Available values: ${kind.values.join(', ')}.`,
  });
}
