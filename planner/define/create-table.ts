import type { CreateStmt } from 'libpg-query';
import type { TableDefinition } from '../../runtime/plan/relation.ts';
import { newlyOwned } from '../authorize/require.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { bindColumns } from './column-definitions.ts';
import { existing, newName } from './names.ts';
import { CHANGELOG_RETENTION } from './retention.ts';

/** CREATE TABLE [IF NOT EXISTS] name (columns, PRIMARY KEY (…)). */
export function planCreateTable(context: StatementContext, create: CreateStmt): Planned {
  const { binding } = context;
  const tag = 'CREATE TABLE';
  const location = create.relation?.location;
  if (
    create.partspec !== undefined ||
    create.partbound !== undefined ||
    (create.inhRelations ?? []).length > 0
  ) {
    throw binding.error(location, '0A000', 'partitions and inheritance are not supported');
  }
  if (create.ofTypename !== undefined || create.tablespacename !== undefined) {
    throw binding.error(location, '0A000', 'typed tables and tablespaces are not supported');
  }
  if ((create.options ?? []).length > 0)
    throw binding.error(
      location,
      '22023',
      'tables take no options',
      'Options belong to streams and materialized views.',
    );
  binding.parameters.refuse('Definitions take no parameters.');
  const name = newName(binding, create.relation ?? {});
  const taken = existing(binding, name, create.if_not_exists === true, tag);
  if (taken !== null) return planned(context, taken);
  const { columns, primaryKey } = bindColumns(binding, name.name, create);
  const object: TableDefinition = {
    kind: 'table',
    oid: binding.catalog.allocateOid(),
    ...name,
    comment: null,
    ...newlyOwned(binding, name.schema),
    columns,
    primaryKey,
    changelog: CHANGELOG_RETENTION,
  };
  return planned(context, { kind: 'create', object, replaces: null, tag });
}
