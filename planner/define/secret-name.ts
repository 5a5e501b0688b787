/** Secrets by name, as search_path says; their names are their own. 42704, 42501, 42710. */
import type { SecretDefinition } from '../../runtime/plan/secret.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { shownName } from '../bind/relation-lookup.ts';
import { firstInPath } from '../bind/search-path.ts';
import type { NewName } from './names.ts';

/** null where there is none; 42501 for a schema that is named and may not be used. */
export const findSecret = (
  context: BindingContext,
  schema: string | null,
  name: string,
): SecretDefinition | null =>
  firstInPath(context, schema, (candidate) => context.catalog.secret(candidate, name) ?? null);

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
