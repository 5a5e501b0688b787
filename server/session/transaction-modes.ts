/** READ ONLY, READ WRITE, [NOT] DEFERRABLE: what BEGIN and SET TRANSACTION say of a block. */
import { SqlError } from '../../common/sql-error.ts';
import type { TransactionModes } from '../../planner/statement.ts';
import type { Session } from './session.ts';
import { MODES } from './settings.ts';

/** 25001 where the block may not change so any more. `value` null: as a block begins without saying. */
export function requireModeFree(session: Session, name: string, value: string | null): void {
  const { settings, transaction } = session;
  const mode = name.toLowerCase();
  if (transaction === null || !transaction.asked || !MODES.some((known) => known === mode)) return;
  const wanted = value === null ? 'off' : settings.check(mode, value, false);
  if (settings.get(mode) === wanted) return;
  if (mode === 'transaction_deferrable')
    throw new SqlError('25001', 'SET TRANSACTION [NOT] DEFERRABLE must be called before any query');
  if (wanted === 'off')
    throw new SqlError('25001', 'transaction read-write mode must be set before any query');
}

/** Until the end of the block. */
export function setModes(session: Session, modes: TransactionModes): void {
  for (const { name, value } of modes) {
    requireModeFree(session, name, value);
    session.settings.set(name, value, true);
  }
}

/** For COMMIT AND CHAIN: the next block has them too. */
export function modesOf({ settings }: Session): TransactionModes {
  return MODES.map((name) => ({ name, value: settings.get(name) === 'on' ? 'on' : 'off' }));
}
