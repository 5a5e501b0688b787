import { SLOW_READER_CHECK_MS } from '../limits.ts';
import type { RowCursor } from '../session/result-cursor.ts';
import type { Session } from '../session/session.ts';
import { writeNoticeResponse } from './backend-messages.ts';
import type { RowEncoder } from './row-encoder.ts';
import type { WireOutput } from './wire-output.ts';

export type Sent = Readonly<{ rows: number; ended: boolean }>;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Sends rows as they come until the result ends or `rowsMax` (0 = no limit) have gone; a continuous result with a limit
 * also stops when at least one row has gone and none is ready. A client that takes them slowly stops the pulling; what that means for a continuous result
 * is the source's bound to say.
 */
export async function sendRows(
  session: Session,
  output: WireOutput,
  cursor: RowCursor,
  encoder: RowEncoder,
  rowsMax: number,
  continuous: boolean,
): Promise<Sent> {
  const { interrupt } = session;
  const limit = rowsMax === 0 ? Number.POSITIVE_INFINITY : rowsMax;
  let rows = 0;
  for (;;) {
    interrupt.throwIfRaised();
    const slice = cursor.poll(limit - rows);
    if (slice === null) {
      if (continuous && rowsMax !== 0 && rows > 0) return { rows, ended: false };
      output.flush();
      await interrupt.wait(cursor.ready());
      continue;
    }
    switch (slice.kind) {
      case 'end':
        output.rest();
        return { rows, ended: true };
      case 'notice':
        writeNoticeResponse(output.writer, slice.notice);
        continue;
      case 'rows':
        encoder.rows(output.writer, slice.batch, slice.from, slice.to);
        rows += slice.to - slice.from;
        break;
    }
    if (output.flushLarge()) await interrupt.wait(nextTurn());
    if (rows >= limit) return { rows, ended: false };
    while (output.congested && !cursor.checkBound()) {
      await interrupt.wait(output.drained(SLOW_READER_CHECK_MS));
    }
  }
}
