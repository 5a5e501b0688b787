/** PREPARE, EXECUTE, DEALLOCATE. */
import type { DeallocateStmt, ExecuteStmt, PrepareStmt, TypeName as TypeNode } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { TypeName } from '../../common/types.ts';
import { plainClause } from '../bind/clause.ts';
import { settle } from '../bind/coerce.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { Scope } from '../bind/scope.ts';
import { resolveType } from '../bind/type-names.ts';
import { isCatalogType } from '../catalog-query/catalog-functions.ts';
import { parseStatements } from '../parse/parse.ts';
import { shiftPosition } from '../parse/shift-position.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';
import { catalogQueryIn, type ParsedStatement, type PlanContext, type Planned } from '../statement.ts';
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
  const named = (prepare.argtypes ?? []).flatMap((node) => ('TypeName' in node ? [node.TypeName] : []));
  const resolve = (type: TypeNode): TypeName =>
    resolveType(type, (location, code, message, hint) => binding.error(location, code, message, hint)).name;
  // of types that only the system catalog has it finds out by itself
  const foreign = named.find(isCatalogType);
  const declared = named.map((type) => (isCatalogType(type) ? null : resolve(type)));
  const { start, end } = syntax.body ?? { start: 0, end: 0 };
  const [inner] = parseStatements(parsed.text.slice(start, end));
  if (inner === undefined) throw binding.error(-1, '42601', 'PREPARE needs a statement');
  // Its values come with EXECUTE.
  const { parameterValues: _none, ...described } = plan;
  let parameterTypes: readonly (TypeName | null)[];
  try {
    const inside = planParsed(inner, { ...described, parameterTypes: declared });
    const asked = catalogQueryIn(inside.statement) !== null;
    if (!asked && foreign !== undefined) resolve(foreign);
    parameterTypes = asked ? declared : inside.parameterTypes.map((t) => t.name);
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
