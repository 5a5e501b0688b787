/** Where a new object goes, and whether its name is free. 42P07, 3F000, 42939. */
import type { RangeVar } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { SchemaDefinition } from '../../runtime/plan/relation.ts';
import { isSystemView, SYSTEM_SCHEMA } from '../../runtime/plan/system-views.ts';
import { hasPrivilege } from '../authorize/access.ts';
import { requireCreateIn } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { requireThisDatabase } from '../bind/relation-lookup.ts';
import type { Catalog } from '../catalog.ts';
import type { QualifiedName } from '../parse/statement-syntax.ts';
import type { Statement } from '../statement.ts';

export type NewName = Readonly<{ schema: string; name: string }>;

const RESERVED_SCHEMAS: ReadonlySet<string> = new Set([SYSTEM_SCHEMA, 'pg_catalog', 'information_schema']);

export function newName(binding: BindingContext, range: RangeVar): NewName {
  requireThisDatabase(binding, range);
  if (range.relpersistence === 't') {
    throw binding.error(
      range.location,
      '0A000',
      'temporary relations are not supported',
      'Create it without TEMPORARY, and drop it when it is no longer needed.',
    );
  }
  return resolveName(
    binding,
    range.schemaname ?? null,
    range.relname ?? '',
    binding.source.position(range.location),
  );
}

export const newQualifiedName = (binding: BindingContext, name: QualifiedName): NewName =>
  resolveName(binding, name.schema, name.name, binding.source.positionOfOffset(name.offset));

function resolveName(
  binding: BindingContext,
  schema: string | null,
  name: string,
  position: number | undefined,
): NewName {
  const target = schema ?? binding.searchPath.find((s) => maySelect(binding, s));
  const fail = (code: '3F000', message: string): SqlError => new SqlError(code, message, { position });
  if (target === undefined) throw fail('3F000', 'no schema has been selected to create in');
  requireWritableSchema(binding, target);
  if (binding.catalog.schema(target) === undefined) throw fail('3F000', `schema "${target}" does not exist`);
  requireCreateIn(binding, target, binding.plan.role);
  return { schema: target, name };
}

/** The first schema of the path that there is, and that it may look into, is where things go. */
function maySelect({ catalog, plan }: BindingContext, name: string): boolean {
  const schema = name === '$user' ? undefined : catalog.schema(name);
  return schema !== undefined && hasPrivilege(catalog, plan.role, schema, 'U');
}

export function requireWritableSchema(binding: BindingContext, schema: string): void {
  if (RESERVED_SCHEMAS.has(schema)) {
    throw binding.error(
      -1,
      '42939',
      `schema "${schema}" is reserved`,
      'Create objects in public, or in a schema of your own.',
    );
  }
}

/** Relations and indexes share their names. */
export const isNameTaken = (catalog: Catalog, schema: string, name: string): boolean =>
  catalog.relation(schema, name) !== undefined || catalog.index(schema, name) !== undefined;

/** null where the name is free; a statement that does nothing under IF NOT EXISTS; else 42P07. */
export function existing(
  binding: BindingContext,
  name: NewName,
  ifNotExists: boolean,
  tag: string,
): Statement | null {
  const taken =
    isNameTaken(binding.catalog, name.schema, name.name) ||
    (name.schema === SYSTEM_SCHEMA && isSystemView(name.name));
  if (!taken) return null;
  const message = `relation "${name.name}" already exists`;
  if (!ifNotExists) throw binding.error(-1, '42P07', message);
  return { kind: 'nothing', tag, notice: `${message}, skipping`, noticeCode: '42P07' };
}

export function requireSchema(binding: BindingContext, name: string): SchemaDefinition {
  const found = binding.catalog.schema(name);
  if (found === undefined) throw binding.error(-1, '3F000', `schema "${name}" does not exist`);
  return found;
}
