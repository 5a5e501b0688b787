/** CREATE INDEX on a view or table: checked and accepted. Reads are answered from what is held in memory, without it. */
import type { IndexStmt } from 'libpg-query';
import { requireOwner } from '../authorize/require.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { namedRelation } from '../write/target.ts';

/** 42809 for streams and plain views, 42703, 0A000 for UNIQUE: nothing would keep that promise. */
export function planCreateIndex(context: StatementContext, index: IndexStmt): Planned {
  const { binding } = context;
  const range = index.relation ?? {};
  const definition = namedRelation(binding, range);
  if (definition.kind !== 'materialized-view' && definition.kind !== 'table') {
    throw binding.error(range.location, '42809', `cannot create index on relation "${definition.name}"`);
  }
  requireOwner(binding, definition);
  if (index.unique === true) {
    throw binding.error(
      range.location,
      '0A000',
      'CREATE UNIQUE INDEX is not supported',
      'PRIMARY KEY keeps the rows of a table unique; GROUP BY those of a view.',
    );
  }
  for (const node of index.indexParams ?? []) {
    if (!('IndexElem' in node)) continue;
    const { name } = node.IndexElem;
    if (name !== undefined && !definition.columns.some((c) => c.name === name))
      throw binding.error(-1, '42703', `column "${name}" does not exist`);
  }
  return planned(context, {
    kind: 'nothing',
    tag: 'CREATE INDEX',
    notice: `"${definition.name}" is read from memory: the index is accepted, and not kept`,
    noticeCode: '00000',
  });
}
