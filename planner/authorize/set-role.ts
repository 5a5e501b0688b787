/** SET ROLE, SET SESSION AUTHORIZATION and their RESET. 22023 for a role there is none of, 42501. */
import { SqlError } from '../../common/sql-error.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { isSuperuser, maySetRole } from './membership.ts';

export type RoleSetting = 'role' | 'session_authorization';

export const isRoleSetting = (name: string): name is RoleSetting =>
  name === 'role' || name === 'session_authorization';

/** `value` null: back to what the session began with. */
export function planSetRole(
  context: StatementContext,
  setting: RoleSetting,
  value: string | null,
  local: boolean,
  tag: 'SET' | 'RESET',
): Planned {
  const { catalog, loginRole, sessionRole } = context.plan;
  if (value === null || (setting === 'role' && value === 'none')) {
    return planned(context, { kind: 'set-role', setting, role: null, local, tag });
  }
  const role = catalog.role(value);
  if (role === undefined) throw new SqlError('22023', `role "${value}" does not exist`);
  if (setting === 'role' && !maySetRole(catalog, sessionRole, role.oid)) {
    throw new SqlError('42501', `permission denied to set role "${value}"`);
  }
  if (setting === 'session_authorization' && role.oid !== loginRole && !isSuperuser(catalog, loginRole)) {
    throw new SqlError('42501', `permission denied to set session authorization "${value}"`);
  }
  return planned(context, {
    kind: 'set-role',
    setting,
    role: { name: role.name, oid: role.oid },
    local,
    tag,
  });
}
