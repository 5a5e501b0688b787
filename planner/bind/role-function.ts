/** pg_has_role([user,] role, privilege): known when the query is planned, so that policies may ask it. 42704, 22023. */
import type { FuncCall } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import {
  hasPrivilegesOf,
  isAdminOf,
  isPlainMemberOf,
  isSuperuser,
  maySetRole,
} from '../authorize/membership.ts';
import type { BindingContext } from './binding-context.ts';
import { type Bound, typed } from './bound.ts';
import { coerceTo } from './coerce.ts';
import type { ExpressionBinder } from './expression-binder.ts';

export function bindHasRole(binder: ExpressionBinder, call: FuncCall): Bound {
  const { context } = binder;
  const location = call.location ?? 0;
  const texts = (call.args ?? []).map((node) => {
    const bound = binder.bind(node);
    const e = coerceTo(context, bound, 'text');
    if (e.kind === 'constant') return e.text;
    throw context.error(
      bound.location,
      '0A000',
      'pg_has_role takes constants only',
      'Give names, or current_user.',
    );
  });
  const answer = (text: string | null): Bound => {
    const constant: Expression = { kind: 'constant', text, type: { name: 'bool' } };
    return typed(constant, location);
  };
  const [privilege, role, user] = texts.toReversed();
  if (privilege == null || role == null || (texts.length > 2 && user == null)) return answer(null);
  // who has no role of its name has that of its login
  const isCurrent = user == null || user === context.plan.user;
  const member = isCurrent ? context.plan.role : roleOid(context, user);
  const group = roleOid(context, role);
  const holds = privilege.split(',').some((one) => hasRole(context, member, group, one.trim()));
  return answer(holds ? 't' : 'f');
}

function roleOid({ catalog }: BindingContext, name: string): Oid {
  const oid = catalog.role(name)?.oid;
  if (oid === undefined) throw new SqlError('42704', `role "${name}" does not exist`);
  return oid;
}

function hasRole({ catalog }: BindingContext, member: Oid, group: Oid, privilege: string): boolean {
  switch (privilege.toUpperCase()) {
    case 'MEMBER':
      return isSuperuser(catalog, member) || isPlainMemberOf(catalog, member, group);
    case 'USAGE':
      return hasPrivilegesOf(catalog, member, group);
    case 'SET':
      return maySetRole(catalog, member, group);
    case 'MEMBER WITH GRANT OPTION':
    case 'MEMBER WITH ADMIN OPTION':
    case 'USAGE WITH GRANT OPTION':
    case 'USAGE WITH ADMIN OPTION':
    case 'SET WITH GRANT OPTION':
    case 'SET WITH ADMIN OPTION':
      return isAdminOf(catalog, member, group);
    default:
      throw new SqlError('22023', `unrecognized privilege type: "${privilege}"`);
  }
}
