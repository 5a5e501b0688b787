/**
 * pg_cancel_backend(…) and pg_terminate_backend(…) as columns of a query of the system catalog: the mirror gives the process
 * ids, and the session sends the signals.
 */
import type { FuncCall, Node, ResTarget } from 'libpg-query';
import type { BindingContext } from '../bind/binding-context.ts';
import { stringOf } from '../bind/tree.ts';
import type { Statement } from '../statement.ts';

type Signals = Extract<Statement, { kind: 'catalog' }>['signals'];

const NAMES: ReadonlySet<string> = new Set(['pg_cancel_backend', 'pg_terminate_backend']);
/** Of one argument it gives the argument: a cast. */
const IDENTITY = 'int4';

const nameOf = (call: FuncCall): string => (call.funcname ?? []).map(stringOf).at(-1) ?? '';

export const isSignal = (call: FuncCall): boolean => NAMES.has(nameOf(call));

/** `text`: the query, of the same length, with casts in place of the calls. 0A000 where they stand elsewhere. */
export function signalsOf(
  binding: BindingContext,
  node: Node,
  functions: readonly FuncCall[],
  text: string,
): Readonly<{ text: string; signals: Signals }> {
  const calls = functions.filter(isSignal);
  if (calls.length === 0) return { text, signals: [] };
  const targets = plainTargets(node);
  let rewritten = text;
  const signals = calls.map((call) => {
    const column = targets.findIndex(
      ({ val }) => val !== undefined && 'FuncCall' in val && val.FuncCall === call,
    );
    const name = nameOf(call);
    const at = rewritten.toLowerCase().indexOf(name, binding.offset(call.location ?? 0));
    if (column < 0 || (call.args ?? []).length !== 1 || at < 1 || rewritten[at - 1] === '"') {
      throw binding.error(
        call.location,
        '0A000',
        `${name}() in a query of the system catalog must be a column of the result`,
        `Read the process ids first, then SELECT ${name}(pid) for each.`,
      );
    }
    rewritten = rewritten.slice(0, at) + IDENTITY.padEnd(name.length) + rewritten.slice(at + name.length);
    return { column, name: targets[column]?.name ?? name, terminate: name === 'pg_terminate_backend' };
  });
  return { text: rewritten, signals };
}

/** Columns that can be counted, of rows that are those of the process ids; else none. */
function plainTargets(node: Node): readonly ResTarget[] {
  if (!('SelectStmt' in node)) return [];
  const { targetList = [], distinctClause, groupClause, op = 'SETOP_NONE' } = node.SelectStmt;
  if (distinctClause !== undefined || groupClause !== undefined || op !== 'SETOP_NONE') return [];
  const targets = targetList.flatMap((target) => ('ResTarget' in target ? [target.ResTarget] : []));
  const star = targets.some(
    ({ val }) =>
      val !== undefined &&
      'ColumnRef' in val &&
      (val.ColumnRef.fields ?? []).some((field) => 'A_Star' in field),
  );
  return star ? [] : targets;
}
