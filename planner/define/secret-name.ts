/** Secrets by name, as search_path says; their names are their own. 42704, 42501, 42710. */
import type { SecretDefinition } from '../../runtime/plan/secret.ts';
import { hasPrivilege } from '../authorize/access.ts';
import { permissionDenied } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { shownName } from '../bind/relation-lookup.ts';
import type { NewName } from './names.ts';

/** null where there is none; 42501 for a schema that is named and may not be used. */
export function findSecret(
  { catalog, plan, searchPath }: BindingContext,
  schema: string | null,
  name: string,
): SecretDefinition | null {
  for (const candidate of schema === null ? searchPath : [schema]) {
    const place = catalog.schema(candidate);
    if (place !== undefined && !hasPrivilege(catalog, plan.role, place, 'U')) {
      if (schema !== null) throw permissionDenied(place);
      continue;
    }
    const found = catalog.secret(candidate, name);
    if (found !== undefined) return found;
  }
  return null;
}

/** `offset`: of the name in the statement, where it is known. */
export function requireSecret(
  binding: BindingContext,
  schema: string | null,
  name: string,
  offset: number | null = null,
): SecretDefinition {
  const found = findSecret(binding, schema, name);
  if (found !== null) return found;
  const message = missingSecret(schema, name);
  if (offset === null) throw binding.error(-1, '42704', message);
  throw binding.errorAtOffset(offset, '42704', message);
}

export const missingSecret = (schema: string | null, name: string): string =>
  `secret "${shownName(schema, name)}" does not exist`;

export function requireFreeSecretName(binding: BindingContext, { schema, name }: NewName): void {
  if (binding.catalog.secret(schema, name) === undefined) return;
  throw binding.error(-1, '42710', `secret "${name}" already exists`);
}
