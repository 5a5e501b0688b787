import { SqlError } from '../../common/sql-error.ts';
import type { Statement } from '../../planner/statement.ts';
import { parameterText } from '../http/exact-json.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import type { Session } from '../session/session.ts';

/** What a client says beside the text; it wins over SUBSCRIBE's own clauses. */
export type LiveRequest = Readonly<{
  snapshot?: boolean | undefined;
  asOf?: number | undefined;
  progress?: boolean | undefined;
}>;

/** Starts a SELECT … EMIT or SUBSCRIBE; anything else is 0A000. */
export async function liveStatement(
  session: Session,
  sql: string,
  params: readonly unknown[],
  request: LiveRequest,
): Promise<RowsOutcome> {
  const parsed = await session.parseText(sql);
  const [statement] = parsed;
  if (statement === undefined || parsed.length > 1) {
    throw new SqlError('42601', 'exactly one statement must be sent');
  }
  const values = params.map(parameterText);
  if (values.length !== statement.parameterCount) {
    throw new SqlError(
      '08P01',
      `the statement has ${statement.parameterCount} parameters, but ${values.length} were given`,
    );
  }
  const types = values.map(() => null);
  const given = values.length === 0 ? { types } : { types, values };
  const outcome = await session.execute(statement, given, (planned) => amend(planned, request));
  if (outcome.kind !== 'rows' || outcome.live === null)
    throw new SqlError('XX000', 'a live query gives rows');
  return outcome;
}

function amend(statement: Statement, request: LiveRequest): Statement {
  const { snapshot, asOf, progress } = request;
  if (statement.kind === 'subscribe') {
    return {
      ...statement,
      snapshot: snapshot ?? statement.snapshot,
      asOf: asOf ?? statement.asOf,
      progress: progress ?? statement.progress,
    };
  }
  if (statement.kind !== 'query' || statement.plan.emit.kind === 'finite') {
    throw new SqlError('0A000', 'only SELECT ... EMIT and SUBSCRIBE are continuous', {
      hint: 'Add EMIT CHANGES or EMIT ON WINDOW CLOSE; a finite query goes to POST /query.',
    });
  }
  if (asOf !== undefined) {
    throw new SqlError('55000', 'SELECT ... EMIT keeps no changelog to resume from', {
      hint: 'Create a materialized view and subscribe to it.',
    });
  }
  if (snapshot !== undefined) throw new SqlError('22023', 'snapshot is for SUBSCRIBE only');
  return statement;
}
