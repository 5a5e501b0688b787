/**
 * Calls of functions that do something: they are carried out once, when their statement runs. So they stand only where that is
 * what PostgreSQL does too: as a column of a SELECT that gives one row and no other. 0A000 elsewhere: in views, sub-queries and
 * conditions, and behind what may leave the row out.
 */
import type { FuncCall, Node, SelectStmt } from 'libpg-query';
import type { BindingContext } from './binding-context.ts';

/** Members of a SELECT that make it give other rows than one. */
const MORE_ROWS = [
  'fromClause',
  'whereClause',
  'groupClause',
  'havingClause',
  'limitCount',
  'limitOffset',
  'withClause',
  'valuesLists',
] as const;

/** The calls of this statement that would be carried out, whatever functions they name. */
export function callsOfOneRow(node: Node): ReadonlySet<FuncCall> {
  const calls = new Set<FuncCall>();
  if (!('SelectStmt' in node) || !givesOneRow(node.SelectStmt)) return calls;
  for (const target of node.SelectStmt.targetList ?? []) {
    const call = 'ResTarget' in target ? callOf(target.ResTarget.val) : null;
    if (call !== null) calls.add(call);
  }
  return calls;
}

const givesOneRow = (select: SelectStmt): boolean =>
  (select.op === undefined || select.op === 'SETOP_NONE') &&
  MORE_ROWS.every((member) => select[member] === undefined);

function callOf(node: Node | undefined): FuncCall | null {
  if (node === undefined) return null;
  if ('TypeCast' in node) return callOf(node.TypeCast.arg);
  return 'FuncCall' in node ? node.FuncCall : null;
}

export function requireActing(context: BindingContext, call: FuncCall, name: string): void {
  if (context.gathered.acting.has(call)) return;
  throw context.error(
    call.location,
    '0A000',
    `function ${name}() is not supported here`,
    `Write it as a column of its own statement: SELECT ${name}(…).`,
  );
}
