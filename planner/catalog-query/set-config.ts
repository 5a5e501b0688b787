/** set_config(…) in a query of the system catalog: the session sets it, if there are rows. */
import type { FuncCall, Node } from 'libpg-query';
import type { BindingContext } from '../bind/binding-context.ts';
import { stringOf } from '../bind/tree.ts';
import type { Statement } from '../statement.ts';

type Settings = Extract<Statement, { kind: 'catalog' }>['settings'];

const NOT_CONSTANT =
  'set_config() in a query of the system catalog takes constants, as a column of the result';

/** 0A000 but for calls with constants that are columns of the result. */
export function settingsOf(binding: BindingContext, node: Node, functions: readonly FuncCall[]): Settings {
  const calls = functions.filter(
    ({ funcname }) => stringOf((funcname ?? []).at(-1) ?? node) === 'set_config',
  );
  if (calls.length === 0) return [];
  const targets = 'SelectStmt' in node ? (node.SelectStmt.targetList ?? []) : [];
  const shown = targets.flatMap((target) => {
    const value = 'ResTarget' in target ? target.ResTarget.val : undefined;
    return value !== undefined && 'FuncCall' in value ? [value.FuncCall] : [];
  });
  return calls.map((call) => {
    const [name, value, local] = (call.args ?? []).map(constantOf);
    const constant = name !== null && value !== undefined && typeof local === 'string';
    if (!shown.includes(call) || !constant)
      throw binding.error(call.location, '0A000', NOT_CONSTANT, 'Use SET.');
    return { name: name?.toLowerCase() ?? null, value, local: local === 'true' };
  });
}

/** undefined: no constant. */
function constantOf(node: Node): string | null | undefined {
  if (!('A_Const' in node)) return undefined;
  const constant = node.A_Const as Readonly<Record<string, unknown>>;
  if (constant['isnull'] === true) return null;
  if ('boolval' in constant) {
    return (constant['boolval'] as { boolval?: boolean }).boolval === true ? 'true' : 'false';
  }
  const text = (constant['sval'] as { sval?: string } | undefined)?.sval;
  return 'sval' in constant ? (text ?? '') : undefined;
}
