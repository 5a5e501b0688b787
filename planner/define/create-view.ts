/** CREATE VIEW and CREATE MATERIALIZED VIEW. */
import type { CreateTableAsStmt, DefElem, Node, RangeVar, ViewStmt } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type {
  ColumnDefinition,
  MaterializedViewDefinition,
  Oid,
  RelationDefinition,
  Retention,
  ViewDefinition,
  ViewSettings,
} from '../../runtime/plan/relation.ts';
import { newlyOwned, requireOwner } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { stringOf } from '../bind/tree.ts';
import type { OptionSyntax, StatementSyntax } from '../parse/statement-syntax.ts';
import { planContinuous, planFinite } from '../physical/plan-query.ts';
import { booleanOption, readQueryOptions } from '../physical/query-options.ts';
import type { Planned } from '../statement.ts';
import { bindSelectNode, planned, type StatementContext } from '../statement-context.ts';
import { existing, type NewName, newName } from './names.ts';
import { CHANGELOG_RETENTION, parseRetention, VIEW_RETENTION } from './retention.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;

export function viewSettings(binding: BindingContext): ViewSettings {
  return {
    timeZone: binding.timeZone,
    dateStyle: binding.plan.settings.get('datestyle') ?? 'ISO, MDY',
    searchPath: binding.searchPath,
  };
}

/** Column names, those of the query unless listed. 42701, 42601. */
export function viewColumns(
  binding: BindingContext,
  fields: Schema,
  names: readonly string[],
  tooMany = 'too many column names were specified',
): readonly ColumnDefinition[] {
  if (names.length > fields.length) {
    throw binding.error(-1, '42601', tooMany);
  }
  const columns = fields.map((f, i) => ({ ...f, name: names[i] ?? f.name }));
  const repeated = columns.find((c, i) => columns.findIndex((x) => x.name === c.name) !== i);
  if (repeated !== undefined) {
    throw binding.error(-1, '42701', `column "${repeated.name}" specified more than once`);
  }
  return columns.map((c) => ({ ...c, notNull: false, defaultValue: null, generated: null, comment: null }));
}

function bodyText(context: StatementContext, syntax: PostgresSyntax): string {
  const { body } = syntax;
  return body === null ? '' : context.parsed.text.slice(body.start, body.end);
}

export function planCreateView(context: StatementContext, syntax: PostgresSyntax, view: ViewStmt): Planned {
  const { binding } = context;
  const tag = 'CREATE VIEW';
  if (syntax.clauses.emit !== null) {
    throw binding.errorAtOffset(
      syntax.clauses.emit.offset,
      '42601',
      'a view has no EMIT',
      'EMIT stands where the view is read, or in CREATE MATERIALIZED VIEW.',
    );
  }
  const securityInvoker = readSecurityInvoker(binding, view.options ?? []);
  if (view.withCheckOption !== undefined && view.withCheckOption !== 'NO_CHECK_OPTION') {
    throw binding.error(-1, '0A000', 'WITH CHECK OPTION is not supported');
  }
  binding.parameters.refuse('Views take no parameters.');
  const name = newName(binding, view.view ?? {});
  const replaced = replacedView(binding, name, view.replace === true, 'view');
  if (replaced === null) existing(binding, name, false, tag);
  const query = bindSelectNode(binding, view.query as Node);
  planFinite(binding, query);
  const object: ViewDefinition = {
    kind: 'view',
    oid: replaced ?? binding.catalog.allocateOid(),
    ...name,
    comment: null,
    ...(replaced === null ? newlyOwned(binding, name.schema) : keptOf(binding, replaced)),
    columns: viewColumns(
      binding,
      query.columns,
      (view.aliases ?? []).map(stringOf),
      'CREATE VIEW specifies more column names than columns',
    ),
    query: bodyText(context, syntax),
    settings: viewSettings(binding),
    dependencies: [...binding.gathered.relations],
    names: binding.gathered.names,
    securityInvoker,
  };
  if (replaced === null) return planned(context, { kind: 'create', object, replaces: null, tag });
  checkReplacement(binding, object, replaced);
  refuseReaders(binding, object.name, readersOf(binding, replaced));
  // the same object in other words: who reads it knows it by its OID
  return planned(context, { kind: 'alter', objects: [object], tag });
}

