/** ALTER … RENAME, SET SCHEMA and COMMENT ON: the same objects with other words. */
import type { AlterObjectSchemaStmt, CommentStmt, Node, RangeVar, RenameStmt } from 'libpg-query';
import type { CatalogObject, RelationDefinition } from '../../runtime/plan/relation.ts';
import { requireAdministrator } from '../authorize/alter-role.ts';
import { roleNamed } from '../authorize/role-name.ts';
import { requireCreateIn, requireOwner } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { findRelation, shownName } from '../bind/relation-lookup.ts';
import { listOf, stringOf } from '../bind/tree.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { commentedIndex } from './change-index.ts';
import { isNameTaken, requireSchema, requireWritableSchema } from './names.ts';
import { KIND_LABELS, notOfKind, type RelationKind, relationKind } from './object-kind.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;

/** ALTER TABLE of PostgreSQL takes any relation; here it takes streams too, others by their own name. */
export function lookUp(
  binding: BindingContext,
  kind: RelationKind,
  schema: string | null,
  name: string,
  location: number | undefined,
): RelationDefinition {
  const found = findRelation(binding, schema, name);
  if (found === null)
    throw binding.error(-1, '42P01', `relation "${shownName(schema, name)}" does not exist`);
  if (found.kind !== 'relation') throw binding.error(location, '42809', `"${name}" is a system view`);
  if (found.definition.kind !== kind) throw binding.error(location, '42809', notOfKind(name, kind));
  requireOwner(binding, found.definition);
  return found.definition;
}

export const isMissing = (binding: BindingContext, range: RangeVar): boolean =>
  findRelation(binding, range.schemaname ?? null, range.relname ?? '') === null;

export const skipped = (context: StatementContext, tag: string, range: RangeVar): Planned =>
  planned(context, {
    kind: 'nothing',
    tag,
    notice: `relation "${range.relname ?? ''}" does not exist, skipping`,
    noticeCode: '00000',
  });

/** What reads the relation goes on: plans name it by its OID, the texts of views by what their names meant. */
export function planRename(context: StatementContext, syntax: PostgresSyntax, rename: RenameStmt): Planned {
  const { binding } = context;
  const isColumn = rename.renameType === 'OBJECT_COLUMN';
  const kind = relationKind(isColumn ? rename.relationType : rename.renameType, syntax.objectKind);
  if (kind === null || rename.relation === undefined) {
    throw binding.error(
      -1,
      '0A000',
      `ALTER ${(rename.renameType ?? '').replace('OBJECT_', '')} RENAME is not supported`,
    );
  }
  const tag = `ALTER ${KIND_LABELS[kind].toUpperCase()}`;
  const range = rename.relation;
  if (rename.missing_ok === true && isMissing(binding, range)) return skipped(context, tag, range);
  const name = range.relname ?? '';
  const definition = lookUp(binding, kind, range.schemaname ?? null, name, range.location);
  const newName = rename.newname ?? '';
  const object = isColumn
    ? renamedColumn(binding, definition, rename.subname ?? '', newName)
    : renamedRelation(binding, definition, newName);
  return planned(context, { kind: 'alter', objects: [object], tag });
}

function renamedRelation(
  binding: BindingContext,
  definition: RelationDefinition,
  name: string,
): CatalogObject {
  if (isNameTaken(binding.catalog, definition.schema, name)) {
    throw binding.error(-1, '42P07', `relation "${name}" already exists`);
  }
  requireCreateIn(binding, definition.schema, binding.plan.role);
  return { ...definition, name };
}

function renamedColumn(
  binding: BindingContext,
  definition: RelationDefinition,
  from: string,
  to: string,
): CatalogObject {
  if (definition.kind === 'sink') throw binding.error(-1, '42809', 'sinks have no columns');
  const at = definition.columns.findIndex((c) => c.name === from);
  if (at < 0) throw binding.error(-1, '42703', `column "${from}" does not exist`);
  if (definition.columns.some((c) => c.name === to)) {
    throw binding.error(-1, '42701', `column "${to}" of relation "${definition.name}" already exists`);
  }
  const columns = definition.columns.map((c, i) => (i === at ? { ...c, name: to } : c));
  if (definition.kind !== 'materialized-view') return { ...definition, columns };
  const fields = definition.plan.columns.map((c, i) => (i === at ? { ...c, name: to } : c));
  return { ...definition, columns, plan: { ...definition.plan, columns: fields } };
}

