/** BEGIN, COMMIT, ROLLBACK, savepoints, and the modes of transactions. Isolation levels are all accepted. */
import type { Node, TransactionStmt, VariableSetStmt } from 'libpg-query';
import type { Planned, Statement, TransactionModes } from '../statement.ts';
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
    modes: modesOf(node.options ?? []),
    tag,
  });
}

/** SET TRANSACTION, SET SESSION CHARACTERISTICS AS TRANSACTION. */
export function planSetModes(context: StatementContext, { name, args }: VariableSetStmt): Planned {
  if (name === 'TRANSACTION SNAPSHOT')
    throw context.binding.error(-1, '0A000', 'SET TRANSACTION SNAPSHOT is not supported');
  return planned(context, {
    kind: 'set-modes',
    modes: modesOf(args ?? []),
    session: name === 'SESSION CHARACTERISTICS',
  });
}

/** An isolation level says nothing: a block reads the snapshot of its BEGIN. */
function modesOf(options: readonly Node[]): TransactionModes {
  return options.flatMap((option) => {
    if (!('DefElem' in option)) return [];
    const { defname, arg } = option.DefElem;
    if (defname !== 'transaction_read_only' && defname !== 'transaction_deferrable') return [];
    const on = arg !== undefined && 'A_Const' in arg && arg.A_Const.ival?.ival === 1;
    return [{ name: defname, value: on ? 'on' : 'off' }] as const;
  });
}
