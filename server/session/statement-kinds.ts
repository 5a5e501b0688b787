/** Statements by what a session does about them. */
import type { Statement } from '../../planner/statement.ts';

/** After one of its own a session reads what is there then. */
export const WRITES: ReadonlySet<Statement['kind']> = new Set([
  'write',
  'insert-continuous',
  'copy-from',
  'create',
  'drop',
  'alter',
  'transaction',
]);

/** What may stand before the modes of a transaction are set. */
export const BEFORE_QUERIES: ReadonlySet<Statement['kind']> = new Set([
  'set',
  'set-modes',
  'set-role',
  'show',
  'transaction',
  'prepare',
  'deallocate',
  'listen',
  'unlisten',
]);
