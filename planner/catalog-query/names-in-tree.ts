/** What a query names: relations (names of WITH queries are none), functions, types; and what else decides who may answer it. */
import type { FuncCall, Node, RangeVar, TypeName } from 'libpg-query';
import { stringOf } from '../bind/tree.ts';

export type NamesInTree = Readonly<{
  relations: RangeVar[];
  functions: FuncCall[];
  types: TypeName[];
  /** References to columns: the last name of each, with the location of the first. */
  columns: Readonly<{ name: string; location: number }>[];
  /** Kinds of statements but SELECT: those of WITH. */
  writes: string[];
  /** SELECT … INTO, SELECT … FOR UPDATE */
  locks: boolean;
}>;

type Found = { -readonly [K in keyof NamesInTree]: NamesInTree[K] };
type Tree = Readonly<Record<string, unknown>>;

const WRITES: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

export function namesInTree(node: Node): NamesInTree {
  const found: Found = { relations: [], functions: [], types: [], columns: [], writes: [], locks: false };
  walk(node, new Set(), found);
  return found;
}

/** `queries`: the names of WITH queries that are known here. */
function walk(value: unknown, queries: ReadonlySet<string>, found: Found): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, queries, found);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [kind, inner] of Object.entries(value as Tree)) {
    if (typeof inner !== 'object' || inner === null) continue;
    visit(kind, inner as Tree, queries, found);
  }
}

function visit(kind: string, inner: Tree, queries: ReadonlySet<string>, found: Found): void {
  switch (kind) {
    // the arms of a set operation stand without their kind
    case 'SelectStmt':
    case 'larg':
    case 'rarg':
      walkSelect(inner, queries, found);
      return;
    case 'RangeVar': {
      const range = inner as RangeVar;
      if (range.schemaname !== undefined || !queries.has(range.relname ?? '')) found.relations.push(range);
      break;
    }
    case 'FuncCall':
      found.functions.push(inner as FuncCall);
      break;
    case 'TypeName':
    case 'typeName':
      found.types.push(inner as TypeName);
      break;
    case 'ColumnRef': {
      const fields = (inner['fields'] ?? []) as readonly Node[];
      const location = inner['location'];
      const last = fields.at(-1);
      found.columns.push({
        name: last === undefined ? '' : stringOf(last),
        location: typeof location === 'number' ? location : 0,
      });
      break;
    }
    default:
      if (WRITES.has(kind)) found.writes.push(kind);
  }
  walk(inner, queries, found);
}

function walkSelect(select: Tree, outer: ReadonlySet<string>, found: Found): void {
  if (select['intoClause'] !== undefined || select['lockingClause'] !== undefined) found.locks = true;
  const queries = new Set(outer);
  const clause = select['withClause'] as
    | Readonly<{ ctes?: readonly Node[]; recursive?: boolean }>
    | undefined;
  const named = (clause?.ctes ?? []).flatMap((cte) =>
    'CommonTableExpr' in cte ? [cte.CommonTableExpr] : [],
  );
  if (clause?.recursive === true) for (const { ctename } of named) queries.add(ctename ?? '');
  for (const { ctename, ctequery } of named) {
    walk(ctequery, queries, found);
    queries.add(ctename ?? '');
  }
  const { withClause: _, ...rest } = select;
  walk(rest, queries, found);
}
