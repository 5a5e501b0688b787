/** DROP INDEX, ALTER INDEX … RENAME, COMMENT ON INDEX, REINDEX. */
import type { DropStmt, RangeVar, ReindexStmt, RenameStmt } from 'libpg-query';
import type { CatalogObject, IndexDefinition, RelationDefinition } from '../../runtime/plan/relation.ts';
import { isOwner } from '../authorize/access.ts';
import { requireCreateIn, requireOwner } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { shownName } from '../bind/relation-lookup.ts';
import { listOf, stringOf } from '../bind/tree.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { namedRelation } from '../write/target.ts';
import { findIndex } from './index-name.ts';
import { isNameTaken, requireSchema } from './names.ts';
import { KIND_LABELS } from './object-kind.ts';

type Target = Readonly<{ index: IndexDefinition; relation: RelationDefinition }>;

/** 42704, 42809, 42501. Nothing depends on an index: CASCADE and RESTRICT are the same. */
export function planDropIndex(context: StatementContext, drop: DropStmt): Planned {
  const { binding } = context;
  const notices: string[] = [];
  const oids = (drop.objects ?? []).flatMap((node) => {
    const names = listOf(node).map(stringOf);
    const name = names.at(-1) ?? '';
    const schema = names.at(-2) ?? null;
    const unknownSchema = schema !== null && binding.catalog.schema(schema) === undefined;
    const found = unknownSchema ? null : named(binding, schema, name);
    if (found === null) {
      const message = unknownSchema
        ? `schema "${schema}" does not exist`
        : `index "${shownName(schema, name)}" does not exist`;
      if (drop.missing_ok !== true) throw binding.error(-1, unknownSchema ? '3F000' : '42704', message);
      notices.push(`${message}, skipping`);
      return [];
    }
    requireDroppableIndex(binding, found);
    return [found.index.oid];
  });
  return planned(context, { kind: 'drop', oids: [...new Set(oids)], tag: 'DROP INDEX', notices });
}

export function planRenameIndex(context: StatementContext, rename: RenameStmt): Planned {
  const { binding } = context;
  const tag = 'ALTER INDEX';
  const { schemaname = null, relname = '' } = rename.relation ?? {};
  const found = named(binding, schemaname, relname);
  if (found === null) {
    const message = `relation "${shownName(schemaname, relname)}" does not exist`;
    if (rename.missing_ok !== true) throw binding.error(-1, '42P01', message);
    return planned(context, { kind: 'nothing', tag, notice: `${message}, skipping`, noticeCode: '00000' });
  }
  const { index, relation } = found;
  const name = rename.newname ?? '';
  requireOwnIndex(binding, found);
  if (isNameTaken(binding.catalog, relation.schema, name))
    throw binding.error(-1, '42P07', `relation "${name}" already exists`);
  requireCreateIn(binding, relation.schema, binding.plan.role);
  return planned(context, { kind: 'alter', objects: [{ ...index, name }], tag });
}

/** The index with another comment; null: none. */
export function commentedIndex(
  binding: BindingContext,
  names: readonly string[],
  comment: string | null,
): CatalogObject {
  const found = requireIndex(binding, names.at(-2) ?? null, names.at(-1) ?? '');
  requireOwnIndex(binding, found);
  return { ...found.index, comment };
}

/** An index is never other than its rows: there is nothing to do, where the names are right. */
export function planReindex(context: StatementContext, { kind, relation, name }: ReindexStmt): Planned {
  const { binding } = context;
  const range: RangeVar = relation ?? {};
  if (kind === 'REINDEX_OBJECT_INDEX')
    requireOwnIndex(binding, requireIndex(binding, range.schemaname ?? null, range.relname ?? ''));
  if (kind === 'REINDEX_OBJECT_TABLE') requireOwner(binding, namedRelation(binding, range));
  if (kind === 'REINDEX_OBJECT_SCHEMA') requireOwner(binding, requireSchema(binding, name ?? ''));
  return planned(context, { kind: 'nothing', tag: 'REINDEX', notice: null, noticeCode: '00000' });
}

function requireIndex(binding: BindingContext, schema: string | null, name: string): Target {
  const found = named(binding, schema, name);
  if (found !== null) return found;
  throw binding.error(-1, '42P01', `relation "${shownName(schema, name)}" does not exist`);
}

/** 42809 where the name is that of something else. */
function named(binding: BindingContext, schema: string | null, name: string): Target | null {
  const found = findIndex(binding, schema, name);
  if (found === null || found.kind === 'index') return found;
  const label = KIND_LABELS[found.relation.kind];
  const hint = `Use DROP ${label.toUpperCase()} to remove a ${label}.`;
  throw binding.error(-1, '42809', `"${name}" is not an index`, hint);
}

/** Its owner is that of its relation. */
const requireOwnIndex = (binding: BindingContext, { index, relation }: Target): void =>
  requireOwner(binding, { ...relation, name: index.name }, 'index');

function requireDroppableIndex(binding: BindingContext, target: Target): void {
  const schema = binding.catalog.schema(target.relation.schema);
  if (schema !== undefined && isOwner(binding.catalog, binding.plan.role, schema)) return;
  requireOwnIndex(binding, target);
}
