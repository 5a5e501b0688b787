/** FETCH and MOVE in every direction, as PostgreSQL's portals move. */
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { FetchDirection } from '../../planner/statement.ts';
import type { ScrollCursor } from './scroll-cursor.ts';
import type { Session } from './session.ts';

/** What is to be taken from where the cursor now is. */
export type Wanted = Readonly<{ direction: 'forward' | 'backward'; rows: number }>;

const NOTHING: Wanted = { direction: 'forward', rows: 0 };
const NEXT: Wanted = { direction: 'forward', rows: 1 };

/** Moves the cursor to where the rows begin. 55000 backwards over rows that are not kept. */
export async function goTo(
  session: Session,
  cursor: ScrollCursor,
  { direction, count }: FetchDirection,
  continuous: boolean,
): Promise<Wanted> {
  const rows = count === 'all' ? Number.POSITIVE_INFINITY : count;
  switch (direction) {
    case 'forward':
    case 'backward': {
      if (rows === 0) return currentRow(cursor);
      const forward = (direction === 'forward') === rows > 0;
      return { direction: forward ? 'forward' : 'backward', rows: Math.abs(rows) };
    }
    case 'absolute':
      if (rows < 0) return fromEnd(session, cursor, rows, continuous);
      return row(session, cursor, rows);
    case 'relative':
      if (rows === 0) return currentRow(cursor);
      if (rows < 0) cursor.requireScroll();
      return row(session, cursor, cursor.position + rows);
    default:
      return unreachable(direction);
  }
}

function currentRow(cursor: ScrollCursor): Wanted {
  if (!cursor.isOnRow) return NOTHING;
  cursor.moveTo(cursor.position - 1);
  return NEXT;
}

async function row(session: Session, cursor: ScrollCursor, number: number): Promise<Wanted> {
  const before = number - 1;
  if (before <= cursor.position) cursor.moveTo(before);
  else await skip(session, cursor, before - cursor.position);
  return number < 1 ? NOTHING : NEXT;
}

/** `rows` < 0: -1 is the last row. */
async function fromEnd(
  session: Session,
  cursor: ScrollCursor,
  rows: number,
  continuous: boolean,
): Promise<Wanted> {
  if (continuous) {
    throw new SqlError('0A000', 'a continuous result has no last row', { hint: 'Use FETCH FORWARD.' });
  }
  await skip(session, cursor, Number.POSITIVE_INFINITY);
  cursor.requireScroll();
  return row(session, cursor, cursor.position + rows);
}

async function skip(session: Session, cursor: ScrollCursor, rows: number): Promise<void> {
  for (let left = rows; left > 0; ) {
    session.interrupt.throwIfRaised();
    const slice = cursor.poll(left);
    if (slice === null) await session.interrupt.wait(cursor.ready());
    else if (slice.kind === 'rows') left -= slice.to - slice.from;
    else if (slice.kind === 'notice') session.notify(slice.notice);
    else return;
  }
}
