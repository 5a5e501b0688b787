/** What filters right above a scan hold its columns to: which key or index may be asked for the rows. */
import type { SqlType } from '../../common/types.ts';
import { conjunctsOf, type Expression } from './expression.ts';
import { walkPlan } from './plan-nodes.ts';
import type { PlanNode } from './query-plan.ts';

export type Constant = Expression & { kind: 'constant' };
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

type Equality = Readonly<{ column: number; constants: readonly Constant[] }>;

/** column = constant, column IN (constants). */
function equality(e: Expression): Equality | null {
  if (e.kind === 'in') return e.negated ? null : equalTo(e.arg, e.list);
  if (e.kind !== 'call' || !e.function.startsWith('=(')) return null;
  const [a, b] = e.args;
  if (a === undefined || b === undefined) return null;
  return equalTo(a, [b]) ?? equalTo(b, [a]);
}

/** The constants in the column's own type, for keys are compared by their bytes. */
function equalTo(arg: Expression, list: readonly Expression[]): Equality | null {
  const widened = arg.kind === 'call' && WIDENING.has(arg.function) ? arg.args[0] : undefined;
  const column = widened ?? arg;
  if (column.kind !== 'column') return null;
  const constants = list.flatMap((item) => (item.kind === 'constant' ? constantAs(item, column.type) : []));
  return constants.length < list.length ? null : { column: column.index, constants };
}

/** Casts after which values are equal where they were before. */
const WIDENING: ReadonlySet<string> = new Set([
  'cast(varchar,text)',
  'cast(int2,int4)',
  'cast(int2,int8)',
  'cast(int4,int8)',
]);

const INTEGER_BITS: Readonly<Record<string, number>> = { int2: 16, int4: 32, int8: 64 };

/** None where no value of the type is equal to it, or where that can't be said. */
function constantAs(constant: Constant, { name }: SqlType): readonly Constant[] {
  if (constant.type.name === name) return [constant];
  const same: Constant = { ...constant, type: { name } };
  if (constant.type.name === 'text' && name === 'varchar') return [same];
  const bits = INTEGER_BITS[name];
  if (bits === undefined || !(constant.type.name in INTEGER_BITS)) return [];
  const fits = constant.text === null || BigInt.asIntN(bits, BigInt(constant.text)) === BigInt(constant.text);
  return fits ? [same] : [];
}

/** Whether each of the columns is held; to several values only where it is the only one. */
export function areHeld(
  columns: readonly number[],
  constants: KeyConstants,
  types: readonly SqlType[],
): boolean {
  if (columns.length === 0) return false;
  return columns.every((c) => {
    const list = constants.get(c);
    if (list === undefined || (list.length !== 1 && columns.length > 1)) return false;
    return list.every((constant) => constant.type.name === types[c]?.name);
  });
}

/** The longest of those whose columns are all held, the first of equal ones; null: none. */
export function longestHeld<I extends Readonly<{ columns: readonly number[] }>>(
  indexes: Iterable<I>,
  constants: KeyConstants,
  types: readonly SqlType[],
): I | null {
  let longest: I | null = null;
  for (const index of indexes) {
    if (index.columns.length <= (longest?.columns.length ?? 0)) continue;
    if (areHeld(index.columns, constants, types)) longest = index;
  }
  return longest;
}
