/** Who may see and change settings of the server. */
import { SqlError } from '../../common/sql-error.ts';
import { PG_READ_ALL_SETTINGS } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { Catalog } from '../catalog.ts';
import { hasPrivilegesOf, isSuperuser } from './membership.ts';

/** 42501 for a confidential setting. */
export function requireSettingsReader(catalog: Catalog, role: Oid, name: string): void {
  if (hasPrivilegesOf(catalog, role, PG_READ_ALL_SETTINGS)) return;
  throw new SqlError('42501', `permission denied to examine "${name}"`, {
    detail: 'Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.',
  });
}

/** 42501; `name` null: all of them. */
export function requireSettingsWriter(catalog: Catalog, role: Oid, name: string | null): void {
  if (isSuperuser(catalog, role)) return;
  throw new SqlError(
    '42501',
    name === null
      ? 'permission denied to perform ALTER SYSTEM RESET ALL'
      : `permission denied to set parameter "${name}"`,
  );
}
