import { SqlError } from '../../common/sql-error.ts';
import { parseDurationMs } from '../settings/setting-kind.ts';
import type { Session } from './session.ts';

export type IdleLimit = Readonly<{ milliseconds: number; error: SqlError }>;

/** Why a client that sends nothing is sent away, and after how long; null = it may stay. */
export function idleLimitOf({ status, settings }: Session): IdleLimit | null {
  const inBlock = status !== 'idle';
  const name = inBlock ? 'idle_in_transaction_session_timeout' : 'idle_session_timeout';
  const milliseconds = parseDurationMs(settings.get(name)) ?? 0;
  if (milliseconds === 0) return null;
  const error = inBlock
    ? new SqlError('25P03', 'terminating connection due to idle-in-transaction timeout')
    : new SqlError('57P05', 'terminating connection due to idle-session timeout');
  return { milliseconds, error };
}
