/** COPY FROM inside a transaction block: the rows are read at once, for their errors and their number, and land at COMMIT. */
import { ByteBlocks } from '../../common/byte-blocks.ts';
import { BLOCK_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Statement } from '../../planner/statement.ts';
import { gatherBatch } from '../../runtime/batch/gather.ts';
import type { InputText, WriteOperation } from '../../runtime/engine-client.ts';
import { compactBatch } from '../../runtime/batch/concat.ts';
import { createDecoder } from '../../runtime/format/decode/create-decoder.ts';
import type { DefaultedCell } from '../../runtime/format/decode/line-decoder.ts';
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
  const data = new ByteBlocks();
  let held = 0;
  const drop = (): void => {
    data.clear();
    session.held.give(held);
    held = 0;
  };
  return {
    push: async (chunk) => {
      if (data.bytes + chunk.length > BLOCK_BYTES_MAX) throw tooMuchCopied();
      session.held.take(chunk.length);
      held += chunk.length;
      data.push(chunk);
    },
    finish: async () => {
      try {
        return await writeRows(session, statement, Buffer.concat(data.takeAll()));
      } finally {
        drop();
      }
    },
    abort: drop,
  };
}

async function writeRows(session: Session, statement: CopyFrom, data: Buffer): Promise<number> {
  const { target, ingest } = statement;
  const { oid: relation } = target;
  const text = inputText(session);
  const decoder = createDecoder(target.columns, ingest.columns, ingest.format, null, ingest.label, text);
  const writes: (WriteOperation & { kind: 'append' })[] = [];
  decoder.decode(data, 0, data.length, true, {
    batch: (batch, defaulted = []) => {
      for (const { from, to, absent } of runsOf(batch.rows, defaulted)) {
        const columns = ingest.columns.filter((ordinal) => !absent.includes(ordinal));
        const rows = Uint32Array.from({ length: to - from }, (_, i) => from + i);
        const given = { rows: batch.rows, columns: columns.map((c) => batch.columns[c]!), weights: null };
        const schema = columns.map((ordinal) => target.columns[ordinal]!);
        const batches = [compactBatch(schema, gatherBatch(given, rows, rows.length))];
        writes.push({ kind: 'append', relation, columns, batches, timeZone: text.timeZone });
      }
    },
    reject: (row) => {
      throw row.error;
    },
  });
  if (writes.length === 0) return 0;
  const { rowCounts } = await writeInBlock(session, writes);
  return rowCounts.reduce((sum, rows) => sum + rows, 0);
}

type Run = Readonly<{ from: number; to: number; absent: readonly number[] }>;

/** Rows in their order, parted where others of their columns are to have their default. */
function runsOf(rows: number, defaulted: readonly DefaultedCell[]): readonly Run[] {
  if (defaulted.length === 0) return [{ from: 0, to: rows, absent: [] }];
  const absentOf = new Map<number, number[]>();
  for (const { column, row } of defaulted) absentOf.set(row, [...(absentOf.get(row) ?? []), column]);
  const runs: { from: number; to: number; absent: readonly number[] }[] = [];
  for (let row = 0; row < rows; row++) {
    const absent = absentOf.get(row) ?? [];
    const last = runs.at(-1);
    if (last !== undefined && String(last.absent) === String(absent)) last.to++;
    else runs.push({ from: row, to: row + 1, absent });
  }
  return runs;
}

/** How the session writes times and dates. */
export const inputText = ({ settings }: Session): InputText => ({
  timeZone: settings.get('timezone'),
  dateStyle: settings.get('datestyle'),
});

const tooMuchCopied = (): SqlError =>
  new SqlError('54000', 'the transaction block writes too much', {
    detail: `A COPY in a block has ${BLOCK_BYTES_MAX} bytes at the most.`,
    hint: 'Commit in smaller portions, or use COPY outside of a transaction block.',
  });
