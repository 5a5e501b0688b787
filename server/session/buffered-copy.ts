/** COPY FROM inside a transaction block: the rows are read at once, for their errors and their number, and land at COMMIT. */
import { BLOCK_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Statement } from '../../planner/statement.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { compactBatch } from '../../runtime/batch/concat.ts';
import { createDecoder } from '../../runtime/format/decode/create-decoder.ts';
import { writeInBlock } from './block-scope.ts';
import type { CopyIngest } from './outcome.ts';
import type { Session } from './session.ts';

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
      if (bytes > BLOCK_BYTES_MAX) throw tooMuchCopied();
      chunks.push(chunk);
    },
    finish: async () => writeRows(session, statement, Buffer.concat(chunks)),
    abort: () => {
      chunks.length = 0;
    },
  };
}

async function writeRows(session: Session, statement: CopyFrom, text: Buffer): Promise<number> {
  const { target, ingest } = statement;
  const decoder = createDecoder(target.columns, ingest.columns, ingest.format, null, ingest.label);
  const schema = ingest.columns.map((ordinal) => target.columns[ordinal]!);
  const batches: Batch[] = [];
  decoder.decode(text, 0, text.length, true, {
    batch: (batch) => {
      const columns = ingest.columns.map((ordinal) => batch.columns[ordinal]!);
      batches.push(compactBatch(schema, { rows: batch.rows, columns, weights: null }));
    },
    reject: (row) => {
      throw row.error;
    },
  });
  const { oid: relation } = target;
  const timeZone = session.settings.get('timezone');
  const { rowCounts } = await writeInBlock(session, [
    { kind: 'append', relation, columns: ingest.columns, batches, timeZone },
  ]);
  return rowCounts[0] ?? 0;
}

const tooMuchCopied = (): SqlError =>
  new SqlError('54000', 'the transaction block writes too much', {
    detail: `A COPY in a block has ${BLOCK_BYTES_MAX} bytes at the most.`,
    hint: 'Commit in smaller portions, or use COPY outside of a transaction block.',
  });
