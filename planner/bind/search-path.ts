import { hasPrivilege } from '../authorize/access.ts';
import { permissionDenied } from '../authorize/require.ts';
import type { BindingContext } from './binding-context.ts';

/**
 * What `look` finds first: in the schema that is named, or in those of search_path in turn. null: nowhere. 42501 for a
 * schema that is named and may not be used; one of the path is then no part of it.
 */
export function firstInPath<T>(
  { catalog, role, searchPath }: Pick<BindingContext, 'catalog' | 'searchPath' | 'role'>,
  schema: string | null,
  look: (schema: string) => T | null,
): T | null {
  for (const candidate of schema === null ? searchPath : [schema]) {
    const definition = catalog.schema(candidate);
    if (definition !== undefined && !hasPrivilege(catalog, role, definition, 'U')) {
      if (schema !== null) throw permissionDenied(definition);
      continue;
    }
    const found = look(candidate);
    if (found !== null) return found;
  }
  return null;
}
