import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Statement } from '../../planner/statement.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import type { WriteOperation, WriteResult } from '../../runtime/engine-client.ts';
import { writeInBlock } from './block-scope.ts';
import type { Outcome } from './outcome.ts';
import { refuseUncommitted, runQuery } from './query-statement.ts';
import { nextEvent, StaticRows } from './row-source.ts';
import { scannedRelations } from './scanned-relations.ts';
import type { Session } from './session.ts';

type WriteStatement = Extract<Statement, { kind: 'write' }>;
type ContinuousInsert = Extract<Statement, { kind: 'insert-continuous' }>;

/** INSERT, UPDATE, DELETE, TRUNCATE: one tick of its own, or a part of the block. */
export async function executeWrite(session: Session, statement: WriteStatement): Promise<Outcome> {
  const { operations, returning } = statement;
  session.refuseReadOnly(statement.tag);
  for (const operation of operations) {
    if ('plan' in operation) refuseUncommitted(session, scannedRelations(operation.plan), true);
  }
  const { buffers } = session;
  const result = await (buffers ? writeInBlock(session, operations) : writeNow(session, operations));
  const rows = result.rowCounts.reduce((sum, count) => sum + count, 0);
  const tag = commandTag(statement.tag, rows);
  const tick = buffers ? null : result.tick;
  if (returning === null) return { kind: 'command', tag, tick };
  return returnedRows(returning, result, tag);
}

/** RETURNING: all rows are there when the statement has run, however few the client takes. */
function returnedRows(columns: Schema, { returned, tick }: WriteResult, tag: string): Outcome {
  const batches: readonly Batch[] = returned.flat();
  return { kind: 'rows', columns, source: new StaticRows(batches, tick), live: null, tag, counted: false };
}

/** A write that was handed to the engine is waited for: only its answer tells whether it happened. */
function writeNow(session: Session, operations: readonly WriteOperation[]): Promise<WriteResult> {
  return session.context.engine.write(operations, { now: session.now });
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
  const { timeZone } = plan;
  const outcome = await runQuery(session, { kind: 'query', plan, columns: plan.columns }, label);
  let rows = 0;
  try {
    for (;;) {
      const event = await session.interrupt.wait(nextEvent(outcome.source));
      session.interrupt.throwIfRaised();
      if (event.kind === 'end') return { kind: 'command', tag: `INSERT 0 ${rows}`, tick: event.tick };
      if (event.kind === 'notice') session.notify(event.notice);
      if (event.kind !== 'rows' || event.batch.rows === 0) continue;
      const batches = [event.batch];
      const written = await writeNow(session, [
        { kind: 'append', relation: target.oid, columns, batches, timeZone },
      ]);
      rows += written.rowCounts[0] ?? 0;
    }
  } finally {
    session.release(outcome.source);
  }
}
