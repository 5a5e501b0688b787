/**
 * Row-level security in plans. What a role may see of a relation is a filter right above its scan: nothing of the query
 * runs before it, so that no error and no function of the query meets a row that it lets not pass (a security barrier).
 */
import { SqlError } from '../../common/sql-error.ts';
import type { PolicyDefinition, PolicyExpression } from '../../runtime/plan/authorization.ts';
import { BOOL, type Expression } from '../../runtime/plan/expression.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import { BindingContext } from '../bind/binding-context.ts';
import { plainClause } from '../bind/clause.ts';
import type { BindEnvironment } from '../bind/environment.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { Parameters } from '../bind/parameters.ts';
import { Scope } from '../bind/scope.ts';
import { filter, type LogicalNode } from '../logical/logical-plan.ts';
import { parseStatements, syntaxOf } from '../parse/parse.ts';
import { type AppliedPolicies, appliedPolicies, type RowCommand } from './applied-policies.ts';

const FALSE: Expression = { kind: 'constant', text: 'f', type: BOOL };

type Fields = Extract<RelationDefinition, { columns: unknown }>['columns'];

export const fieldsOfRelation = (relation: RelationDefinition): Fields =>
  relation.kind === 'sink' ? [] : relation.columns;

/** The rows of `node`, which begins with the relation's columns, that its reader may see. */
export function withRowSecurity(
  context: BindingContext,
  environment: BindEnvironment,
  relation: RelationDefinition,
  node: LogicalNode,
): LogicalNode {
  const predicate = visibleRows(context, environment, relation, ['select']);
  return predicate === null ? node : filter(node, predicate);
}

/** The rows that all of these commands may touch, as the context's role; null: every one. */
export function visibleRows(
  context: BindingContext,
  environment: BindEnvironment,
  relation: RelationDefinition,
  commands: readonly RowCommand[],
): Expression | null {
  const parts = commands.flatMap((command) => {
    const applied = appliedPolicies(context.catalog, context.role, relation, command);
    if (applied === null) return [];
    return [combined(context, environment, relation, applied, (policy) => policy.using)];
  });
  const [first] = parts;
  if (first === undefined) return null;
  return parts.length === 1 ? first : { kind: 'and', args: parts, type: BOOL };
}

/** One of the permissive and all of the restrictive. */
export function combined(
  context: BindingContext,
  environment: BindEnvironment,
  relation: RelationDefinition,
  { permissive, restrictive }: AppliedPolicies,
  expressionOf: (policy: PolicyDefinition) => PolicyExpression | null,
): Expression {
  const bind = (policies: readonly PolicyDefinition[]): readonly Expression[] =>
    policies.flatMap((policy) => {
      const expression = expressionOf(policy);
      return expression === null ? [] : [bindPolicy(context, environment, relation, expression)];
    });
  const allowed = bind(permissive);
  const [first = FALSE] = allowed;
  const one: Expression = allowed.length < 2 ? first : { kind: 'or', args: allowed, type: BOOL };
  const all = [one, ...bind(restrictive)];
  return all.length === 1 ? one : { kind: 'and', args: all, type: BOOL };
}

/** Over the relation's columns. It means what it meant when the policy was made, whatever was renamed since. */
export function bindPolicy(
  context: BindingContext,
  environment: BindEnvironment,
  relation: RelationDefinition,
  expression: PolicyExpression,
): Expression {
  if (context.guarded.has(relation.oid)) {
    throw new SqlError('42P17', `infinite recursion detected in policy for relation "${relation.name}"`);
  }
  const [parsed] = parseStatements(`SELECT ${expression.text}`);
  const syntax = parsed === undefined ? undefined : syntaxOf(parsed);
  const select = syntax?.kind === 'postgres' && 'SelectStmt' in syntax.node ? syntax.node.SelectStmt : null;
  const target = select?.targetList?.[0];
  if (syntax?.kind !== 'postgres' || target === undefined || !('ResTarget' in target)) {
    throw new SqlError('XX000', `a policy of "${relation.name}" has no expression`);
  }
  const parameters = new Parameters(context.plan, context.literals);
  parameters.refuse('Policies take no parameters.');
  const inner = new BindingContext(context.plan, syntax.source, syntax.clauses, {
    ...expression.settings,
    parameters,
    gathered: context.gathered,
    view: context.view,
    viewDepth: context.viewDepth + 1,
    names: expression.names,
    guarded: new Set([...context.guarded, relation.oid]),
  });
  const columns = fieldsOfRelation(relation).map((column, index) => ({
    name: expression.columns[index] ?? column.name,
    type: column.type,
    index,
    hidden: false,
  }));
  const scope = new Scope(
    [{ alias: expression.relation, original: null, schema: relation.schema, columns }],
    null,
  );
  const clause = plainClause('policy expressions');
  const binder = new ExpressionBinder(inner, scope, clause, new WeakMap(), {
    ...environment,
    tables: new Map(),
  });
  if (target.ResTarget.val === undefined) return FALSE;
  const { gathered } = context;
  const known = gathered.firstSubquery;
  try {
    const predicate = binder.bindBoolean(target.ResTarget.val, 'POLICY');
    if (known === null && gathered.firstSubquery !== null) gathered.firstSubquery = -1;
    return predicate;
  } catch (error) {
    // the place is one in the policy, not in the statement
    if (!(error instanceof SqlError) || error.position === undefined) throw error;
    throw new SqlError(error.code, error.message, { ...error.toPlain(), position: undefined });
  }
}
