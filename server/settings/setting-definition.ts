import type { SettingKind } from './setting-kind.ts';

/**
 * Who may change a setting, and when: nobody (`internal`), who starts the server (`start`), who edits its configuration,
 * at a reload too (`reload`), superusers for their session, for a role or for all (`superuser`), or every session for itself
 * (`user`).
 */
export type SettingContext = 'internal' | 'start' | 'reload' | 'superuser' | 'user';

export type SettingDefinition<T = unknown> = Readonly<{
  /** As SHOW ALL prints it. */
  name: string;
  kind: SettingKind<T>;
  /** In canonical form. */
  initial: string;
  /** Changes are told to the client by ParameterStatus. */
  reported: boolean;
  context: SettingContext;
  description: string;
  /** Its name on the command line and, in capitals behind MILLRACE_, in the environment. */
  flag: string;
  /** SHOW only for those who may read all settings. */
  confidential: boolean;
}>;

const PREFIX = 'millrace.';

export function setting<T>(
  context: SettingContext,
  name: string,
  kind: SettingKind<T>,
  initial: string,
  description: string,
  more: Partial<Pick<SettingDefinition, 'flag' | 'reported' | 'confidential'>> = {},
): SettingDefinition<T> {
  const own = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  const flag = own.toLowerCase().replaceAll('_', '-');
  return { context, name, kind, initial, description, flag, reported: false, confidential: false, ...more };
}
