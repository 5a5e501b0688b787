/** PREPARE, EXECUTE, DEALLOCATE. */
import type { DeallocateStmt, ExecuteStmt, PrepareStmt } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { TypeName } from '../../common/types.ts';
import { plainClause } from '../bind/clause.ts';
import { settle } from '../bind/coerce.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { Scope } from '../bind/scope.ts';
import { resolveType } from '../bind/type-names.ts';
import { parseStatements } from '../parse/parse.ts';
import { shiftPosition } from '../parse/shift-position.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';
import type { ParsedStatement, PlanContext, Planned } from '../statement.ts';
import { ENVIRONMENT, planned, type StatementContext } from '../statement-context.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;
type PlanParsed = (parsed: ParsedStatement, plan: PlanContext) => Planned;

/** The statement is planned once here, so that its errors show, and again at EXECUTE with its arguments. */
export function planPrepare(
  context: StatementContext,
  syntax: PostgresSyntax,
  prepare: PrepareStmt,
  planParsed: PlanParsed,
): Planned {
  const { binding, parsed, plan } = context;
  const declared = (prepare.argtypes ?? []).map((node): TypeName | null => {
    if (!('TypeName' in node)) return null;
    return resolveType(node.TypeName, (location, code, message, hint) =>
      binding.error(location, code, message, hint),
    ).name;
  });
  const { start, end } = syntax.body ?? { start: 0, end: 0 };
  const [inner] = parseStatements(parsed.text.slice(start, end));
  if (inner === undefined) throw binding.error(-1, '42601', 'PREPARE needs a statement');
  // Its values come with EXECUTE.
  const { parameterValues: _none, ...described } = plan;
  let parameterTypes: readonly (TypeName | null)[];
  try {
    parameterTypes = planParsed(inner, { ...described, parameterTypes: declared }).parameterTypes.map(
      (t) => t.name,
    );
  } catch (error) {
    throw error instanceof SqlError
      ? shiftPosition(error, binding.source.positionOfOffset(start) - 1)
      : error;
  }
  // Its parameters are not the outer statement's.
  const statement = { kind: 'prepare', name: prepare.name ?? '', statement: inner, parameterTypes } as const;
  return { statement, parameterTypes: [], columns: null, requires: [], notices: [], cacheable: false };
}

export function planExecute(context: StatementContext, execute: ExecuteStmt): Planned {
  const { binding } = context;
  const binder = new ExpressionBinder(
    binding,
    new Scope([], null),
    plainClause('EXECUTE parameters'),
    new WeakMap(),
    ENVIRONMENT,
  );
  const values = (execute.params ?? []).map((node) => {
    const bound = binder.bind(node);
    const e = settle(binding, bound);
    if (e.kind === 'constant') return e.text;
    throw binding.error(
      bound.location,
      '0A000',
      'EXECUTE takes constants only',
      "Give the value as a literal in the wanted type's text.",
    );
  });
  return planned(context, { kind: 'execute', name: execute.name ?? '', arguments: values });
}

export function planDeallocate(context: StatementContext, node: DeallocateStmt): Planned {
  return planned(context, { kind: 'deallocate', name: node.isall === true ? null : (node.name ?? '') });
}