/** Materialized views and sinks that read the view, also through other views: their plans hold its old query. */
function readersOf(binding: BindingContext, oid: Oid): readonly RelationDefinition[] {
  return binding.catalog
    .dependents(oid)
    .flatMap((reader) => (reader.kind === 'view' ? readersOf(binding, reader.oid) : [reader]));
}

function refuseReaders(binding: BindingContext, name: string, readers: readonly RelationDefinition[]): void {
  const [reader] = readers;
  if (reader === undefined) return;
  const kind = reader.kind === 'materialized-view' ? 'materialized view' : reader.kind;
  throw binding.error(
    -1,
    '0A000',
    `cannot replace "${name}" because ${kind} "${reader.name}" reads it`,
    `Drop the ${kind} first and create it again afterwards.`,
  );
}

/** OID of the view that OR REPLACE takes the place of. */
function replacedView(
  binding: BindingContext,
  name: NewName,
  replace: boolean,
  kind: 'view' | 'materialized-view',
): Oid | null {
  const found = binding.catalog.relation(name.schema, name.name);
  if (found === undefined || !replace) return null;
  if (found.kind === kind) {
    requireOwner(binding, found);
    return found.oid;
  }
  const shown = kind === 'view' ? 'a view' : 'a materialized view';
  throw binding.error(-1, '42809', `"${name.name}" is not ${shown}`);
}

/** What OR REPLACE leaves as it was. */
function keptOf(
  binding: BindingContext,
  oid: Oid,
): Pick<ViewDefinition, 'owner' | 'access' | 'rowSecurity' | 'comment'> {
  const old = binding.catalog.relationByOid(oid);
  if (old === undefined) return { ...newlyOwned(binding, null), comment: null };
  const { owner, access, rowSecurity, comment } = old;
  return { owner, access, rowSecurity, comment };
}

/** WITH (security_invoker [= true | false]); 22023 for others. */
export function readSecurityInvoker(binding: BindingContext, nodes: readonly Node[]): boolean {
  let invoker = false;
  for (const node of nodes) {
    if (!('DefElem' in node)) continue;
    const { name, value, offset } = optionOf(binding, node.DefElem);
    if (name !== 'security_invoker') {
      throw binding.errorAtOffset(
        offset,
        '22023',
        `unrecognized parameter "${name}"`,
        'Views take security_invoker; other options belong to materialized views.',
      );
    }
    invoker = booleanOption(binding, { name, value: value ?? 'true', offset }, true);
  }
  return invoker;
}

/** Columns may be added at the end, none changed: others may read them. */
function checkReplacement(
  binding: BindingContext,
  view: ViewDefinition | MaterializedViewDefinition,
  oid: Oid,
): void {
  const old = binding.catalog.relationByOid(oid);
  if (old === undefined || old.kind === 'sink') return;
  if (view.dependencies.includes(oid))
    throw binding.error(-1, '42P16', `infinite recursion detected in view "${view.name}"`);
  if (view.columns.length < old.columns.length)
    throw binding.error(-1, '42P16', 'cannot drop columns from view');
  old.columns.forEach((c, i) => {
    const next = view.columns[i];
    if (next === undefined) return;
    if (next.name !== c.name) {
      throw binding.error(
        -1,
        '42P16',
        `cannot change name of view column "${c.name}" to "${next.name}"`,
        'Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.',
      );
    }
    if (next.type.name !== c.type.name) {
      throw binding.error(-1, '42P16', `cannot change data type of view column "${c.name}"`);
    }
  });
}

