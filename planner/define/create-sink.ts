/** CREATE SINK name { FROM view | INTO stream AS query | AS query } WITH (connector = …) [FORMAT …]. */
import type { Node } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { SqlType } from '../../common/types.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type {
  ColumnDefinition,
  SinkDefinition,
  SinkOptions,
  StreamDefinition,
} from '../../runtime/plan/relation.ts';
import { BindingContext } from '../bind/binding-context.ts';
import { type Bound, column, typed } from '../bind/bound.ts';
import type { BoundQuery } from '../bind/bound-query.ts';
import { coerceForColumn } from '../bind/coerce.ts';
import { findRelation, shownName } from '../bind/relation-lookup.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import { type CreateSinkSyntax, NO_CLAUSES, type QualifiedName } from '../parse/statement-syntax.ts';
import { planContinuous } from '../physical/plan-query.ts';
import { readQueryOptions } from '../physical/query-options.ts';
import { requireRight } from '../authorize/requirements.ts';
import { newlyOwned, requireFiles } from '../authorize/require.ts';
import type { Planned } from '../statement.ts';
import { bindSelectNode, planned, type StatementContext } from '../statement-context.ts';
import { refuseClaims } from './create-view.ts';
import { OptionReader } from './connector-options.ts';
import { existing, newQualifiedName } from './names.ts';

export function planCreateSink(context: StatementContext, syntax: CreateSinkSyntax): Planned {
  const { binding } = context;
  const tag = 'CREATE SINK';
  binding.parameters.refuse('Sinks take no parameters.');
  const name = newQualifiedName(binding, syntax.name);
  const taken = existing(binding, name, syntax.ifNotExists, tag);
  if (taken !== null) return planned(context, taken);
  const into = syntax.into === null ? null : intoStream(binding, syntax.into);
  const sink = into === null ? readSink(binding, syntax) : refuseConnector(binding, syntax);
  const plan = sinkPlan(context, syntax, into);
  refuseClaims(binding);
  refusePolicies(binding);
  const object: SinkDefinition = {
    kind: 'sink',
    oid: binding.catalog.allocateOid(),
    ...name,
    comment: null,
    ...newlyOwned(binding, name.schema),
    into: into?.oid ?? null,
    reads: binding.gathered.requirements,
    ended: null,
    sink,
    query:
      syntax.input.kind === 'query' ? syntax.input.text : `SELECT * FROM ${quoted(syntax.input.relation)}`,
    plan,
    dependencies: [...new Set([...plan.relations, ...(into === null ? [] : [into.oid])])],
    options: Object.fromEntries(syntax.options.map((o) => [o.name, o.value ?? 'true'])),
  };
  return planned(context, { kind: 'create', object, replaces: null, tag });
}

