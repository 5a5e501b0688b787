/** pg_cancel_backend and pg_terminate_backend: whose sessions a role may end. 42501. */
import { PG_SIGNAL_BACKEND } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { Catalog } from '../catalog.ts';
import { hasPrivilegesOf, isSuperuser } from '../authorize/membership.ts';
import { denied } from '../authorize/role-name.ts';

export function requireSignal(catalog: Catalog, role: Oid, target: Oid, terminate: boolean): void {
  const [what, whose, these, this_] = terminate
    ? ['terminate process', 'process is being terminated', 'terminate processes', 'terminate this process']
    : ['cancel query', 'query is being canceled', 'cancel queries', 'cancel this query'];
  if (isSuperuser(catalog, target) && !isSuperuser(catalog, role)) {
    throw denied(
      what,
      `Only roles with the SUPERUSER attribute may ${these} of roles with the SUPERUSER attribute.`,
    );
  }
  if (hasPrivilegesOf(catalog, role, target) || hasPrivilegesOf(catalog, role, PG_SIGNAL_BACKEND)) return;
  throw denied(
    what,
    `Only roles with privileges of the role whose ${whose} or with privileges of the "pg_signal_backend" role may ${this_}.`,
  );
}
