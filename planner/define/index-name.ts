/** Names of indexes: those that PostgreSQL would choose, and how they are found. */
import type {
  IndexDefinition,
  MaterializedViewDefinition,
  RelationDefinition,
  TableDefinition,
} from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { firstInPath } from '../bind/search-path.ts';
import type { Catalog } from '../catalog.ts';
import { isNameTaken } from './names.ts';

const NAME_BYTES_MAX = 63;

/** `t_a_b_idx`, `t_a_b_idx1` …: the first that is free. */
export function freeIndexName(
  catalog: Catalog,
  relation: TableDefinition | MaterializedViewDefinition,
  columns: readonly number[],
): string {
  const names: string[] = [];
  for (const c of columns) {
    const { name } = relation.columns[c]!;
    let shown = name;
    for (let number = 1; names.includes(shown); number++) shown = `${name}${number}`;
    names.push(shown);
  }
  for (let number = 0; ; number++) {
    const name = joined(relation.name, names.join('_'), number === 0 ? 'idx' : `idx${number}`);
    if (!isNameTaken(catalog, relation.schema, name)) return name;
  }
}

/** The longer one of the two is cut, a byte at a time, until all fits; no character is cut in two. */
function joined(relation: string, columns: string, label: string): string {
  const room = NAME_BYTES_MAX - label.length - 2;
  let first = Buffer.byteLength(relation);
  let second = Buffer.byteLength(columns);
  while (first + second > room) {
    if (first > second) first--;
    else second--;
  }
  return `${cut(relation, first)}_${cut(columns, second)}_${label}`;
}

function cut(name: string, bytesMax: number): string {
  const bytes = Buffer.from(name);
  let end = Math.min(bytesMax, bytes.length);
  while (end > 0 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

export type FoundIndex =
  | Readonly<{ kind: 'index'; index: IndexDefinition; relation: RelationDefinition }>
  | Readonly<{ kind: 'relation'; relation: RelationDefinition }>;

/** null: nothing of that name. 42501 for a schema that is named and may not be used. */
export function findIndex(context: BindingContext, schema: string | null, name: string): FoundIndex | null {
  const { catalog } = context;
  return firstInPath<FoundIndex>(context, schema, (candidate) => {
    const relation = catalog.relation(candidate, name);
    if (relation !== undefined) return { kind: 'relation', relation };
    const index = catalog.index(candidate, name);
    const indexed = catalog.relationByOid(index?.relation ?? 0);
    return index === undefined || indexed === undefined ? null : { kind: 'index', index, relation: indexed };
  });
}
