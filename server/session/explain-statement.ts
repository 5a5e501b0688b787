import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { ExplainLine, Statement } from '../../planner/statement.ts';
import type { OperatorStatistics } from '../../runtime/engine-client.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import type { Outcome } from './outcome.ts';
import { refuseUncommitted, runQuery } from './query-statement.ts';
import { nextEvent } from './row-source.ts';
import { scannedRelations } from './scanned-relations.ts';
import type { Session } from './session.ts';
import { textRows } from './text-rows.ts';

type ExplainStatement = Extract<Statement, { kind: 'explain' }>;
const NO_COUNTERS: ReadonlyMap<number, OperatorStatistics> = new Map();

type Target =
  | Readonly<{ kind: 'relation'; relation: number; name: string }>
  | Readonly<{ kind: 'plan'; plan: QueryPlan }>;

const SILENCE_COLUMNS: Schema = [
  { name: 'cause', type: { name: 'text' } },
  { name: 'detail', type: { name: 'text' } },
  { name: 'since', type: { name: 'timestamptz' } },
  { name: 'hint', type: { name: 'text' } },
];

export function explainColumns(statement: ExplainStatement): Schema {
  if (statement.mode === 'silence') return SILENCE_COLUMNS;
  return [{ name: 'QUERY PLAN', type: { name: statement.format === 'json' ? 'json' : 'text' } }];
}

export async function executeExplain(
  session: Session,
  statement: ExplainStatement,
  label: string,
): Promise<Outcome> {
  const columns = explainColumns(statement);
  if (statement.mode === 'silence')
    return textRows(columns, await silenceRows(session, statement), 'EXPLAIN');
  if (statement.mode === 'analyze' && isFiniteQuery(statement.target)) {
    return explainRun(session, statement, statement.target, label);
  }
  const counters = statement.mode === 'analyze' ? await measure(session, statement) : NO_COUNTERS;
  if (statement.format === 'json') {
    return textRows(columns, [[JSON.stringify(documentOf(statement.lines, counters), null, 2)]], 'EXPLAIN');
  }
  return textRows(
    columns,
    statement.lines.map((line) => [printLine(line, counters)]),
    'EXPLAIN',
  );
}

type QueryStatement = Extract<Statement, { kind: 'query' }>;

function isFiniteQuery(target: ExplainStatement['target']): target is QueryStatement {
  return target.kind === 'query' && 'plan' in target && target.plan.emit.kind === 'finite';
}

/** A finite query runs to its end: the rows it gave and the time it took are added. */
async function explainRun(
  session: Session,
  statement: ExplainStatement,
  target: QueryStatement,
  label: string,
): Promise<Outcome> {
  const started = performance.now();
  const { source } = await runQuery(session, target, label);
  let rows = 0;
  try {
    for (;;) {
      const event = await session.interrupt.wait(nextEvent(source));
      if (event.kind === 'rows') rows += event.batch.rows;
      if (event.kind === 'notice') session.notify(event.notice);
      if (event.kind === 'end') break;
    }
  } finally {
    session.release(source);
  }
  const milliseconds = Number((performance.now() - started).toFixed(3));
  const columns = explainColumns(statement);
  if (statement.format === 'json') {
    const document = { plan: documentOf(statement.lines, NO_COUNTERS), rows, 'execution time': milliseconds };
    return textRows(columns, [[JSON.stringify([document], null, 2)]], 'EXPLAIN');
  }
  const lines = statement.lines.map((line) => [printLine(line, NO_COUNTERS)]);
  return textRows(columns, [...lines, [`Rows: ${rows}`], [`Execution Time: ${milliseconds} ms`]], 'EXPLAIN');
}

async function silenceRows(session: Session, statement: ExplainStatement): Promise<(string | null)[][]> {
  const causes = await session.interrupt.wait(session.context.engine.silence(targetOf(statement)));
  return causes.map(({ cause, detail, since, hint }) => [
    cause,
    detail,
    // µs since 1970; the text form is read back by textRows.
    since === null ? null : new Date(since / 1_000).toISOString(),
    hint,
  ]);
}

async function measure(
  session: Session,
  statement: ExplainStatement,
): Promise<ReadonlyMap<number, OperatorStatistics>> {
  const target = targetOf(statement);
  if (target.kind === 'plan') refuseUncommitted(session, scannedRelations(target.plan), false);
  const { engine } = session.context;
  const statistics =
    target.kind === 'relation'
      ? await session.interrupt.wait(engine.statistics(target.relation))
      : await session.interrupt.wait(engine.measure(target.plan, statement.durationMs));
  return new Map(statistics.map((operator) => [operator.id, operator]));
}

function targetOf(statement: ExplainStatement): Target {
  const { target } = statement;
  if ('oid' in target) return relationTarget(target);
  switch (target.kind) {
    case 'query':
      return { kind: 'plan', plan: target.plan };
    case 'subscribe':
      return target.target.kind === 'plan'
        ? { kind: 'plan', plan: target.target.plan }
        : relationTarget(target.target.relation);
    case 'create':
      if (target.object.kind === 'materialized-view') return { kind: 'plan', plan: target.object.plan };
      break;
    case 'insert-continuous':
      return { kind: 'plan', plan: target.plan };
    default:
      break;
  }
  throw new SqlError('0A000', 'EXPLAIN ANALYZE and EXPLAIN SILENCE need a query or a view');
}

function relationTarget(relation: RelationDefinition): Target {
  return { kind: 'relation', relation: relation.oid, name: relation.name };
}

function printLine(line: ExplainLine, counters: ReadonlyMap<number, OperatorStatistics>): string {
  const operator = line.operator === null ? undefined : counters.get(line.operator);
  const text = `${'  '.repeat(line.depth)}${line.text}`;
  if (operator === undefined) return text;
  const busyMs = (operator.busyMicros / 1_000).toFixed(3);
  return `${text}  (rows in=${operator.rowsIn} out=${operator.rowsOut} busy=${busyMs} ms memory=${operator.memoryBytes} B)`;
}

type PlanDocument = { [key: string]: unknown; details?: string[]; inputs?: PlanDocument[] };

/** The lines as a tree by their depth; those that are no operators describe the one above them. */
function documentOf(
  lines: readonly ExplainLine[],
  counters: ReadonlyMap<number, OperatorStatistics>,
): readonly PlanDocument[] {
  const roots: PlanDocument[] = [];
  const path: PlanDocument[] = [];
  for (const line of lines) {
    path.length = Math.min(line.depth, path.length);
    const parent = path.at(-1);
    const { operator: id, text, properties } = line;
    if (id === null && parent !== undefined) {
      (parent.details ??= []).push(text);
      for (const [name, value] of Object.entries(properties)) parent[name] ??= value;
      continue;
    }
    const measured = id === null ? undefined : counters.get(id);
    const node: PlanDocument = { text, ...properties, ...(measured === undefined ? {} : { measured }) };
    if (parent === undefined) roots.push(node);
    else (parent.inputs ??= []).push(node);
    path.push(node);
  }
  return roots;
}
