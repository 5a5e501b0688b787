/** Finite queries that ask again what was asked before: their rows are encoded once for all who ask while nothing changes. */
import { KEPT_ANSWER_BYTES_MAX, KEPT_TEXT_CHARACTERS_MAX } from '../limits.ts';
import type { ParsedStatement } from '../../planner/statement.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import type { Result } from '../results/result-cache.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import { presentRows } from '../session/presented-rows.ts';
import { ResultCursor, type RowCursor } from '../session/result-cursor.ts';
import type { Arguments } from '../session/arguments.ts';
import type { Session } from '../session/session.ts';
import { dataRowEncoder, type RowEncoder } from './row-encoder.ts';
import { sendRows } from './send-rows.ts';
import type { WireOutput } from './wire-output.ts';

/** Where an answer is kept, and how its rows may be had without running the statement. */
type Kept = Readonly<{ key: string; rows: () => RowsOutcome | null }>;

/**
 * Under which the answer of a statement is kept; null where it can't be: in a transaction block, which reads its own
 * snapshot, or where the answer may differ the next time.
 */
export function keptAnswer(
  session: Session,
  statement: ParsedStatement,
  given: Arguments,
  formats: readonly number[],
): Kept | null {
  if (session.transaction !== null || statement.text.length > KEPT_TEXT_CHARACTERS_MAX) return null;
  if (!QUERY.test(statement.text)) return null;
  const planned = session.plan(statement, { types: given.types });
  const { results } = session.context;
  const key = results.keyOf(session, planned, { statement, given, format: `rows ${formats.join()}` });
  if (key === null) return null;
  const rows = (): RowsOutcome | null =>
    results.rowsOf(session, given.values === undefined ? planned : session.plan(statement, given), given);
  return { key, rows };
}

const QUERY = /^\s*(?:select|with|values|table)\b/i;

/**
 * Sends the rows, known ones or those that `run` gives; gives their number. `begin` is called with the columns before
 * them.
 */
export async function sendAnswer(
  session: Session,
  output: WireOutput,
  kept: Kept,
  formats: readonly number[],
  run: () => Promise<RowsOutcome>,
  begin: (result: Pick<Result, 'columns'>) => void,
): Promise<number> {
  const { results } = session.context;
  let rest: Rest | null = null;
  const evaluate = async (): Promise<Result | null> => {
    const outcome = kept.rows() ?? (await run());
    const encoder = dataRowEncoder(outcome.columns, formats, session.settings.text);
    const cursor = new ResultCursor(presentRows(outcome));
    const writer = new ByteWriter();
    const { rows, ended } = await collect(session, cursor, encoder, writer);
    if (!ended) {
      rest = { outcome, cursor, encoder, writer, rows };
      return null;
    }
    session.release(outcome.source);
    return { columns: outcome.columns, body: writer.take(), next: null, rows, tick: 0 };
  };
  const result = results.known(kept.key) ?? (await results.answer(kept.key, session, evaluate));
  if (result !== null) {
    begin(result);
    output.writer.writeBytes(result.body);
    return result.rows;
  }
  return sendLong(session, output, rest!, begin);
}

/** A result that is too long to be kept: what was encoded of it, and where it goes on. */
type Rest = Readonly<{
  outcome: RowsOutcome;
  cursor: RowCursor;
  encoder: RowEncoder;
  writer: ByteWriter;
  rows: number;
}>;

async function sendLong(
  session: Session,
  output: WireOutput,
  { outcome, cursor, encoder, writer, rows }: Rest,
  begin: (result: Pick<Result, 'columns'>) => void,
): Promise<number> {
  begin(outcome);
  output.writer.writeBytes(writer.take());
  try {
    const sent = await sendRows(session, output, cursor, encoder, 0, false);
    return rows + sent.rows;
  } finally {
    session.release(outcome.source);
  }
}

/** Until the end, or until it is too long to be kept. */
async function collect(
  session: Session,
  cursor: RowCursor,
  encoder: RowEncoder,
  writer: ByteWriter,
): Promise<Readonly<{ rows: number; ended: boolean }>> {
  const { interrupt } = session;
  let rows = 0;
  while (writer.length < KEPT_ANSWER_BYTES_MAX) {
    interrupt.throwIfRaised();
    const slice = cursor.poll(Number.POSITIVE_INFINITY);
    if (slice === null) await interrupt.wait(cursor.ready());
    else if (slice.kind === 'end') return { rows, ended: true };
    else if (slice.kind === 'notice') session.notify(slice.notice);
    else {
      encoder.rows(writer, slice.batch, slice.from, slice.to);
      rows += slice.to - slice.from;
    }
  }
  return { rows, ended: false };
}
