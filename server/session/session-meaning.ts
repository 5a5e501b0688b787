import { MEANING } from './plan-cache.ts';
import { queryLimits } from './query-limits.ts';
import type { Session } from './session.ts';

/** All of a session that the answer to a text may depend on, beside the catalog; equal texts mean equal answers. */
export function meaningOf({ role, user, sessionUser, login, settings }: Session): string {
  const { timeZone, dateStyle, intervalStyle, byteaOutput, extraFloatDigits } = settings.text;
  return JSON.stringify([
    role,
    user,
    sessionUser,
    login.claims,
    settings.searchPath,
    MEANING.map((name) => settings.get(name)),
    queryLimits(settings),
    [timeZone, dateStyle, intervalStyle, byteaOutput, extraFloatDigits],
  ]);
}
