import { SqlError } from '../../common/sql-error.ts';
import type { ParsedStatement } from '../../planner/statement.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import { NEVER_ARGUMENTS, NO_ARGUMENTS } from '../session/arguments.ts';
import { writeCommandComplete, writeEmptyQueryResponse, writeRowDescription } from './backend-messages.ts';
import { keptAnswer, sendAnswer } from './cached-answer.ts';
import { sendOutcome, type Wire } from './send-outcome.ts';

const TEXT_FORMAT: readonly number[] = [0];

/** The whole answer of a query, where it is one that is kept. */
async function sendKeptAnswer({ session, output }: Wire, statement: ParsedStatement): Promise<boolean> {
  const kept = keptAnswer(session, statement, NO_ARGUMENTS, TEXT_FORMAT);
  if (kept === null) return false;
  const run = async (): Promise<RowsOutcome> => {
    const outcome = await session.execute(statement, NO_ARGUMENTS);
    if (outcome.kind !== 'rows') throw new SqlError('XX000', 'a query gives rows');
    return outcome;
  };
  const rows = await sendAnswer(session, output, kept, TEXT_FORMAT, run, ({ columns }) =>
    writeRowDescription(output.writer, columns, () => 0),
  );
  writeCommandComplete(output.writer, `SELECT ${rows}`);
  return true;
}

/**
 * One Query message: its statements one after the other. Several are one implicit transaction block, unless they hold
 * BEGIN and COMMIT themselves. Throws the first error: the rest is not run.
 */
export async function simpleQuery(wire: Wire, text: string): Promise<void> {
  const { session, output } = wire;
  // as PostgreSQL: the unnamed statement lasts until the next Parse or Query
  session.prepared.delete('');
  const statements = await session.parseText(text);
  if (statements.length === 0) writeEmptyQueryResponse(output.writer);
  const [only] = statements;
  if (statements.length === 1 && only?.parameterCount === 0 && (await sendKeptAnswer(wire, only))) return;
  for (const [i, statement] of statements.entries()) {
    const last = i === statements.length - 1;
    session.endsBlock = last;
    // each has its own time
    if (i > 0) session.restartClock();
    if (session.transaction === null && statements.length > 1 && !last) session.begin(true);
    const outcome = await session.execute(
      statement,
      statement.parameterCount === 0 ? NO_ARGUMENTS : NEVER_ARGUMENTS,
    );
    await sendOutcome(wire, outcome, async () => {
      if (last) await session.endImplicit();
    });
  }
}
