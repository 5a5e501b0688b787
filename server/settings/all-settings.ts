import { nearestNames } from '../../common/nearest-name.ts';
import { SERVER_SETTINGS, SESSION_SETTINGS } from './millrace-settings.ts';
import { POSTGRES_SETTINGS } from './postgres-settings.ts';
import type { SettingDefinition } from './setting-definition.ts';

export const SETTING_DEFINITIONS: readonly SettingDefinition[] = [
  ...POSTGRES_SETTINGS,
  ...SESSION_SETTINGS,
  ...Object.values(SERVER_SETTINGS),
];

const BY_NAME: ReadonlyMap<string, SettingDefinition> = new Map(
  SETTING_DEFINITIONS.map((definition) => [definition.name.toLowerCase(), definition]),
);

export function settingNamed(name: string): SettingDefinition | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** `Perhaps you meant "work_mem".`; undefined where nothing is near. */
export function settingHint(name: string): string | undefined {
  const [first, second] = nearestNames(name.toLowerCase(), BY_NAME.keys());
  if (first === undefined) return undefined;
  const shown = (key: string): string => `"${BY_NAME.get(key)?.name ?? key}"`;
  return `Perhaps you meant ${[first, second].flatMap((key) => (key === undefined ? [] : [shown(key)])).join(' or ')}.`;
}
