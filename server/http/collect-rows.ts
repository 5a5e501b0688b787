import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import { formatType } from '../../common/types.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { HTTP_RESULT_BYTES_MAX, HTTP_ROWS_MAX } from '../limits.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import { nextEvent } from '../session/row-source.ts';
import type { Session } from '../session/session.ts';
import { type BodyFormat, resultBody } from './result-body.ts';

export type Collected = Readonly<{ rows: number; tick: number; body: Buffer; last: Batch | null }>;

export type Members = Readonly<{ name: string; type: string }>;

/** Columns as JSON names them. */
export const columnMembers = (columns: Schema): readonly Members[] =>
  columns.map(({ name, type }) => ({ name, type: formatType(type) }));

/** All rows of a finite result, encoded: JSON without what stands around the rows. 54000 beyond the bounds. */
export async function collectRows(
  session: Session,
  outcome: RowsOutcome,
  format: BodyFormat,
): Promise<Collected> {
  const { source, columns } = outcome;
  const body = resultBody(columns, format);
  let last: Batch | null = null;
  let rows = 0;
  try {
    for (;;) {
      const event = await session.interrupt.wait(nextEvent(source));
      session.interrupt.throwIfRaised();
      if (event.kind === 'end') return { rows, tick: event.tick, body: body.finish(), last };
      if (event.kind === 'notice') session.notify(event.notice);
      if (event.kind !== 'rows' || event.batch.rows === 0) continue;
      body.write(event.batch);
      last = event.batch;
      rows += last.rows;
      if (rows > HTTP_ROWS_MAX || body.bytes > HTTP_RESULT_BYTES_MAX) throw tooLarge();
    }
  } finally {
    session.release(source);
  }
}

function tooLarge(): SqlError {
  return new SqlError('54000', 'the result is too large for one answer', {
    detail: `An answer has ${HTTP_ROWS_MAX} rows or ${HTTP_RESULT_BYTES_MAX} bytes at the most.`,
    hint: 'Use LIMIT (limit= and after=), or a PostgreSQL client.',
  });
}
