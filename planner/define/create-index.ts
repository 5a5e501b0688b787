/** CREATE INDEX [IF NOT EXISTS] [name] ON table | materialized view (columns): for reads of the rows that have a value. */
import type { DefElem, IndexElem, IndexStmt } from 'libpg-query';
import { INDEX_COLUMNS_MAX, INDEXES_MAX } from '../../common/limits.ts';
import { formatType } from '../../common/types.ts';
import type {
  IndexDefinition,
  MaterializedViewDefinition,
  RelationDefinition,
  TableDefinition,
} from '../../runtime/plan/relation.ts';
import { requireCreateIn, requireOwner } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { stringOf } from '../bind/tree.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { namedRelation } from '../write/target.ts';
import { freeIndexName } from './index-name.ts';
import { existing } from './names.ts';

type Indexed = TableDefinition | MaterializedViewDefinition;

/** What others have and this server has no use for. */
const OTHER_METHODS: ReadonlySet<string> = new Set(['gin', 'gist', 'spgist', 'brin']);
const COLLATIONS: ReadonlySet<string> = new Set(['C', 'POSIX', 'default', 'ucs_basic']);
/** Of PostgreSQL's files: they say nothing here. */
const OPTIONS: ReadonlySet<string> = new Set(['fillfactor', 'deduplicate_items']);

/** 42809 for streams and plain views, 42703, 42704, 42P07; 0A000 for what would promise more than look-ups. */
export function planCreateIndex(context: StatementContext, index: IndexStmt): Planned {
  const { binding } = context;
  const tag = 'CREATE INDEX';
  const relation = indexedRelation(binding, index);
  requireOwner(binding, relation);
  requireCreateIn(binding, relation.schema, binding.plan.role);
  binding.parameters.refuse('Definitions take no parameters.');
  refuseUnkept(binding, index);
  const elements = (index.indexParams ?? []).flatMap((node) => ('IndexElem' in node ? [node.IndexElem] : []));
  if (elements.length > INDEX_COLUMNS_MAX)
    throw binding.error(-1, '54011', `cannot use more than ${INDEX_COLUMNS_MAX} columns in an index`);
  const columns = elements.map((element) => columnOf(binding, relation, element));
  const method = methodOf(binding, index, elements);
  const { schema } = relation;
  const name = index.idxname ?? freeIndexName(binding.catalog, relation, columns);
  const taken = existing(binding, { schema, name }, index.if_not_exists === true, tag);
  if (taken !== null) return planned(context, taken);
  if (binding.catalog.indexesOf(relation.oid).length >= INDEXES_MAX) {
    const message = `"${relation.name}" has ${INDEXES_MAX} indexes, and can have no more`;
    throw binding.error(-1, '54000', message, 'Drop those that no query reads by.');
  }
  const object: IndexDefinition = {
    kind: 'index',
    oid: binding.catalog.allocateOid(),
    name,
    comment: null,
    relation: relation.oid,
    columns,
    method,
    order: elements.map(orderOf),
  };
  return planned(context, { kind: 'create', object, replaces: null, tag });
}

const REFUSALS: Partial<Readonly<Record<RelationDefinition['kind'], string>>> = {
  stream: 'Create a materialized view of what is looked up, and index that.',
  view: 'Index what it reads, or make it a materialized view.',
};

function indexedRelation(binding: BindingContext, { relation = {} }: IndexStmt): Indexed {
  const definition = namedRelation(binding, relation);
  if (definition.kind === 'materialized-view' || definition.kind === 'table') return definition;
  const message = `cannot create index on relation "${definition.name}"`;
  throw binding.error(relation.location, '42809', message, REFUSALS[definition.kind]);
}

function refuseUnkept(binding: BindingContext, index: IndexStmt): void {
  const refuse = (what: string, hint: string): never => {
    throw binding.error(index.relation?.location, '0A000', `${what} is not supported`, hint);
  };
  if (index.unique === true) {
    refuse('CREATE UNIQUE INDEX', 'PRIMARY KEY keeps the rows of a table unique; GROUP BY those of a view.');
  }
  if (index.whereClause !== undefined)
    refuse('an index of some of the rows', 'Leave WHERE out, or index a materialized view of these rows.');
  if ((index.indexIncludingParams ?? []).length > 0)
    refuse('INCLUDE', 'Leave it out: what an index finds is read whole.');
  if (index.tableSpace !== undefined) refuse('a tablespace', 'Leave TABLESPACE out.');
  for (const node of index.options ?? []) {
    const name = 'DefElem' in node ? ((node.DefElem as DefElem).defname ?? '') : '';
    if (!OPTIONS.has(name)) throw binding.error(-1, '22023', `unrecognized parameter "${name}"`);
  }
}

function columnOf(binding: BindingContext, relation: Indexed, element: IndexElem): number {
  const { name, collation = [], opclass = [] } = element;
  if (name === undefined) {
    const hint = 'Index a materialized view that has it as a column.';
    throw binding.error(-1, '0A000', 'an index of an expression is not supported', hint);
  }
  const at = relation.columns.findIndex((column) => column.name === name);
  const column = relation.columns[at];
  if (column === undefined) throw binding.error(-1, '42703', `column "${name}" does not exist`);
  if (/^_?json$/.test(column.type.name)) {
    const type = formatType(column.type);
    const message = `data type ${type} has no default operator class for access method "btree"`;
    throw binding.error(-1, '42704', message, 'Values of jsonb can be compared.');
  }
  const collationName = collation.map(stringOf).at(-1);
  if (collationName !== undefined && !COLLATIONS.has(collationName)) {
    const hint = 'All text is compared by its bytes (COLLATE "C").';
    throw binding.error(-1, '0A000', `collation "${collationName}" is not supported`, hint);
  }
  if (opclass.length > 0) {
    const hint = 'Leave it out: rows are found by equality.';
    throw binding.error(-1, '0A000', 'an operator class is not supported', hint);
  }
  return at;
}

/** PostgreSQL's hash indexes have one column, in no order. */
function methodOf(
  binding: BindingContext,
  index: IndexStmt,
  elements: readonly IndexElem[],
): IndexDefinition['method'] {
  const method = index.accessMethod ?? 'btree';
  if (OTHER_METHODS.has(method)) {
    const hint = 'Rows are found by equality: leave USING out.';
    throw binding.error(-1, '0A000', `access method "${method}" is not supported`, hint);
  }
  if (method === 'btree') return method;
  if (method !== 'hash') throw binding.error(-1, '42704', `access method "${method}" does not exist`);
  const refuse = (what: string): never => {
    throw binding.error(-1, '0A000', `access method "hash" does not support ${what}`);
  };
  if (elements.length > 1) refuse('multicolumn indexes');
  const { descending, nullsFirst } = orderOf(elements[0] ?? {});
  if (descending) refuse('ASC/DESC options');
  if (nullsFirst) refuse('NULLS FIRST/LAST options');
  return method;
}

function orderOf({ ordering, nulls_ordering: nulls }: IndexElem): IndexDefinition['order'][number] {
  const descending = ordering === 'SORTBY_DESC';
  return {
    descending,
    nullsFirst: nulls === 'SORTBY_NULLS_FIRST' || (descending && nulls !== 'SORTBY_NULLS_LAST'),
  };
}