export function planCreateMaterializedView(
  context: StatementContext,
  syntax: PostgresSyntax,
  create: CreateTableAsStmt,
): Planned {
  const { binding } = context;
  const tag = 'CREATE MATERIALIZED VIEW';
  const into = create.into ?? {};
  if (create.objtype !== 'OBJECT_MATVIEW') {
    throw binding.error(
      into.rel?.location,
      '0A000',
      'CREATE TABLE AS is not supported',
      'Use CREATE TABLE and INSERT INTO … SELECT, or CREATE MATERIALIZED VIEW.',
    );
  }
  if (into.skipData === true)
    throw binding.error(-1, '0A000', 'WITH NO DATA is not supported', 'Use WITH (backfill = false).');
  binding.parameters.refuse('Views take no parameters.');
  const name = newName(binding, into.rel as RangeVar);
  const replaced = replacedView(binding, name, syntax.replace, 'materialized-view');
  if (replaced === null) {
    const taken = existing(binding, name, create.if_not_exists === true, tag);
    if (taken !== null) return planned(context, taken);
  }
  const { emit } = syntax.clauses;
  const listed = (into.options ?? []).flatMap((node) =>
    'DefElem' in node ? [optionOf(binding, node.DefElem)] : [],
  );
  const options = readQueryOptions(binding, [...listed, ...(emit?.options ?? [])], 'view');
  const query = bindSelectNode(binding, create.query as Node);
  const plan = planContinuous(binding, query, emit, options, 'view');
  const columns = viewColumns(binding, query.columns, (into.colNames ?? []).map(stringOf));
  refuseClaims(binding);
  const object: MaterializedViewDefinition = {
    kind: 'materialized-view',
    oid: binding.catalog.allocateOid(),
    ...name,
    comment: null,
    ...(replaced === null ? newlyOwned(binding, name.schema) : keptOf(binding, replaced)),
    columns,
    query: bodyText(context, syntax),
    settings: viewSettings(binding),
    plan: { ...plan, columns: columns.map(({ name: column, type }) => ({ name: column, type })) },
    retention: retentionOption(binding, listed, 'retention', options.retention, VIEW_RETENTION),
    changelog: retentionOption(binding, listed, 'changelog', options.changelog, CHANGELOG_RETENTION),
    dependencies: [...binding.gathered.relations],
    reads: binding.gathered.requirements,
  };
  if (replaced !== null) {
    checkReplacement(binding, object, replaced);
    refuseReaders(binding, object.name, binding.catalog.dependents(replaced));
  }
  return planned(context, { kind: 'create', object, replaces: replaced, tag });
}

/** An option of PostgreSQL's tree as one of ours. */
export function optionOf(binding: BindingContext, element: DefElem): OptionSyntax {
  return {
    name: (element.defname ?? '').toLowerCase(),
    value: optionValue(element.arg),
    offset: binding.offset(element.location),
  };
}

export function optionValue(arg: Node | undefined): string | null {
  if (arg === undefined) return null;
  if ('String' in arg) return arg.String.sval ?? '';
  if ('Integer' in arg) return String(arg.Integer.ival ?? 0);
  if ('Float' in arg) return arg.Float.fval ?? '';
  if ('Boolean' in arg) return arg.Boolean.boolval === true ? 'true' : 'false';
  if ('TypeName' in arg) return (arg.TypeName.names ?? []).map(stringOf).at(-1) ?? '';
  return null;
}

function retentionOption(
  binding: BindingContext,
  options: readonly OptionSyntax[],
  name: string,
  text: string | null,
  defaults: Retention,
): Retention {
  if (text === null) return defaults;
  try {
    return parseRetention(text, defaults);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const offset = options.find((o) => o.name === name)?.offset ?? 0;
    throw binding.errorAtOffset(offset, error.code, error.message, error.hint);
  }
}

/** What runs for nobody's session has no token. */
export function refuseClaims(binding: BindingContext): void {
  if (!binding.gathered.usesClaims) return;
  throw binding.error(
    -1,
    '0A000',
    'millrace.claim() belongs to a session: a materialized view or sink has none',
    'Put the condition into a policy on the view, or into the query that reads it.',
  );
}
