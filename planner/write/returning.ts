/** RETURNING: expressions over the row as it was and as it is, and over what stands in FROM or USING. */
import type { Node, RangeVar, ReturningClause } from 'libpg-query';
import type { Schema } from '../../common/types.ts';
import type { Returning } from '../../runtime/engine-client.ts';
import { type Expression, walkExpression } from '../../runtime/plan/expression.ts';
import type { StreamDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { shiftColumns } from '../bind/bound.ts';
import { plainClause } from '../bind/clause.ts';
import { settle } from '../bind/coerce.ts';
import type { BindEnvironment } from '../bind/environment.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { Scope, type ScopeRelation } from '../bind/scope.ts';
import { bindTargets } from '../bind/select-targets.ts';
import { requireReading } from './target.ts';

export type ReturningSource = Readonly<{
  target: StreamDefinition | TableDefinition;
  range: RangeVar;
  /** What the table's own name means: the new row, or the old one (DELETE). */
  own: 'old' | 'new';
  /** Relations of FROM or USING, by ordinals of their own. */
  others: readonly ScopeRelation[];
  /** The names of WITH. */
  environment: BindEnvironment;
}>;

export type BoundReturning = Readonly<{
  returning: Returning;
  /** Ordinals of the other relations that are read, in the order in which they follow the two rows. */
  extra: readonly number[];
  /** It shows the row itself. */
  reads: boolean;
}>;

/** null: there is no RETURNING. */
export function bindReturning(
  binding: BindingContext,
  clause: ReturningClause | undefined,
  source: ReturningSource,
): BoundReturning | null {
  if (clause === undefined) return null;
  const scope = returningScope(binding, clause, source);
  const binder = new ExpressionBinder(
    binding,
    scope,
    plainClause('RETURNING'),
    new WeakMap(),
    source.environment,
  );
  const targets = bindTargets(binder, clause.exprs ?? []);
  const expressions = targets.map((t) => settle(binding, t.bound));
  const columns: Schema = targets.map((t, i) => ({
    name: t.name,
    type: (expressions[i] as Expression).type,
  }));
  const first = 2 * source.target.columns.length;
  const reads = requireReading(binding, source.target, expressions, first);
  const extra = [...new Set(expressions.flatMap((e) => columnsFrom(e, first)))].sort((a, b) => a - b);
  const moved = expressions.map((e) =>
    shiftColumns(e, (index) => (index < first ? index : first + extra.indexOf(index - first))),
  );
  return { returning: { expressions: moved, columns }, extra, reads };
}

function columnsFrom(expression: Expression, first: number): readonly number[] {
  const found: number[] = [];
  walkExpression(expression, (e) => {
    if (e.kind === 'column' && e.index >= first) found.push(e.index - first);
  });
  return found;
}

function returningScope(
  binding: BindingContext,
  clause: ReturningClause,
  { target, range, own, others }: ReturningSource,
): Scope {
  const width = target.columns.length;
  const rowAt = (start: number): ScopeRelation['columns'] =>
    target.columns.map((c, i) => ({ name: c.name, type: c.type, index: start + i, hidden: false }));
  const alias = range.alias?.aliasname ?? target.name;
  const original = range.alias === undefined ? null : target.name;
  const relations: ScopeRelation[] = [
    { alias, original, schema: range.schemaname ?? null, columns: rowAt(own === 'old' ? 0 : width) },
    ...others.map((relation) => ({
      ...relation,
      columns: relation.columns.map((c) => ({ ...c, index: c.index + 2 * width })),
    })),
  ];
  const names = rowNames(binding, clause.options ?? []);
  for (const row of ['old', 'new'] as const) {
    const given = names.get(row);
    const name = given ?? row;
    if (relations.some((r) => r.alias === name)) {
      // a relation of that name hides the row, unless the statement asked for the name
      if (given === undefined) continue;
      throw binding.error(-1, '42712', `table name "${name}" specified more than once`);
    }
    const columns = rowAt(row === 'old' ? 0 : width);
    relations.push({ alias: name, original: null, schema: null, columns, qualifiedOnly: true });
  }
  return new Scope(relations, null);
}

/** WITH (OLD AS o, NEW AS n). */
function rowNames(binding: BindingContext, options: readonly Node[]): ReadonlyMap<'old' | 'new', string> {
  const names = new Map<'old' | 'new', string>();
  for (const node of options) {
    if (!('ReturningOption' in node)) continue;
    const { option, value = '', location } = node.ReturningOption;
    const row = option === 'RETURNING_OPTION_OLD' ? 'old' : 'new';
    if (names.has(row))
      throw binding.error(location, '42601', `${row.toUpperCase()} cannot be specified multiple times`);
    names.set(row, value);
  }
  return names;
}