export function planSetSchema(
  context: StatementContext,
  syntax: PostgresSyntax,
  alter: AlterObjectSchemaStmt,
): Planned {
  const { binding } = context;
  const kind = relationKind(alter.objectType, syntax.objectKind);
  if (kind === null || alter.relation === undefined) {
    throw binding.error(
      -1,
      '0A000',
      `ALTER ${(alter.objectType ?? '').replace('OBJECT_', '')} SET SCHEMA is not supported`,
    );
  }
  const tag = `ALTER ${KIND_LABELS[kind].toUpperCase()}`;
  const range = alter.relation;
  if (alter.missing_ok === true && isMissing(binding, range)) return skipped(context, tag, range);
  const name = range.relname ?? '';
  const definition = lookUp(binding, kind, range.schemaname ?? null, name, range.location);
  const target = alter.newschema ?? '';
  requireWritableSchema(binding, target);
  requireSchema(binding, target);
  requireCreateIn(binding, target, binding.plan.role);
  // its indexes go with it
  for (const taken of [name, ...binding.catalog.indexesOf(definition.oid).map((index) => index.name)]) {
    if (!isNameTaken(binding.catalog, target, taken)) continue;
    throw binding.error(-1, '42P07', `relation "${taken}" already exists in schema "${target}"`);
  }
  return planned(context, { kind: 'alter', objects: [{ ...definition, schema: target }], tag });
}

export function planComment(
  context: StatementContext,
  syntax: PostgresSyntax,
  comment: CommentStmt,
): Planned {
  const { binding } = context;
  const text = comment.comment === undefined || comment.comment === '' ? null : comment.comment;
  const names = listOf(comment.object as Node).map(stringOf);
  const tag = 'COMMENT';
  if (comment.objtype === 'OBJECT_SCHEMA') {
    const schema = requireSchema(binding, names.at(-1) ?? '');
    requireOwner(binding, schema);
    return planned(context, { kind: 'alter', objects: [{ ...schema, comment: text }], tag });
  }
  if (comment.objtype === 'OBJECT_ROLE') {
    const role = roleNamed(binding, names.at(-1) ?? '');
    requireAdministrator(context, role, 'comment on');
    return planned(context, { kind: 'alter', objects: [{ ...role, comment: text }], tag });
  }
  if (comment.objtype === 'OBJECT_INDEX')
    return planned(context, { kind: 'alter', objects: [commentedIndex(binding, names, text)], tag });
  if (comment.objtype === 'OBJECT_COLUMN') return commentColumn(context, names, text);
  const kind = relationKind(comment.objtype, syntax.objectKind);
  if (kind === null)
    throw binding.error(
      -1,
      '0A000',
      `COMMENT ON ${(comment.objtype ?? '').replace('OBJECT_', '')} is not supported`,
    );
  const definition = lookUp(binding, kind, names.at(-2) ?? null, names.at(-1) ?? '', -1);
  return planned(context, { kind: 'alter', objects: [{ ...definition, comment: text }], tag });
}

function commentColumn(context: StatementContext, names: readonly string[], text: string | null): Planned {
  const { binding } = context;
  const column = names.at(-1) ?? '';
  const relation = names.at(-2);
  if (relation === undefined) throw binding.error(-1, '42601', 'column name must be qualified');
  const schema = names.at(-3) ?? null;
  const found = findRelation(binding, schema, relation);
  if (found === null)
    throw binding.error(-1, '42P01', `relation "${shownName(schema, relation)}" does not exist`);
  if (found.kind !== 'relation' || found.definition.kind === 'sink')
    throw binding.error(-1, '42809', `"${relation}" is not a table, view, or stream`);
  const { definition } = found;
  requireOwner(binding, definition, 'relation');
  if (!definition.columns.some((c) => c.name === column)) {
    throw binding.error(-1, '42703', `column "${column}" of relation "${relation}" does not exist`);
  }
  const columns = definition.columns.map((c) => (c.name === column ? { ...c, comment: text } : c));
  return planned(context, { kind: 'alter', objects: [{ ...definition, columns }], tag: 'COMMENT' });
}
