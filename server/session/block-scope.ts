/** A session's open block, as the engine is told of it. */
import type { BlockScope, WriteOperation, WriteResult } from '../../runtime/engine-client.ts';
import type { Session } from './session.ts';
import type { Transaction } from './transaction.ts';

/** The block with its snapshot, which BEGIN fixes, or the first statement that needs it; null outside a block. */
export function blockScope(session: Session): BlockScope | null {
  const { transaction } = session;
  if (transaction === null) return null;
  transaction.snapshot ??= session.context.engine.changes.committed;
  return { id: transaction.block, snapshot: transaction.snapshot, created: createdBy(transaction) };
}

function createdBy({ changes }: Transaction): BlockScope['created'] {
  return changes.flatMap((change) => (change.kind === 'create' ? [change.object] : []));
}

/** A statement of the block. Where it fails or is cancelled nothing of it stays. */
export async function writeInBlock(
  session: Session,
  operations: readonly WriteOperation[],
): Promise<WriteResult> {
  const { engine } = session.context;
  const transaction = session.transaction!;
  const scope = blockScope(session)!;
  session.interrupt.throwIfRaised();
  transaction.wrote = true;
  try {
    const result = await session.interrupt.wait(
      engine.writeInBlock(scope, operations, { now: transaction.now }),
    );
    transaction.statements++;
    return result;
  } catch (error) {
    await engine.rollbackBlock(transaction.block, transaction.statements);
    throw error;
  }
}
