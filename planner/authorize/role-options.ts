/** The options of CREATE ROLE and ALTER ROLE. 42601, 22023, 22007. */
import type { DefElem, Node } from 'libpg-query';
import { PASSWORD_CHARACTERS_MAX } from '../../common/limits.ts';
import { Secret } from '../../common/secret.ts';
import { SqlError } from '../../common/sql-error.ts';
import { parseWith } from '../../common/value-text.ts';
import type { RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { listOf } from '../bind/tree.ts';
import { roleOf, roleSpecOf } from './role-name.ts';

type Flag =
  | 'superuser'
  | 'inherit'
  | 'createRole'
  | 'createDatabase'
  | 'login'
  | 'replication'
  | 'bypassRowSecurity';

/** What an option changes; absent: it was not written. */
export type RoleAttributes = Partial<
  Pick<RoleDefinition, Flag | 'connectionLimit' | 'validUntil'> & { password: Secret | null }
>;

export type RoleOptions = Readonly<{
  attributes: RoleAttributes;
  /** IN ROLE */
  memberOf: readonly RoleDefinition[];
  /** ROLE, USER */
  members: readonly RoleDefinition[];
  /** ADMIN */
  admins: readonly RoleDefinition[];
}>;

const FLAGS: Readonly<Record<string, Flag>> = {
  superuser: 'superuser',
  inherit: 'inherit',
  createrole: 'createRole',
  createdb: 'createDatabase',
  canlogin: 'login',
  isreplication: 'replication',
  bypassrls: 'bypassRowSecurity',
};

/** Longer ones no client can send at its login. */

export function readRoleOptions(binding: BindingContext, nodes: readonly Node[]): RoleOptions {
  let attributes: RoleAttributes = {};
  const roles = { addroleto: [], rolemembers: [], adminmembers: [] } as Record<string, RoleDefinition[]>;
  const seen = new Set<string>();
  for (const node of nodes) {
    if (!('DefElem' in node)) continue;
    const { defname = '', arg, location } = node.DefElem;
    if (seen.has(defname)) throw binding.error(location, '42601', 'conflicting or redundant options');
    seen.add(defname);
    const listed = roles[defname];
    if (listed === undefined) attributes = { ...attributes, ...attributeOf(binding, node.DefElem) };
    else listed.push(...listOf(arg).map((spec) => roleOf(binding, roleSpecOf(spec))));
  }
  return {
    attributes,
    memberOf: roles['addroleto'] ?? [],
    members: roles['rolemembers'] ?? [],
    admins: roles['adminmembers'] ?? [],
  };
}

function attributeOf(binding: BindingContext, { defname = '', arg }: DefElem): RoleAttributes {
  const flag = FLAGS[defname];
  if (flag !== undefined)
    return { [flag]: arg !== undefined && 'Boolean' in arg && arg.Boolean.boolval === true };
  switch (defname) {
    case 'password':
      return { password: passwordOf(binding, arg) };
    case 'connectionlimit':
      return { connectionLimit: connectionLimitOf(arg) };
    case 'validUntil':
      return { validUntil: validUntilOf(binding, textOf(arg) ?? '') };
    case 'sysid':
      binding.gathered.notices.push({
        severity: 'NOTICE',
        code: '00000',
        message: 'SYSID can no longer be specified',
      });
      return {};
    default:
      throw new SqlError('0A000', `option "${defname}" of a role is not supported`);
  }
}

const textOf = (arg: Node | undefined): string | null =>
  arg !== undefined && 'String' in arg ? (arg.String.sval ?? '') : null;

function passwordOf(binding: BindingContext, arg: Node | undefined): Secret | null {
  const text = textOf(arg);
  if (text === null) return null;
  if (text === '') {
    binding.gathered.notices.push({
      severity: 'NOTICE',
      code: '00000',
      message: 'empty string is not a valid password, clearing password',
    });
    return null;
  }
  if (text.length > PASSWORD_CHARACTERS_MAX) {
    throw new SqlError('22023', `a password has at most ${PASSWORD_CHARACTERS_MAX} characters`);
  }
  if (/^md5[0-9a-f]{32}$/.test(text)) {
    throw new SqlError('22023', 'MD5 password hashes are not supported', {
      hint: 'Give the password itself, or its SCRAM-SHA-256 verifier.',
    });
  }
  return new Secret(text);
}

function connectionLimitOf(arg: Node | undefined): number {
  const limit = arg !== undefined && 'Integer' in arg ? (arg.Integer.ival ?? 0) : 0;
  if (limit < -1) throw new SqlError('22023', `invalid connection limit: ${limit}`);
  return limit;
}

/** `infinity` is for good. */
export function validUntilOf(binding: BindingContext, text: string): number | null {
  const micros = parseWith(binding.literals, text, { name: 'timestamptz' }) as number;
  return micros === Number.POSITIVE_INFINITY ? null : micros;
}
