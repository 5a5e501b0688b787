/** What a finite query's scan reads: parts that later ticks do not touch. */
import { buildColumn } from '../batch/datum.ts';
import type { Scan } from '../dstream/scan.ts';
import { isSystemView, SYSTEM_VIEWS } from '../plan/system-views.ts';
import { relationDelta, type RelationDelta } from '../source/admitted.ts';
import { assert } from '../../common/assert.ts';
import type { EngineCore } from './engine-core.ts';
import type { FiniteInput } from './finite-run.ts';
import { systemRows } from './system-rows.ts';

export function finiteInput(scan: Scan, core: EngineCore, now: number): FiniteInput {
  const { node } = scan;
  if ('view' in node) return { parts: systemParts(String(node.view), core), isStream: false };
  const { relations } = core;
  const table = relations.tables.get(node.relation);
  if (table !== undefined) return { parts: batches(table.store.read()), isStream: false };
  const view = relations.views.get(node.relation);
  if (view !== undefined) {
    if (view.failed !== null) throw view.failed;
    return { parts: batches(view.view.read()), isStream: false };
  }
  const stream = relations.stream(node.relation);
  return { parts: history(stream.history(now)), isStream: true };
}

function* batches(all: readonly RelationDelta['parts'][number]['batch'][]): Generator<RelationDelta> {
  for (const batch of all) yield relationDelta([batch], new Map(), false);
}

function* history(parts: Iterable<RelationDelta['parts'][number]>): Generator<RelationDelta> {
  for (const part of parts) yield { parts: [part], watermarks: new Map(), ended: false };
}

function* systemParts(view: string, core: EngineCore): Generator<RelationDelta> {
  assert(isSystemView(view), `no system view ${view}`);
  const rows = systemRows(view, core);
  const columns = SYSTEM_VIEWS[view].map((field, c) =>
    buildColumn(
      field.type,
      rows.map((row) => row[c]),
    ),
  );
  yield relationDelta([{ rows: rows.length, columns, weights: null }], new Map(), false);
}
