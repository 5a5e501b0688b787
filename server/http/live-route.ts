/** GET /views/{name}/live and GET /live?sql=…: Server-Sent Events, one a tick; Last-Event-ID resumes after that tick. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SqlError } from '../../common/sql-error.ts';
import { flattenError } from '../flatten-error.ts';
import { OUTPUT_BYTES_HIGH, SLOW_READER_CHECK_MS } from '../limits.ts';
import { liveStatement, type LiveRequest } from '../live/live-statement.ts';
import { noticeMessage, progressMessage, rowsServerEvent, schemaMessage } from '../live/live-messages.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from '../session/login.ts';
import { closeSession, openSession } from '../session/open-session.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import { nextEvent } from '../session/row-source.ts';
import type { Session } from '../session/session.ts';
import { TickRows } from '../session/tick-rows.ts';
import { errorMembers } from './http-error.ts';
import { findRelation, qualifiedName } from './relation-name.ts';

const HEARTBEAT_MS = 15_000;

export async function getViewLive(
  context: ServerContext,
  login: Login,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const relation = findRelation(context.catalog.current, name);
  await streamEvents(
    context,
    login,
    `SUBSCRIBE TO ${qualifiedName(relation)} WITH (PROGRESS)`,
    request,
    response,
  );
}

export async function getLive(
  context: ServerContext,
  login: Login,
  parameters: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const sql = parameters.get('sql');
  if (sql === null) throw new SqlError('22023', 'the parameter "sql" is missing');
  await streamEvents(context, login, sql, request, response);
}

async function streamEvents(
  context: ServerContext,
  login: Login,
  sql: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const session = openSession(context, login, (notice) =>
    writeEvent(response, 'notice', null, noticeMessage(notice)),
  );
  response.on('close', () => session.cancel());
  let heartbeat: NodeJS.Timeout | undefined;
  try {
    const outcome = await liveStatement(session, sql, [], resumption(request));
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    writeEvent(response, 'schema', null, schemaMessage(outcome.live!.columns));
    heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT_MS);
    await sendEvents(session, outcome, response);
  } catch (error) {
    if (!response.headersSent) throw error;
    writeEvent(response, 'error', null, errorMembers(flattenError(error, context.log)));
    response.end();
  } finally {
    clearInterval(heartbeat);
    closeSession(session);
  }
}

/** Progress is always asked for: a tick goes out whole, so that its number is a place to resume from. */
function resumption(request: IncomingMessage): LiveRequest {
  const last = request.headers['last-event-id'];
  if (last === undefined || last === '') return { progress: true };
  const tick = typeof last === 'string' && /^\d{1,15}$/.test(last) ? Number(last) : null;
  if (tick === null) throw new SqlError('22023', 'Last-Event-ID is not a tick');
  return { progress: true, asOf: tick, snapshot: false };
}

async function sendEvents(session: Session, outcome: RowsOutcome, response: ServerResponse): Promise<void> {
  const live = outcome.live!;
  const whole = live.enveloped && live.envelope === 'diffs' && live.progress;
  const source = whole
    ? new TickRows(outcome.source, { schema: live.columns, upsertKey: null, order: [] })
    : outcome.source;
  for (;;) {
    const event = await session.interrupt.wait(nextEvent(source));
    session.interrupt.throwIfRaised();
    switch (event.kind) {
      case 'rows':
        if (event.batch.rows > 0 && !response.writableEnded) response.write(rowsServerEvent(event, live));
        break;
      case 'progress':
        writeEvent(response, 'progress', event.tick, progressMessage(event.tick, null));
        break;
      case 'notice':
        writeEvent(response, 'notice', null, noticeMessage(event.notice));
        break;
      case 'end':
        writeEvent(response, 'end', null, { op: 'end', tick: event.tick });
        response.end();
        return;
    }
    while (response.writableLength > OUTPUT_BYTES_HIGH && !source.checkBound()) {
      await session.interrupt.wait(drained(response));
    }
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off('drain', done);
      resolve();
    };
    const timer = setTimeout(done, SLOW_READER_CHECK_MS);
    response.on('drain', done);
  });
}

/** The data is one line of JSON. */
function writeEvent(response: ServerResponse, name: string | null, id: number | null, data: unknown): void {
  if (!response.headersSent || response.writableEnded) return;
  let head = name === null ? '' : `event: ${name}\n`;
  if (id !== null) head += `id: ${id}\n`;
  response.write(`${head}data: ${JSON.stringify(data)}\n\n`);
}
