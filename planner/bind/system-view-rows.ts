/**
 * Which rows of the views of schema millrace a role sees: those of relations that it may read, whole, and of its own
 * sessions. pg_read_all_stats (pg_monitor has it) and superusers see all.
 */
import { PG_READ_ALL_STATS } from '../../runtime/plan/authorization.ts';
import { BOOL, type Expression } from '../../runtime/plan/expression.ts';
import { isRelation, type RelationDefinition, shownName } from '../../runtime/plan/relation.ts';
import { SYSTEM_VIEWS, type SystemViewName } from '../../runtime/plan/system-views.ts';
import { hasPrivilege } from '../authorize/access.ts';
import { policyMark } from '../authorize/applied-policies.ts';
import { hasPrivilegesOf } from '../authorize/membership.ts';
import { visibleSecrets } from '../authorize/visible-secrets.ts';
import type { BindingContext } from './binding-context.ts';
import { column } from './bound.ts';

/** The column that names a relation; views of rows also tell what stands in them. */
const RELATION_COLUMNS: Partial<Readonly<Record<SystemViewName, string>>> = {
  operators: 'query',
  watermarks: 'stream',
  late_rows: 'view',
  rejected_rows: 'relation',
  memory: 'owner',
  sinks: 'name',
};

/** Kept rows of queries without a name stand under this one. */
const NAMELESS = 'query';

/** null: all. */
export function visibleSystemRows(context: BindingContext, view: SystemViewName): Expression | null {
  if (hasPrivilegesOf(context.catalog, context.role, PG_READ_ALL_STATS)) return null;
  if (view === 'subscriptions') {
    context.gathered.forbidCaching();
    const pids = context.plan.backendsOf?.(context.role) ?? [];
    return isAmong(view, 'pid', pids.map(String));
  }
  if (view === 'secrets') {
    const ids = visibleSecrets(context.catalog, context.role).map(({ oid }) => String(oid));
    return isAmong(view, 'id', ids);
  }
  const named = RELATION_COLUMNS[view];
  return named === undefined ? null : isAmong(view, named, readableNames(context));
}

function isAmong(view: SystemViewName, name: string, texts: readonly string[]): Expression {
  const fields = SYSTEM_VIEWS[view];
  const index = fields.findIndex((field) => field.name === name);
  const type = fields[index]?.type ?? { name: 'text' };
  if (texts.length === 0) return { kind: 'constant', text: 'f', type: BOOL };
  const list = texts.map((text): Expression => ({ kind: 'constant', text, type }));
  return { kind: 'in', arg: column(index, type), list, negated: false, type: BOOL };
}

/** A name counts where all relations that it may mean may be read: rows tell them by their name alone. */
function readableNames({ catalog, role }: BindingContext): readonly string[] {
  const names = new Map<string, boolean>([[NAMELESS, false]]);
  for (const object of catalog.objects()) {
    if (!isRelation(object)) continue;
    const readable = isReadable(object);
    for (const name of new Set([object.name, shownName(object)])) {
      names.set(name, readable && names.get(name) !== false);
    }
  }
  return [...names].flatMap(([name, readable]) => (readable ? [name] : []));

  function isReadable(relation: RelationDefinition): boolean {
    return hasPrivilege(catalog, role, relation, 'r') && policyMark(catalog, role, relation, 'r') === '';
  }
}
