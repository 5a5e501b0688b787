import type { CreateSchemaStmt } from 'libpg-query';
import { initialAccess } from '../authorize/initial-access.ts';
import { requirePrivilege } from '../authorize/require.ts';
import { requireSettable, roleOf } from '../authorize/role-name.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';

/** CREATE SCHEMA [IF NOT EXISTS] [name] [AUTHORIZATION role]. */
export function planCreateSchema(context: StatementContext, create: CreateSchemaStmt): Planned {
  const { binding } = context;
  const tag = 'CREATE SCHEMA';
  const role = create.authrole === undefined ? null : roleOf(binding, create.authrole);
  const name = create.schemaname ?? role?.name ?? '';
  requirePrivilege(binding, binding.catalog.database(), 'C');
  if (role !== null) requireSettable(binding, role);
  if ((create.schemaElts ?? []).length > 0) {
    throw binding.error(
      -1,
      '0A000',
      'CREATE SCHEMA with objects in it is not supported',
      'Create the schema first, then its objects.',
    );
  }
  if (name.startsWith('pg_')) {
    throw binding.error(
      -1,
      '42939',
      `unacceptable schema name "${name}"`,
      undefined,
      'The prefix "pg_" is reserved for system schemas.',
    );
  }
  if (binding.catalog.schema(name) !== undefined) {
    const message = `schema "${name}" already exists`;
    if (create.if_not_exists !== true) throw binding.error(-1, '42P06', message);
    return planned(context, { kind: 'nothing', tag, notice: `${message}, skipping`, noticeCode: '42P06' });
  }
  const owner = role?.oid ?? binding.plan.role;
  const access = initialAccess(binding.catalog, owner, 'schema', null);
  const oid = binding.catalog.allocateOid();
  const object = {
    kind: 'schema',
    oid,
    name,
    comment: null,
    owner,
    access,
  } as const;
  return planned(context, { kind: 'create', object, replaces: null, tag });
}
