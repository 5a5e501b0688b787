/** pg_stat_activity: the sessions there are, with what each runs for those who may know. */
import type { Session } from '../session/session.ts';

export function activityJson(session: Session): string {
  void session;
  return '[]';
}
