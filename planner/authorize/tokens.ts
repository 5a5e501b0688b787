/** Bearer tokens of roles: CREATE TOKEN, DROP TOKEN, SHOW TOKENS. 42710, 42704, 42501. */
import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { RoleDefinition, TokenDefinition } from '../../runtime/plan/authorization.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { isAdminOf, isSuperuser } from './membership.ts';
import { denied, roleNamed } from './role-name.ts';
import { validUntilOf } from './role-options.ts';

type CreateToken = Extract<StatementSyntax, { kind: 'create-token' }>;
type DropToken = Extract<StatementSyntax, { kind: 'drop-token' }>;

const TEXT = { name: 'text' } as const;
const TIME = { name: 'timestamptz' } as const;

/** The one answer that ever holds the token. */
export const TOKEN_COLUMNS: Schema = [
  { name: 'name', type: TEXT },
  { name: 'token', type: TEXT },
  { name: 'role', type: TEXT },
  { name: 'valid_until', type: TIME },
];
const LISTED: Schema = TOKEN_COLUMNS.filter(({ name }) => name !== 'token');

/** The token itself is made when the statement runs: until then the definition has no hash. */
export function planCreateToken(context: StatementContext, syntax: CreateToken): Planned {
  const { binding } = context;
  const role = roleOfToken(binding, syntax.role);
  requireMayUse(binding, role, 'create token');
  if (tokenNamed(binding, syntax.name) !== undefined) {
    throw new SqlError('42710', `token "${syntax.name}" already exists`);
  }
  const validUntil = syntax.validUntil === null ? null : validUntilOf(binding, syntax.validUntil);
  const oid = binding.catalog.allocateOid();
  const object: TokenDefinition = {
    kind: 'token',
    oid,
    name: syntax.name,
    role: role.oid,
    hash: '',
    validUntil,
    comment: null,
  };
  return planned(context, { kind: 'create', object, replaces: null, tag: 'CREATE TOKEN' }, TOKEN_COLUMNS);
}

export function planDropToken(context: StatementContext, syntax: DropToken): Planned {
  const { binding } = context;
  const oids: number[] = [];
  const notices: string[] = [];
  for (const name of new Set(syntax.names)) {
    const token = tokenNamed(binding, name);
    if (token === undefined) {
      if (!syntax.missingOk) throw new SqlError('42704', `token "${name}" does not exist`);
      notices.push(`token "${name}" does not exist, skipping`);
      continue;
    }
    const role = binding.catalog.roleByOid(token.role);
    if (role !== undefined) requireMayUse(binding, role, 'drop token');
    oids.push(token.oid);
  }
  return planned(context, { kind: 'drop', oids, tag: 'DROP TOKEN', notices });
}

/** Those of roles that the reader may make some for. */
export function planShowTokens(context: StatementContext): Planned {
  const { binding } = context;
  const rows = tokens(binding)
    .flatMap((token) => {
      const role = binding.catalog.roleByOid(token.role);
      return role !== undefined && mayUse(binding, role) ? [{ token, role }] : [];
    })
    .sort((a, b) => (a.token.name < b.token.name ? -1 : 1))
    .map(({ token, role }) => [
      token.name,
      role.name,
      token.validUntil === null ? null : formatDatum(token.validUntil, TIME, {}),
    ]);
  return planned(context, { kind: 'rows', columns: LISTED, rows, tag: 'SHOW' }, LISTED);
}

const tokens = (binding: BindingContext): TokenDefinition[] =>
  [...binding.catalog.objects()].flatMap((object) => (object.kind === 'token' ? [object] : []));

const tokenNamed = (binding: BindingContext, name: string): TokenDefinition | undefined =>
  tokens(binding).find((token) => token.name === name);

function roleOfToken(binding: BindingContext, given: CreateToken['role']): RoleDefinition {
  const { catalog, plan } = binding;
  if ('name' in given) return roleNamed(binding, given.name);
  const session = given.special === 'session_user';
  const role = catalog.roleByOid(session ? plan.sessionRole : plan.role);
  if (role === undefined)
    throw new SqlError('42704', `role "${session ? plan.sessionUser : plan.user}" does not exist`);
  return role;
}

/** Whoever has a token is the role: so only the role itself, its administrators, and superusers make one. */
function mayUse({ catalog, plan }: BindingContext, role: RoleDefinition): boolean {
  if (plan.role === role.oid || isSuperuser(catalog, plan.role)) return true;
  return !role.superuser && isAdminOf(catalog, plan.role, role.oid);
}

function requireMayUse(binding: BindingContext, role: RoleDefinition, action: string): void {
  if (mayUse(binding, role)) return;
  throw denied(
    action,
    `Only role "${role.name}" itself, roles with the ADMIN option on it, and superusers may do that.`,
  );
}
