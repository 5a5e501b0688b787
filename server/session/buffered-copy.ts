/** COPY FROM inside a transaction block: the rows are read at once, for their errors and their number, and land at COMMIT. */
import { SqlError } from '../../common/sql-error.ts';
import type { Statement } from '../../planner/statement.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { createDecoder } from '../../runtime/format/decode/create-decoder.ts';
import { TRANSACTION_BYTES_MAX } from '../limits.ts';
import { requireNotNull } from './buffered-write.ts';
import type { CopyIngest } from './outcome.ts';
import type { Session } from './session.ts';
import { tooMuchWritten } from './transaction.ts';
import { valuesBytes, valuesPlan } from './values-plan.ts';

type CopyFrom = Extract<Statement, { kind: 'copy-from' }>;

export function bufferCopy(session: Session, statement: CopyFrom): CopyIngest {
  if (statement.ingest.onError === 'reject') {
    throw new SqlError('0A000', 'COPY ... ON_ERROR ignore inside a transaction block is not supported', {
      hint: 'Run COPY outside of a transaction block.',
    });
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  return {
    push: async (chunk) => {
      bytes += chunk.length;
      if (bytes > TRANSACTION_BYTES_MAX) throw tooMuchWritten();
      chunks.push(chunk);
    },
    finish: async () => bufferRows(session, statement, Buffer.concat(chunks)),
    abort: () => {
      chunks.length = 0;
    },
  };
}

function bufferRows(session: Session, statement: CopyFrom, text: Buffer): number {
  const { target, ingest } = statement;
  const decoder = createDecoder(target.columns, ingest.columns, ingest.format, null, ingest.label);
  const batches: Batch[] = [];
  decoder.decode(text, 0, text.length, true, {
    batch: (batch) => {
      const columns = ingest.columns.map((ordinal) => batch.columns[ordinal]!);
      batches.push({ rows: batch.rows, columns, weights: null });
    },
    reject: (row) => {
      throw row.error;
    },
  });
  requireNotNull(target, ingest.columns, batches);
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const columns = ingest.columns.map((ordinal) => {
    const { name, type } = target.columns[ordinal]!;
    return { name, type };
  });
  const plan = valuesPlan(batches, columns, session.settings.get('timezone'));
  const operation = {
    kind: 'insert',
    relation: target.oid,
    columns: ingest.columns,
    plan,
    onConflict: 'error',
  } as const;
  session.transaction!.buffer(operation, rows, valuesBytes(plan));
  return rows;
}
