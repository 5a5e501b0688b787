import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Statement } from '../../planner/statement.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import { blockScope } from './block-scope.ts';
import type { LiveShape, RowsOutcome } from './outcome.ts';
import { relationKey, relationSchema } from './relation-shape.ts';
import { EngineRows, type RowSource } from './row-source.ts';
import { scannedRelations } from './scanned-relations.ts';
import type { Session } from './session.ts';
import { arrangedSchema, TickRows } from './tick-rows.ts';

type QueryStatement = Extract<Statement, { kind: 'query' }>;
type SubscribeStatement = Extract<Statement, { kind: 'subscribe' }>;

/** SELECT, finite or with EMIT. */
export async function runQuery(
  session: Session,
  statement: QueryStatement,
  label: string,
): Promise<RowsOutcome> {
  const { plan } = statement;
  const finite = plan.emit.kind === 'finite';
  refuseUncommitted(session, scannedRelations(plan), finite);
  const block = finite ? blockScope(session) : null;
  const snapshot = finite ? (block?.snapshot ?? session.readTick) : null;
  const stream = session.context.engine.run(plan, session.runOptions(label, block, snapshot));
  const rows = new EngineRows(stream, !finite);
  return {
    kind: 'rows',
    columns: statement.columns,
    source: session.track(rows, finite ? null : rows),
    live: finite ? null : queryShape(plan, statement.columns),
    tag: 'SELECT',
    counted: true,
  };
}

function queryShape(plan: QueryPlan, columns: Schema): LiveShape {
  const appendOnly = plan.emit.kind === 'close';
  return {
    columns: plan.columns,
    envelope: appendOnly ? 'none' : 'diffs',
    enveloped: columns.length > plan.columns.length,
    progress: false,
    key: plan.key,
    appendOnly,
  };
}

export async function runSubscribe(
  session: Session,
  statement: SubscribeStatement,
  label: string,
): Promise<RowsOutcome> {
  const { target, upsertKey, withinTickOrder } = statement;
  const read = target.kind === 'plan' ? scannedRelations(target.plan) : [target.relation.oid];
  refuseUncommitted(session, read, false);
  const bare = targetSchema(target);
  const wholeTicks = upsertKey !== null || withinTickOrder.length > 0;
  const stream = session.context.engine.subscribe({
    ...session.runOptions(label, null, null),
    source: target.kind === 'plan' ? target : { kind: 'relation', relation: target.relation.oid },
    withSnapshot: statement.snapshot,
    // Whole ticks are recognised by the progress after them.
    progress: statement.progress || wholeTicks,
    asOf: statement.asOf,
    upTo: statement.upTo,
  });
  const rows = new EngineRows(stream, true);
  const source: RowSource = wholeTicks
    ? new TickRows(rows, { schema: bare, upsertKey, order: withinTickOrder })
    : rows;
  return {
    kind: 'rows',
    columns: statement.columns,
    source: session.track(source, rows),
    live: {
      columns: arrangedSchema(bare, upsertKey),
      envelope: upsertKey === null ? 'diffs' : 'operations',
      enveloped: true,
      progress: statement.progress,
      key: upsertKey === null ? targetKey(target) : upsertKey.map((_, i) => i),
      appendOnly: isAppendOnly(target),
    },
    tag: 'SUBSCRIBE',
    counted: true,
  };
}

const targetSchema = (target: SubscribeStatement['target']): Schema =>
  target.kind === 'plan' ? target.plan.columns : relationSchema(target.relation);

const targetKey = (target: SubscribeStatement['target']): readonly number[] | null =>
  target.kind === 'plan' ? target.plan.key : relationKey(target.relation);

function isAppendOnly(target: SubscribeStatement['target']): boolean {
  if (target.kind === 'plan') return target.plan.emit.kind === 'close';
  const { relation } = target;
  return (
    relation.kind === 'stream' ||
    (relation.kind === 'materialized-view' && relation.plan.emit.kind === 'close')
  );
}

/**
 * What a block created is in no tick before COMMIT. A finite query sees its tables and streams all the same, but no
 * materialized view; what follows the live ticks sees nothing of it.
 */
export function refuseUncommitted(session: Session, relations: readonly Oid[], finite: boolean): void {
  const { transaction, catalog } = session;
  if (transaction === null) return;
  for (const oid of relations) {
    const relation = catalog.relationByOid(oid);
    if (relation === undefined || !transaction.hasCreated(oid)) continue;
    if (finite && relation.kind !== 'materialized-view') continue;
    const what = relation.kind === 'materialized-view' ? 'materialized view' : relation.kind;
    throw new SqlError(
      '55000',
      `${what} "${relation.name}" was created in this transaction and can't be read yet`,
      {
        hint: 'Read it after COMMIT.',
      },
    );
  }
}
