import { SqlError } from '../../common/sql-error.ts';
import type { Statement } from '../../planner/statement.ts';
import type { WriteOperation } from '../../runtime/engine-client.ts';
import { bufferWrite } from './buffered-write.ts';
import { valuesPlan } from './values-plan.ts';
import type { Outcome } from './outcome.ts';
import { refuseUncommitted, runQuery } from './query-statement.ts';
import { nextEvent } from './row-source.ts';
import { scannedRelations } from './scanned-relations.ts';
import type { Session } from './session.ts';

type WriteStatement = Extract<Statement, { kind: 'write' }>;
type ContinuousInsert = Extract<Statement, { kind: 'insert-continuous' }>;

/** INSERT, UPDATE, DELETE, TRUNCATE: one tick of its own, or a part of the block. */
export async function executeWrite(session: Session, statement: WriteStatement): Promise<Outcome> {
  session.refuseReadOnly(statement.tag);
  if (session.buffers) {
    let rows = 0;
    for (const operation of statement.operations) rows += await bufferWrite(session, operation);
    return { kind: 'command', tag: commandTag(statement.tag, rows), tick: null };
  }
  const { tick, rows } = await writeNow(session, statement.operations);
  return { kind: 'command', tag: commandTag(statement.tag, rows), tick };
}

/** A write that was handed to the engine is waited for: only its answer tells whether it happened. */
async function writeNow(
  session: Session,
  operations: readonly WriteOperation[],
): Promise<Readonly<{ tick: number; rows: number }>> {
  const { engine, ledger } = session.context;
  const relations = operations.map((operation) => operation.relation);
  const result = await ledger.record(relations, () => engine.write(operations, { now: session.now }));
  return { tick: result.tick, rows: result.rowCounts.reduce((sum, count) => sum + count, 0) };
}

function commandTag(tag: WriteStatement['tag'], rows: number): string {
  switch (tag) {
    case 'INSERT':
      return `INSERT 0 ${rows}`;
    case 'TRUNCATE TABLE':
      return tag;
    default:
      return `${tag} ${rows}`;
  }
}

/** INSERT INTO stream SELECT … EMIT: a write per batch of results until the query ends or is cancelled. */
export async function executeContinuousInsert(
  session: Session,
  statement: ContinuousInsert,
  label: string,
): Promise<Outcome> {
  session.refuseReadOnly('INSERT');
  if (session.buffers) {
    throw new SqlError('25001', 'INSERT ... SELECT ... EMIT cannot run inside a transaction block');
  }
  const { plan, target, columns } = statement;
  refuseUncommitted(session, [...scannedRelations(plan), target.oid]);
  const outcome = await runQuery(session, { kind: 'query', plan, columns: plan.columns }, label);
  let rows = 0;
  try {
    for (;;) {
      const event = await session.interrupt.wait(nextEvent(outcome.source));
      session.interrupt.throwIfRaised();
      if (event.kind === 'end') return { kind: 'command', tag: `INSERT 0 ${rows}`, tick: event.tick };
      if (event.kind === 'notice') session.notify(event.notice);
      if (event.kind !== 'rows' || event.batch.rows === 0) continue;
      const values = valuesPlan([event.batch], plan.columns, plan.timeZone);
      const written = await writeNow(session, [
        { kind: 'insert', relation: target.oid, columns, plan: values, onConflict: 'error' },
      ]);
      rows += written.rows;
    }
  } finally {
    session.release(outcome.source);
  }
}
