/** What a finite query's scan reads: parts that later ticks do not touch. */
import { assert } from '../../../common/assert.ts';
import type { Batch } from '../../batch/column.ts';
import { buildColumn } from '../../batch/datum.ts';
import type { Scan } from '../../dstream/scan.ts';
import type { BlockScope } from '../../engine-client.ts';
import type { KeyConstants } from '../../plan/key-constants.ts';
import { isSystemView, SYSTEM_VIEWS } from '../../plan/system-views.ts';
import { relationDelta, type RelationDelta } from '../../source/admitted.ts';
import type { Block } from '../block/block.ts';
import { BlockViews } from '../block/block-views.ts';
import { contentAt } from '../content.ts';
import type { EngineState } from '../engine-state.ts';
import type { RelationIndexes } from '../relation-indexes.ts';
import { partsOf, partsUpTo } from './finite-parts.ts';
import { type FiniteInput, NO_NEEDS, type ScanNeeds } from './finite-run.ts';
import { indexRead, pointRead } from './point-read.ts';
import { systemRows } from './system-rows.ts';
import { windowInput } from './window-input.ts';
import type { ChangeableTable } from '../table-changes.ts';

/** `snapshot`: as of the end of that tick (a transaction's reads); null: as of now. */
export type FiniteSource = Readonly<{
  state: EngineState;
  now: number;
  snapshot: number | null;
  /** null: outside of blocks, or the block wrote nothing */
  block: Block | null;
  scope: BlockScope | null;
}>;

export function sourceOf(
  state: EngineState,
  now: number,
  snapshot: number | null,
  scope: BlockScope | null,
): FiniteSource {
  const block = scope === null ? null : (state.blocks.get(scope.id) ?? null);
  return { state, now, snapshot, block, scope };
}

export function finiteInput(
  node: Scan['node'],
  source: FiniteSource,
  { constants, windows }: ScanNeeds = NO_NEEDS,
): FiniteInput {
  const { state, snapshot, block, scope } = source;
  if ('view' in node) return { parts: systemParts(String(node.view), state) };
  const { relations } = state;
  const own = block?.changed(node.relation) ?? null;
  if (own !== null) return { parts: partsOf(rowsOf(own, constants) ?? own.rows()) };
  const table = relations.tables.get(node.relation);
  if (table !== undefined) {
    const isThen = snapshot === null || table.lastChange <= snapshot;
    const rows = isThen ? (rowsOf(table, constants) ?? indexed(table.indexes, constants)) : null;
    return { parts: partsOf(rows ?? contentAt(table, snapshot)) };
  }
  const running = relations.views.get(node.relation);
  if (running !== undefined) {
    if (running.failed !== null) throw running.failed;
    const views =
      block === null ? null : new BlockViews(state, block, (scanned) => finiteInput(scanned, source));
    if (views?.isAffected(node.relation) === true) return { parts: views.evaluate(running) };
    const { view } = running;
    const isThen = snapshot === null || view.lastChange <= snapshot;
    const rows = isThen ? indexed(view.indexes, constants) : null;
    if (rows !== null) return { parts: partsOf(rows) };
    return (isThen ? windowInput(view, windows) : null) ?? { parts: partsOf(contentAt(view, snapshot)) };
  }
  // a stream or table that the block created is empty
  if (scope?.created.some((object) => object.oid === node.relation)) return { parts: partsOf([]) };
  // rows that come while the query runs are not part of its answer
  const last = snapshot ?? state.tick.number;
  return { parts: partsUpTo(relations.stream(node.relation).history(source.now), last) };
}

/** Read by its primary key, if the constants allow. */
function rowsOf(table: ChangeableTable, constants: KeyConstants | null): readonly Batch[] | null {
  const rows = constants === null ? null : pointRead(table, constants);
  return rows === null ? null : [rows];
}

const indexed = (indexes: RelationIndexes, constants: KeyConstants | null): readonly Batch[] | null =>
  constants === null ? null : indexRead(indexes, constants);

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
