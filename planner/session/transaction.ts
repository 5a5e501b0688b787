/** BEGIN, COMMIT, ROLLBACK, savepoints. Isolation levels are all accepted. */
import type { TransactionStmt } from 'libpg-query';
import type { Planned, Statement } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';

type Action = Extract<Statement, { kind: 'transaction' }>['action'];

const ACTIONS: Readonly<Record<string, readonly [Action, string]>> = {
  TRANS_STMT_BEGIN: ['begin', 'BEGIN'],
  TRANS_STMT_START: ['begin', 'START TRANSACTION'],
  TRANS_STMT_COMMIT: ['commit', 'COMMIT'],
  TRANS_STMT_ROLLBACK: ['rollback', 'ROLLBACK'],
  TRANS_STMT_SAVEPOINT: ['savepoint', 'SAVEPOINT'],
  TRANS_STMT_RELEASE: ['release', 'RELEASE'],
  TRANS_STMT_ROLLBACK_TO: ['rollback-to', 'ROLLBACK'],
};

export function planTransaction(context: StatementContext, node: TransactionStmt): Planned {
  const found = ACTIONS[node.kind ?? ''];
  if (found === undefined) {
    throw context.binding.error(-1, '0A000', 'two-phase commit is not supported', 'Use COMMIT.');
  }
  const [action, tag] = found;
  return planned(context, {
    kind: 'transaction',
    action,
    name: node.savepoint_name ?? null,
    chain: node.chain === true,
    tag,
  });
}
