/**
 * Queries of the system catalog: SELECTs whose relations are all of pg_catalog or information_schema, or which name none and
 * call what only the catalog can answer. The server has them answered by a mirror of the catalog in a real PostgreSQL; here
 * is decided, on the tree, which they are, and that they only read.
 */
import type { FuncCall, Node, RangeVar } from 'libpg-query';
import type { BindingContext } from '../bind/binding-context.ts';
import { isSessionFunction } from '../bind/session-functions.ts';
import { stringOf } from '../bind/tree.ts';
import type { StreamClauses } from '../parse/statement-syntax.ts';
import type { Statement } from '../statement.ts';
import { isCatalogFunction, isCatalogType, isRefusedFunction } from './catalog-functions.ts';
import { type NamesInTree, namesInTree } from './names-in-tree.ts';
import { settingsOf } from './set-config.ts';
import { isSignal, signalsOf } from './signals.ts';

export type CatalogQuery = Extract<Statement, { kind: 'catalog' }>;

/** Texts without any of these are no such queries; most are, so the tree need not be walked. */
const HINTS = new RegExp(
  [
    'pg_|information_schema|txid_|to_reg|format_type|_description\\b|_privilege\\b|row_security_active|unnest',
    '\\bacl(explode|default|item|contains|insert|remove)|\\bmakeaclitem',
    '\\breg(class|collation|config|dictionary|namespace|oper(ator)?|proc(edure)?|role|type)\\b',
    // as a type: behind ::, in CAST, before a literal
    '::\\s*"?(oid|name|char"|xid8?|cid|tid|oidvector|int2vector)(?!\\w)',
    '\\bas\\s+"?(oid|name|char"|xid8?|cid|tid|oidvector|int2vector)"?\\s*(\\[[^\\]]*\\]\\s*)?\\)',
    "\\b(oid|name|xid8?|cid|tid|oidvector|int2vector)\\s*'",
    // whatever an escaped name may be
    '\\bu&"',
  ].join('|'),
  'i',
);

const SEPARATE_HINT = 'Ask in two queries, and join the answers in the client.';

/** null: another query. `text`: the query as the mirror shall read it, with the tree's locations. */
export function catalogQuery(
  binding: BindingContext,
  node: Node,
  clauses: StreamClauses,
  text: string,
): CatalogQuery | null {
  if (!HINTS.test(text) && !binding.searchPath.includes('information_schema')) return null;
  const names = namesInTree(node);
  const kinds = names.relations.map((range) => kindOfRelation(binding, range));
  if (!kinds.includes('catalog')) {
    const bare = kinds.length === 0 && names.writes.length === 0;
    if (!bare || !asksCatalog(names)) return null;
  }
  const other = names.relations.find((_, i) => kinds[i] === 'other');
  if (other !== undefined) throw mixed(binding, other);
  refuseMore(binding, names, clauses);
  const signals = signalsOf(binding, node, names.functions, text);
  return {
    kind: 'catalog',
    text: underPresentNames(binding, names, signals.text),
    explains: false,
    reads: [...new Set([...names.relations.map((r) => r.relname ?? ''), ...names.functions.map(nameOf)])],
    settings: settingsOf(binding, node, names.functions),
    signals: signals.signals,
  };
}

/** `unknown`: the mirror says that there is no such relation, with PostgreSQL's position and words. */
function kindOfRelation(binding: BindingContext, range: RangeVar): 'catalog' | 'other' | 'unknown' {
  const found = binding.relation(range.schemaname ?? null, range.relname ?? '');
  if (found === null) {
    const listed = range.schemaname === undefined && binding.searchPath.includes('information_schema');
    return listed ? 'catalog' : 'unknown';
  }
  return found.kind === 'catalog' ? 'catalog' : 'other';
}

const nameOf = (call: FuncCall): string => (call.funcname ?? []).map(stringOf).at(-1) ?? '';

function asksCatalog({ functions, types }: NamesInTree): boolean {
  const called = functions.map(nameOf);
  // what the session is asked for as rows: the mirror knows how to make them
  const listed = called.includes('unnest') && called.some(isSessionFunction);
  return listed || called.some(isCatalogFunction) || types.some(isCatalogType);
}

function mixed(binding: BindingContext, range: RangeVar): Error {
  return binding.error(
    range.location,
    '0A000',
    `the system catalog and relation "${range.relname}" cannot be read in one query`,
    SEPARATE_HINT,
  );
}

function refuseMore(binding: BindingContext, names: NamesInTree, clauses: StreamClauses): void {
  if (clauses.emit !== null) {
    throw binding.errorAtOffset(
      clauses.emit.offset,
      '0A000',
      'EMIT is not supported for queries of the system catalog',
    );
  }
  if (names.writes.length > 0) {
    throw binding.error(-1, '0A000', 'a query of the system catalog cannot write in WITH');
  }
  if (names.locks) {
    throw binding.error(
      -1,
      '0A000',
      'INTO, FOR UPDATE and FOR SHARE are not supported for queries of the system catalog',
    );
  }
  for (const call of names.functions) {
    const name = nameOf(call);
    // what stands behind our own functions in the mirror
    const hidden = (call.funcname ?? []).slice(0, -1).map(stringOf).includes('pg_toast');
    if (!hidden && (isSignal(call) || !isRefusedFunction(name))) continue;
    if (names.relations.length === 0) {
      throw binding.error(call.location, '0A000', `function ${name}() is not supported`);
    }
    throw binding.error(
      call.location,
      '0A000',
      `function ${name}() is not supported in a query of the system catalog`,
      'Such queries only read the catalog.',
    );
  }
}

/** Columns that clients before PostgreSQL 17 know by the names they had: the new ones are shorter. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['daticulocale', 'datlocale'],
  ['colliculocale', 'colllocale'],
]);

function underPresentNames(binding: BindingContext, { columns }: NamesInTree, text: string): string {
  let renamed = text;
  for (const { name, location } of columns) {
    const present = RENAMED.get(name);
    if (present === undefined) continue;
    const at = renamed.indexOf(name, binding.offset(location));
    // as long as it was, so that positions stay
    if (at >= 0)
      renamed = renamed.slice(0, at) + present.padEnd(name.length) + renamed.slice(at + name.length);
  }
  return renamed;
}
