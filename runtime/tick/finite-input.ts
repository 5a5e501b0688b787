/** What a finite query's scan reads: parts that later ticks do not touch. */
import { assert } from '../../common/assert.ts';
import type { Batch } from '../batch/column.ts';
import { buildColumn } from '../batch/datum.ts';
import { unweighted } from '../batch/unweighted.ts';
import type { Scan } from '../dstream/scan.ts';
import { isSystemView, SYSTEM_VIEWS } from '../plan/system-views.ts';
import { relationDelta, type RelationDelta } from '../source/admitted.ts';
import type { EngineState } from './engine-state.ts';
import type { FiniteInput } from './finite-run.ts';
import { contentAsOf, tooOld } from './subscription.ts';
import { systemRows } from './system-rows.ts';
import type { TableRuntime } from './table-runtime.ts';
import type { ViewRuntime } from './view-runtime.ts';

/** `snapshot`: as of the end of that tick (a transaction's reads); null: as of now. */
export function finiteInput(
  scan: Scan,
  state: EngineState,
  now: number,
  snapshot: number | null,
): FiniteInput {
  const { node } = scan;
  if ('view' in node) return { parts: systemParts(String(node.view), state) };
  const { relations } = state;
  const table = relations.tables.get(node.relation);
  if (table !== undefined) return { parts: batches(asOf(table, table.store.read(), snapshot)) };
  const running = relations.views.get(node.relation);
  if (running !== undefined) {
    if (running.failed !== null) throw running.failed;
    return { parts: batches(asOf(running.view, running.view.read(), snapshot)) };
  }
  // rows that come while the query runs are not part of its answer
  const last = snapshot ?? state.tick.number;
  return { parts: history(relations.stream(node.relation).history(now), last) };
}

/** What is there now less what came after the snapshot. */
function asOf(
  relation: TableRuntime | ViewRuntime,
  content: readonly Batch[],
  snapshot: number | null,
): readonly Batch[] {
  if (snapshot === null || relation.lastChange <= snapshot) return content;
  if (snapshot < relation.changelog.trimmedTick)
    throw tooOld(relation.name, snapshot, relation.changelog.trimmedTick);
  const later = relation.changelog.read().filter((c) => c.tick > snapshot);
  return contentAsOf(
    relation.schema,
    content,
    later.map((c) => c.batch),
  ).map(unweighted);
}

function* batches(all: readonly Batch[]): Generator<RelationDelta> {
  for (const batch of all) yield relationDelta([batch], new Map(), false);
}

function* history(
  parts: Iterable<RelationDelta['parts'][number] & Readonly<{ tick: number }>>,
  last: number,
): Generator<RelationDelta> {
  for (const part of parts) {
    if (part.tick > last) return;
    yield { parts: [part], watermarks: new Map(), ended: false };
  }
}

function* systemParts(view: string, state: EngineState): Generator<RelationDelta> {
  assert(isSystemView(view), `no system view ${view}`);
  const rows = systemRows(view, state);
  const columns = SYSTEM_VIEWS[view].map((field, c) =>
    buildColumn(
      field.type,
      rows.map((row) => row[c]),
    ),
  );
  yield relationDelta([{ rows: rows.length, columns, weights: null }], new Map(), false);
}
