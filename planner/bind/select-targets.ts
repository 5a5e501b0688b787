/** The select list: stars expanded, names figured, expressions bound. */
import type { Node } from 'libpg-query';
import { type Bound, column, typed } from './bound.ts';
import { columnName } from './column-name.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import type { ScopeRelation } from './scope.ts';
import { locationOf, stringOf } from './tree.ts';

export type Target = Readonly<{ name: string; bound: Bound; node: Node | null }>;

export function bindTargets(binder: ExpressionBinder, list: readonly Node[]): readonly Target[] {
  return list.flatMap((item): readonly Target[] => {
    if (!('ResTarget' in item)) return [];
    const node = item.ResTarget.val as Node;
    const star = starOf(node);
    if (star !== null) return expandStar(binder, star, locationOf(node));
    return [{ name: item.ResTarget.name ?? columnName(node), bound: binder.bind(node), node }];
  });
}

/** The names before the star: [] for `*`; null where there is none. */
function starOf(node: Node): readonly string[] | null {
  if (!('ColumnRef' in node)) return null;
  const fields = node.ColumnRef.fields ?? [];
  const last = fields.at(-1);
  return last !== undefined && 'A_Star' in last ? fields.slice(0, -1).map(stringOf) : null;
}

function expandStar(binder: ExpressionBinder, names: readonly string[], location: number): readonly Target[] {
  const { scope, context, origins } = binder;
  let relations: readonly ScopeRelation[] = scope.relations.filter((r) => r.qualifiedOnly !== true);
  if (names.length > 0) {
    const alias = names.at(-1) ?? '';
    const relation = scope.findRelation(names.at(-2) ?? null, alias);
    if (relation === undefined) {
      const hidden = scope.relations.find((r) => r.original === alias);
      const hint =
        hidden === undefined
          ? undefined
          : `Perhaps you meant to reference the table alias "${hidden.alias}".`;
      const message =
        hidden === undefined
          ? `missing FROM-clause entry for table "${alias}"`
          : `invalid reference to FROM-clause entry for table "${alias}"`;
      throw context.error(location, '42P01', message, hint);
    }
    relations = [relation];
  } else if (relations.length === 0) {
    throw context.error(location, '42601', 'SELECT * with no tables specified is not valid');
  }
  return relations.flatMap((relation) =>
    relation.columns
      .filter((c) => !c.hidden)
      .map((c): Target => {
        const expression = column(c.index, c.type);
        const shown = relation.alias === '' ? c.name : `${relation.alias}.${c.name}`;
        origins.set(expression, { name: shown, location });
        return { name: c.name, bound: typed(expression, location), node: null };
      }),
  );
}
