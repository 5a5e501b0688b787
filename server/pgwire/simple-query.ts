import { NEVER_ARGUMENTS, NO_ARGUMENTS } from '../session/session.ts';
import { writeEmptyQueryResponse } from './backend-messages.ts';
import { sendOutcome, type Wire } from './send-outcome.ts';

/**
 * One Query message: its statements one after the other. Several are one implicit transaction block, unless they hold
 * BEGIN and COMMIT themselves. Throws the first error: the rest is not run.
 */
export async function simpleQuery(wire: Wire, text: string): Promise<void> {
  const { session, output } = wire;
  const statements = await session.parseText(text);
  if (statements.length === 0) writeEmptyQueryResponse(output.writer);
  for (const [i, statement] of statements.entries()) {
    const last = i === statements.length - 1;
    session.endsBlock = last;
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
