import { SqlError } from '../../common/sql-error.ts';
import type { ParsedStatement, Statement } from '../../planner/statement.ts';
import { runCatalog } from './catalog-statement.ts';
import { goTo } from './cursor-motion.ts';
import { FetchedRows } from './fetched-rows.ts';
import type { Outcome, RowsOutcome } from './outcome.ts';
import { Portal } from './portal.ts';
import { runQuery, runSubscribe } from './query-statement.ts';
import { nextEvent, type RowSource, StaticRows } from './row-source.ts';
import type { Scrolling } from './scroll-cursor.ts';
import type { Arguments } from './arguments.ts';
import type { Session } from './session.ts';

type DeclareStatement = Extract<Statement, { kind: 'declare' }>;
type FetchStatement = Extract<Statement, { kind: 'fetch' }>;

export async function executeDeclare(
  session: Session,
  statement: DeclareStatement,
  parsed: ParsedStatement,
  given: Arguments,
): Promise<Outcome> {
  const { name, source } = statement;
  const outsideBlock = session.transaction === null;
  if (outsideBlock && !statement.hold) {
    throw new SqlError('25P01', 'DECLARE CURSOR can only be used in transaction blocks');
  }
  if (session.portals.has(name)) throw new SqlError('42P03', `cursor "${name}" already exists`);
  if (source.kind !== 'query' && source.kind !== 'subscribe' && source.kind !== 'catalog') {
    throw unsupported('DECLARE CURSOR must specify SELECT, VALUES or SUBSCRIBE');
  }
  const rows = await runSource(session, source, parsed, {
    ...given,
    resultFormats: statement.binary ? [1] : [],
  });
  const portal = new Portal(session, null, rows.columns, [], async () => rows, {
    scrolling: scrollingOf(statement, rows),
    hold: statement.hold,
    binary: statement.binary,
    given: null,
    parameterBytes: 0,
  });
  await portal.outcome();
  try {
    session.portals.add(name, portal);
    if (outsideBlock) await portal.keep();
  } catch (error) {
    // there is no transaction that would end it
    if (!session.portals.close(name)) portal.close();
    throw error;
  }
  portal.held = outsideBlock;
  return { kind: 'command', tag: 'DECLARE CURSOR', tick: null };
}

function scrollingOf({ scroll, hold }: DeclareStatement, rows: RowsOutcome): Scrolling {
  if (rows.live !== null) return 'none';
  if (scroll === false) return 'none';
  return scroll === true || hold ? 'kept' : 'tried';
}

function runSource(
  session: Session,
  source: Extract<Statement, { kind: 'query' | 'subscribe' | 'catalog' }>,
  parsed: ParsedStatement,
  given: Arguments,
): Promise<RowsOutcome> {
  switch (source.kind) {
    case 'query':
      return runQuery(session, source, parsed.text);
    case 'subscribe':
      return runSubscribe(session, source, parsed.text);
    case 'catalog':
      return runCatalog(session, source, parsed, given);
  }
}

export async function executeFetch(session: Session, statement: FetchStatement): Promise<Outcome> {
  const portal = session.portals.get(statement.name);
  if (portal === undefined) throw noCursor(statement.name);
  const outcome = await portal.outcome();
  if (outcome.kind !== 'rows') throw new SqlError('24000', `cursor "${statement.name}" gives no rows`);
  const cursor = portal.cursor(outcome);
  const { direction, count } = statement.fetch;
  // MOVE 0 only says whether there is a current row
  if (statement.move && count === 0 && direction !== 'absolute') {
    return { kind: 'command', tag: `MOVE ${cursor.isOnRow ? 1 : 0}`, tick: null };
  }
  const wanted = await goTo(session, cursor, statement.fetch, outcome.live !== null);
  const source =
    wanted.direction === 'forward'
      ? new FetchedRows(cursor, wanted.rows, statement.timeoutMs)
      : new StaticRows(cursor.takeBackward(wanted.rows), 0);
  if (statement.move) return moveCursor(session, source);
  return {
    kind: 'rows',
    columns: outcome.columns,
    source,
    // Envelope columns are in the cursor's rows already, and however long it waits, a FETCH ends.
    live: null,
    tag: 'FETCH',
    counted: true,
    binary: portal.binary,
  };
}

async function moveCursor(session: Session, source: RowSource): Promise<Outcome> {
  let rows = 0;
  for (;;) {
    const event = await session.interrupt.wait(nextEvent(source));
    if (event.kind === 'rows') rows += event.batch.rows;
    if (event.kind === 'notice') session.notify(event.notice);
    if (event.kind === 'end') return { kind: 'command', tag: `MOVE ${rows}`, tick: null };
  }
}

export function executeClose(session: Session, name: string | null): Outcome {
  if (name === null) {
    session.portals.closeAll();
    return { kind: 'command', tag: 'CLOSE CURSOR ALL', tick: null };
  }
  if (!session.portals.close(name)) throw noCursor(name);
  return { kind: 'command', tag: 'CLOSE CURSOR', tick: null };
}

const noCursor = (name: string): SqlError => new SqlError('34000', `cursor "${name}" does not exist`);

const unsupported = (message: string, hint?: string): SqlError => new SqlError('0A000', message, { hint });
