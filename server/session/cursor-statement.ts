import { SqlError } from '../../common/sql-error.ts';
import type { FetchDirection, Statement } from '../../planner/statement.ts';
import { FetchedRows } from './fetched-rows.ts';
import type { Outcome, RowsOutcome } from './outcome.ts';
import { Portal } from './portal.ts';
import { runQuery, runSubscribe } from './query-statement.ts';
import { nextEvent } from './row-source.ts';
import type { Session } from './session.ts';

type DeclareStatement = Extract<Statement, { kind: 'declare' }>;
type FetchStatement = Extract<Statement, { kind: 'fetch' }>;

export async function executeDeclare(
  session: Session,
  statement: DeclareStatement,
  label: string,
): Promise<Outcome> {
  const { name, source } = statement;
  if (session.transaction === null) {
    throw new SqlError('25P01', 'DECLARE CURSOR can only be used in transaction blocks');
  }
  if (statement.hold)
    throw unsupported('WITH HOLD cursors are not supported', 'Keep the transaction open while reading.');
  if (statement.scroll)
    throw unsupported('SCROLL cursors are not supported', 'Declare the cursor with NO SCROLL.');
  if (session.portals.has(name)) throw new SqlError('42P03', `cursor "${name}" already exists`);
  if (source.kind !== 'query' && source.kind !== 'subscribe') {
    throw unsupported('DECLARE CURSOR must specify SELECT, VALUES or SUBSCRIBE');
  }
  const rows =
    source.kind === 'query'
      ? await runQuery(session, source, label)
      : await runSubscribe(session, source, label);
  const portal = new Portal(session, null, rows.columns, [], async () => rows);
  await portal.outcome();
  session.addPortal(name, portal);
  return { kind: 'command', tag: 'DECLARE CURSOR', tick: null };
}

export async function executeFetch(session: Session, statement: FetchStatement): Promise<Outcome> {
  const portal = session.portals.get(statement.name);
  if (portal === undefined) throw noCursor(statement.name);
  const outcome = await portal.outcome();
  if (outcome.kind !== 'rows') throw new SqlError('24000', `cursor "${statement.name}" gives no rows`);
  const cursor = portal.cursor(outcome);
  const source = new FetchedRows(cursor, rowsWanted(statement.fetch), statement.timeoutMs);
  if (statement.move) return moveCursor(session, source);
  const fetched: RowsOutcome = {
    kind: 'rows',
    columns: outcome.columns,
    source,
    // Envelope columns are in the cursor's rows already, and however long it waits, a FETCH ends.
    live: null,
    tag: 'FETCH',
    counted: true,
  };
  return fetched;
}

async function moveCursor(session: Session, source: FetchedRows): Promise<Outcome> {
  let rows = 0;
  for (;;) {
    const event = await session.interrupt.wait(nextEvent(source));
    if (event.kind === 'rows') rows += event.batch.rows;
    if (event.kind === 'notice') session.notify(event.notice);
    if (event.kind === 'end') return { kind: 'command', tag: `MOVE ${rows}`, tick: null };
  }
}

function rowsWanted(fetch: FetchDirection): number {
  if (fetch.direction === 'backward' || (fetch.count !== 'all' && fetch.count < 0)) {
    throw new SqlError('55000', 'cursor can only scan forward', {
      hint: 'Declare it with SCROLL option to enable backward scan.',
    });
  }
  if (fetch.direction !== 'forward')
    throw unsupported('FETCH ABSOLUTE and FETCH RELATIVE are not supported', 'Use FETCH FORWARD.');
  if (fetch.count === 'all') return Number.POSITIVE_INFINITY;
  if (fetch.count === 0) throw unsupported('FETCH 0 is not supported');
  return fetch.count;
}

export function executeClose(session: Session, name: string | null): Outcome {
  if (name === null) {
    session.closePortals();
    return { kind: 'command', tag: 'CLOSE CURSOR ALL', tick: null };
  }
  const portal = session.portals.get(name);
  if (portal === undefined) throw noCursor(name);
  portal.close();
  session.portals.delete(name);
  return { kind: 'command', tag: 'CLOSE CURSOR', tick: null };
}

const noCursor = (name: string): SqlError => new SqlError('34000', `cursor "${name}" does not exist`);

const unsupported = (message: string, hint?: string): SqlError => new SqlError('0A000', message, { hint });
