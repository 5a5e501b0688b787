/** POST /query: one finite statement, or DDL. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SqlError } from '../../common/sql-error.ts';
import type { ParsedStatement, Statement } from '../../planner/statement.ts';
import { STATEMENT_BYTES_MAX } from '../../common/limits.ts';
import type { ServerContext } from '../server-context.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import { inOwnTypes } from '../session/own-types.ts';
import type { Login } from '../session/login.ts';
import { closeSession, openSession } from '../session/open-session.ts';
import type { Arguments } from '../session/arguments.ts';
import type { Session } from '../session/session.ts';
import { isLargeText } from '../planning/planner-thread.ts';
import { collectRows } from './collect-rows.ts';
import { parameterText, parseExactJson } from './exact-json.ts';
import { HttpError, sendJson } from './http-error.ts';
import { acceptedFormat } from './negotiate.ts';
import { contentType, readBody } from './request-body.ts';
import type { BodyFormat } from './result-body.ts';
import type { Result } from '../results/result-cache.ts';
import { sendResult } from './send-result.ts';

export async function postQuery(
  context: ServerContext,
  login: Login,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A form of another site can't send this type without asking first.
  if (contentType(request).type !== 'application/json') {
    throw new HttpError(
      415,
      new SqlError('0A000', 'POST /query takes application/json only', {
        hint: 'Send {"sql":"SELECT 1"} with the header Content-Type: application/json.',
      }),
    );
  }
  const format = acceptedFormat(request);
  const { sql, params } = readRequest(await readBody(request, STATEMENT_BYTES_MAX));
  const session = openSession(context, login, () => {});
  response.on('close', () => session.cancel());
  try {
    const answer = await answerQuery(context, session, sql, params, format);
    if ('command' in answer) sendJson(response, 200, answer);
    else sendResult(response, format, answer, { tick: answer.tick });
  } finally {
    closeSession(session);
  }
}

/** What may be a query whose answer is kept: the others are planned when they run. */
const QUERY = /^\s*(select|with|values|table)\b/i;

/** What a statement without rows answers. */
type Command = Readonly<{ command: string; tick: number | null }>;

async function answerQuery(
  context: ServerContext,
  session: Session,
  sql: string,
  params: readonly unknown[],
  format: BodyFormat,
): Promise<Result | Command> {
  const { statement, given } = await readStatement(session, sql, params);
  const run = async (kept?: () => RowsOutcome | null): Promise<Result | Command> => {
    const answer = kept?.() ?? (await runParsed(session, statement, given));
    if ('command' in answer) return answer;
    const { tick, body, rows } = await collectRows(session, answer, format);
    return { columns: answer.columns, body, rows, next: null, tick };
  };
  if (!QUERY.test(statement.text) || isLargeText(statement.text)) return run();
  const planned = await session.planText(statement, given);
  // WITH may stand before a write
  if (refuseUnfit(planned.statement).kind !== 'query') return run();
  const { results } = context;
  const key = results.keyOf(session, planned, { statement, given, format });
  if (key === null) return run();
  const evaluate = async (): Promise<Result> => {
    const result = await run(() => results.rowsOf(session, planned, given));
    if ('command' in result) throw new SqlError('XX000', 'a query gives rows');
    return result;
  };
  return (await results.answer(key, session, evaluate)) ?? run();
}

export function readRequest(body: Buffer): Readonly<{ sql: string; params: readonly unknown[] }> {
  const value = parseExactJson(body.toString('utf8'));
  const { sql, params } = (value ?? {}) as { sql?: unknown; params?: unknown };
  if (typeof sql !== 'string') throw new SqlError('22023', 'the body must have "sql", a string');
  if (params !== undefined && params !== null && !Array.isArray(params)) {
    throw new SqlError('22023', '"params" must be an array');
  }
  return { sql, params: params ?? [] };
}

/** One statement that needs neither a session after it nor a stream of data. */
export async function runStatement(
  session: Session,
  sql: string,
  params: readonly unknown[],
): Promise<RowsOutcome | Command> {
  const { statement, given } = await readStatement(session, sql, params);
  return runParsed(session, statement, given);
}

type ReadStatement = Readonly<{ statement: ParsedStatement; given: Arguments }>;

async function readStatement(
  session: Session,
  sql: string,
  params: readonly unknown[],
): Promise<ReadStatement> {
  const parsed = await session.parseText(sql);
  const [statement] = parsed;
  if (statement === undefined) throw new SqlError('42601', 'the statement is empty');
  if (parsed.length > 1) throw new SqlError('42601', 'only one statement can be sent at a time');
  const values = params.map(parameterText);
  if (values.length !== statement.parameterCount) {
    throw new SqlError(
      '08P01',
      `the statement has ${statement.parameterCount} parameters, but ${values.length} were given`,
    );
  }
  const types = values.map(() => null);
  return { statement, given: values.length === 0 ? { types } : { types, values } };
}

async function runParsed(
  session: Session,
  statement: ParsedStatement,
  given: Arguments,
): Promise<RowsOutcome | Command> {
  const outcome = await session.execute(statement, given, refuseUnfit);
  switch (outcome.kind) {
    case 'rows':
      return inOwnTypes(outcome);
    case 'command':
      return { command: outcome.tag, tick: outcome.tick };
    default:
      throw new SqlError('42601', 'the statement is empty');
  }
}

const UNFIT: ReadonlySet<Statement['kind']> = new Set([
  'subscribe',
  'insert-continuous',
  'copy-from',
  'copy-to',
  'transaction',
  'prepare',
  'execute',
  'deallocate',
  'declare',
  'fetch',
  'close',
]);

function refuseUnfit(statement: Statement): Statement {
  const continuous = statement.kind === 'query' && statement.plan.emit.kind !== 'finite';
  if (continuous || statement.kind === 'subscribe') {
    throw new SqlError('0A000', 'a continuous query has no single answer', {
      hint: 'Use GET /live?sql=…, or the WebSocket at /ws.',
    });
  }
  if (UNFIT.has(statement.kind)) {
    throw new SqlError('0A000', 'this statement needs a session', { hint: 'Use a PostgreSQL client.' });
  }
  return statement;
}
