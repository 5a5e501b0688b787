import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Statement, TransactionModes } from '../../planner/statement.ts';
import { blockScope } from './block-scope.ts';
import { warning } from './notice.ts';
import type { Outcome } from './outcome.ts';
import type { Session } from './session.ts';
import { modesOf, setModes } from './transaction-modes.ts';

type TransactionStatement = Extract<Statement, { kind: 'transaction' }>;

export async function executeTransaction(
  session: Session,
  statement: TransactionStatement,
): Promise<Outcome> {
  switch (statement.action) {
    case 'begin':
      begin(session, statement.modes);
      return command(statement.tag);
    case 'commit':
      return commit(session, statement);
    case 'rollback':
      return rollback(session, statement);
    case 'savepoint':
      openBlock(session, 'SAVEPOINT').savepoint(statement.name ?? '', {
        settings: session.settings.mark(),
        portals: session.portals.opened,
      });
      return command(statement.tag);
    case 'release':
      openBlock(session, 'RELEASE SAVEPOINT').release(statement.name ?? '');
      return command(statement.tag);
    case 'rollback-to': {
      const transaction = openBlock(session, 'ROLLBACK TO SAVEPOINT');
      const marks = transaction.rollbackTo(statement.name ?? '');
      session.settings.restoreTo(marks.settings);
      session.portals.closeAfter(marks.portals);
      await session.context.engine.rollbackBlock(transaction.block, transaction.statements);
      return command(statement.tag);
    }
    default:
      return unreachable(statement.action);
  }
}

const command = (tag: string, tick: number | null = null): Outcome => ({ kind: 'command', tag, tick });

function begin(session: Session, modes: TransactionModes): void {
  const { transaction } = session;
  if (transaction === null) session.begin(false);
  else if (transaction.implicit) transaction.implicit = false;
  else session.notify(warning('25001', 'there is already a transaction in progress'));
  setModes(session, modes);
  // What the block reads is what is there now, whenever it reads.
  blockScope(session);
}

async function commit(session: Session, statement: TransactionStatement): Promise<Outcome> {
  const { transaction } = session;
  if (transaction === null || transaction.implicit) {
    requireBlock(session, statement, 'COMMIT');
    return command(statement.tag, await session.commit());
  }
  const modes = modesOf(session);
  if (transaction.failed) {
    session.endTransaction(false);
    if (statement.chain) begin(session, modes);
    return command('ROLLBACK');
  }
  const tick = await session.commit();
  if (statement.chain) begin(session, modes);
  return command(statement.tag, tick);
}

async function rollback(session: Session, statement: TransactionStatement): Promise<Outcome> {
  const { transaction } = session;
  if (transaction === null || transaction.implicit) requireBlock(session, statement, 'ROLLBACK');
  const modes = modesOf(session);
  if (transaction !== null) session.endTransaction(false);
  if (statement.chain) begin(session, modes);
  return command(statement.tag);
}

/** Outside of a block COMMIT and ROLLBACK only warn; AND CHAIN is an error. */
function requireBlock(session: Session, statement: TransactionStatement, verb: string): void {
  if (statement.chain)
    throw new SqlError('25P01', `${verb} AND CHAIN can only be used in transaction blocks`);
  session.notify(warning('25P01', 'there is no transaction in progress'));
}

function openBlock(session: Session, statement: string): NonNullable<Session['transaction']> {
  const { transaction } = session;
  if (transaction === null || transaction.implicit) {
    throw new SqlError('25P01', `${statement} can only be used in transaction blocks`);
  }
  return transaction;
}
