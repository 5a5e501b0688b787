/**
 * Reads of single rows: where filters right above a scan hold the primary key to constants, the table's index gives the
 * rows, and no other can pass. The filter stays: what is read is only less.
 */
import { parseDatum } from '../../../common/value-text.ts';
import type { Batch } from '../../batch/column.ts';
import { buildColumn } from '../../batch/datum.ts';
import { gatherBatch } from '../../batch/gather.ts';
import { conjunctsOf, type Expression } from '../../plan/expression.ts';
import { walkPlan } from '../../plan/plan-nodes.ts';
import type { PlanNode } from '../../plan/query-plan.ts';
import { type ChangeableTable, HELD } from '../table-changes.ts';

type Constant = Expression & { kind: 'constant' };
/** Constants that a column of the table must equal one of, by its ordinal. */
export type KeyConstants = ReadonlyMap<number, readonly Constant[]>;

/** Of each scan below a filter. */
export function keyConstants(root: PlanNode): ReadonlyMap<PlanNode, KeyConstants> {
  const found = new Map<PlanNode, KeyConstants>();
  walkPlan(root, (node) => {
    if (node.kind !== 'filter') return;
    // filters above one another, as row-level security makes them: a row must pass all
    let scan = node.input;
    while (scan.kind === 'filter') scan = scan.input;
    if (scan.kind !== 'scan') return;
    const { columns } = scan;
    const held = new Map(found.get(scan));
    for (const part of conjunctsOf(node.predicate)) {
      const equal = equality(part);
      if (equal !== null) held.set(columns[equal.column]!, equal.constants);
    }
    if (held.size > 0) found.set(scan, held);
  });
  return found;
}

/** column = constant, column IN (constants): of one type, for keys are compared by their bytes. */
function equality(e: Expression): Readonly<{ column: number; constants: readonly Constant[] }> | null {
  if (e.kind === 'in') {
    if (e.negated || e.arg.kind !== 'column') return null;
    const constants = e.list.filter((item) => item.kind === 'constant');
    return constants.length < e.list.length ? null : { column: e.arg.index, constants };
  }
  if (e.kind !== 'call' || !e.function.startsWith('=(')) return null;
  const [a, b] = e.args;
  if (a === undefined || b === undefined || a.type.name !== b.type.name) return null;
  if (a.kind === 'column' && b.kind === 'constant') return { column: a.index, constants: [b] };
  if (b.kind === 'column' && a.kind === 'constant') return { column: b.index, constants: [a] };
  return null;
}

/** The rows that may pass; null: the constants do not say. */
export function pointRead(table: ChangeableTable, constants: KeyConstants): Batch | null {
  const { primaryKey } = table.definition;
  if (primaryKey.length === 0) return null;
  const lists = primaryKey.map((c) => constants.get(c));
  // several keys only where one column is the key
  if (lists.some((list) => list === undefined || (list.length !== 1 && primaryKey.length > 1))) return null;
  const rows = lists[0]!.length;
  const columns = table.schema.map(({ type }, c) => {
    const list = primaryKey.includes(c) ? constants.get(c)! : null;
    if (list?.some((item) => item.type.name !== type.name)) return null;
    const datums = list?.map((item) => (item.text === null ? null : parseDatum(item.text, item.type)));
    return buildColumn(type, datums ?? new Array<null>(rows).fill(null));
  });
  if (columns.includes(null)) return null;
  const all = columns.flatMap((column) => column ?? []);
  return holdersOnce(table, { rows, columns: all, weights: null });
}

function holdersOnce(table: ChangeableTable, keys: Batch): Batch {
  const held = table.held(keys);
  const seen = new Set<string>();
  const chosen = table.keys.texts(keys).flatMap((text, i) => {
    if (held[i] !== HELD || seen.has(text)) return [];
    seen.add(text);
    return [i];
  });
  return table.holders(gatherBatch(keys, Uint32Array.from(chosen), chosen.length));
}