/** It goes on when they change: what it may send must not depend on them. */
function refusePolicies(binding: BindingContext): void {
  const guarded = binding.gathered.requirements.find((requirement) => requirement.policies !== '');
  if (guarded === undefined) return;
  const name = binding.catalog.relationByOid(guarded.relation)?.name ?? '';
  throw binding.error(
    -1,
    '0A000',
    `row-level security of "${name}" applies to this role: a sink cannot follow it`,
    'Let the owner of the relation create the sink, or a role with BYPASSRLS.',
  );
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const quoted = ({ schema, name }: QualifiedName): string =>
  schema === null ? quote(name) : `${quote(schema)}.${quote(name)}`;

function sinkPlan(
  context: StatementContext,
  syntax: CreateSinkSyntax,
  into: StreamDefinition | null,
): QueryPlan {
  const { binding } = context;
  const { input } = syntax;
  const query = input.kind === 'query' ? input.query : null;
  const inner =
    query === null
      ? binding
      : new BindingContext(context.plan, query.source, query.clauses, {
          gathered: binding.gathered,
          parameters: binding.parameters,
        });
  const clauses = query?.clauses ?? NO_CLAUSES;
  const options = readQueryOptions(inner, [...syntax.queryOptions, ...(clauses.emit?.options ?? [])], 'sink');
  const bound =
    query === null
      ? bindRelation(binding, input.kind === 'from' ? input.relation : syntax.name)
      : bindSelectNode(inner, query.node);
  const fitted = into === null ? bound : fitColumns(inner, bound, into, syntax);
  const plan = planContinuous(inner, fitted, clauses.emit, options, 'sink');
  if (into !== null && !plan.root.appendOnly) {
    throw inner.errorAtOffset(
      clauses.emit?.offset ?? syntax.name.offset,
      '0A000',
      'a stream cannot take rows back',
      'Use a query of ON WINDOW CLOSE, or a materialized view.',
    );
  }
  return plan;
}

/** FROM relation: all its columns. */
function bindRelation(binding: BindingContext, { schema, name, offset }: QualifiedName): BoundQuery {
  if (findRelation(binding, schema, name) === null) {
    throw binding.errorAtOffset(offset, '42P01', `relation "${shownName(schema, name)}" does not exist`);
  }
  return bindSelectNode(binding, selectAll(schema, name));
}

/** The tree of SELECT * FROM name. */
export function selectAll(schema: string | null, name: string): Node {
  const range = schema === null ? { relname: name } : { relname: name, schemaname: schema };
  const star: Node = {
    ResTarget: { val: { ColumnRef: { fields: [{ A_Star: {} }], location: -1 } }, location: -1 },
  };
  return {
    SelectStmt: { targetList: [star], fromClause: [{ RangeVar: { ...range, inh: true, location: -1 } }] },
  } as Node;
}

function fitColumns(
  binding: BindingContext,
  query: BoundQuery,
  into: StreamDefinition,
  syntax: CreateSinkSyntax,
): BoundQuery {
  const fields: readonly ColumnDefinition[] = into.columns.filter((c) => c.generated === null);
  if (query.columns.length !== fields.length) {
    throw binding.errorAtOffset(
      syntax.into?.offset ?? 0,
      '42601',
      `the query has ${query.columns.length} columns but stream "${into.name}" takes ${fields.length}`,
    );
  }
  const expressions = fields.map((field, i) => {
    const ordinal = query.output[i] ?? -1;
    const bound: Bound =
      query.open[i] ?? typed(column(ordinal, query.columns[i]?.type as SqlType), query.locations[i] ?? -1);
    return coerceForColumn(binding, bound, field.name, field.type);
  });
  const columns = fields.map(({ name, type }) => ({ name, type }));
  const node: LogicalNode = { kind: 'project', input: query.node, expressions, schema: columns };
  return { ...query, node, output: columns.map((_, i) => i), columns, order: [] };
}

function intoStream(binding: BindingContext, name: QualifiedName): StreamDefinition {
  const found = findRelation(binding, name.schema, name.name);
  if (found === null)
    throw binding.errorAtOffset(
      name.offset,
      '42P01',
      `relation "${shownName(name.schema, name.name)}" does not exist`,
    );
  if (found.kind === 'relation' && found.definition.kind === 'stream') {
    requireRight(binding, found.definition, 'a');
    return found.definition;
  }
  throw binding.errorAtOffset(name.offset, '42809', `"${name.name}" is not a stream`);
}

function refuseConnector(binding: BindingContext, syntax: CreateSinkSyntax): SinkOptions {
  const [option] = syntax.options;
  if (option !== undefined)
    throw binding.errorAtOffset(option.offset, '22023', 'a sink INTO a stream takes no connector');
  if (syntax.format !== null)
    throw binding.errorAtOffset(syntax.format.offset, '22023', 'a sink INTO a stream takes no FORMAT');
  return { connector: 'blackhole' };
}

function readSink(binding: BindingContext, syntax: CreateSinkSyntax): SinkOptions {
  const reader = new OptionReader(binding, syntax.options);
  const connector = reader.get('connector');
  if (connector === undefined) {
    throw new SqlError('22023', 'a sink needs option "connector"', {
      hint: "Write WITH (connector = 'file', path = '…') or WITH (connector = 'blackhole').",
    });
  }
  if (connector.value === 'blackhole') {
    reader.allow(['connector']);
    return { connector: 'blackhole' };
  }
  if (connector.value !== 'file') {
    throw binding.errorAtOffset(
      connector.offset,
      '22023',
      `unrecognized connector "${connector.value ?? ''}"`,
      'Valid connectors of sinks are blackhole, file.',
    );
  }
  requireFiles(binding, 'write');
  reader.allow(['connector', 'path']);
  const path = reader.required('path', 'connector file');
  const format = syntax.format?.name ?? 'json';
  if (format !== 'json' && format !== 'csv') {
    throw binding.errorAtOffset(
      syntax.format?.offset ?? 0,
      '22023',
      `unrecognized format "${format}"`,
      'Valid formats of sinks are csv, json.',
    );
  }
  const formatReader = new OptionReader(binding, syntax.format?.options ?? []);
  formatReader.allow(format === 'csv' ? ['header'] : []);
  return { connector: 'file', path, format, header: formatReader.boolean('header', false) };
}
