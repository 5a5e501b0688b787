/** COPY in both of PostgreSQL's syntaxes: FROM STDIN into streams and tables, TO STDOUT from relations, queries, SUBSCRIBE. */
import type { CopyStmt, Node } from 'libpg-query';
import { COPY_REPORTS_MAX } from '../../common/limits.ts';
import type { Schema } from '../../common/types.ts';
import type { IngestOptions } from '../../runtime/engine-client.ts';
import type { StreamDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import { appliedPolicies } from '../authorize/applied-policies.ts';
import { noBulkLoad } from '../authorize/requirements.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { findRelation, shownName } from '../bind/relation-lookup.ts';
import { stringOf } from '../bind/tree.ts';
import { innerQuery } from '../parse/inner-query.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';
import { planSelectSource } from '../plan-select.ts';
import { planSubscribeStatement } from '../session/subscribe.ts';
import type { Planned, Statement } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { type CopySettings, type NamedColumns, readCopyOptions } from './copy-options.ts';
import { columnOrdinal } from './insert-columns.ts';
import { writableTarget } from './target.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;

export function planCopy(context: StatementContext, syntax: PostgresSyntax, copy: CopyStmt): Planned {
  const { binding } = context;
  if (copy.is_program === true)
    throw binding.error(
      -1,
      '0A000',
      'COPY … PROGRAM is not supported',
      'Use FROM STDIN or TO STDOUT: psql has \\copy.',
    );
  if (copy.filename !== undefined)
    throw binding.error(
      -1,
      '0A000',
      'COPY of files on the server is not supported',
      "Use FROM STDIN or TO STDOUT, psql's \\copy, or a stream WITH (connector = 'file').",
    );
  if (copy.whereClause !== undefined)
    throw binding.error(
      -1,
      '0A000',
      'COPY … WHERE is not supported',
      'Filter in a view, or COPY into another table and INSERT … SELECT … WHERE from it.',
    );
  const settings = readCopyOptions(binding, copy.options ?? [], copy.is_from === true);
  return copy.is_from === true ? copyFrom(context, copy, settings) : copyTo(context, syntax, copy, settings);
}

function copyFrom(context: StatementContext, copy: CopyStmt, settings: CopySettings): Planned {
  const { binding } = context;
  const target = writableTarget(binding, copy.relation ?? {}, 'copy to');
  if (appliedPolicies(binding.catalog, binding.role, target, 'insert') !== null) throw noBulkLoad();
  const names = (copy.attlist ?? []).map(stringOf);
  const columns =
    names.length === 0
      ? target.columns.flatMap((c, i) => (c.generated === null ? [i] : []))
      : names.map((name, i) => {
          if (names.indexOf(name) !== i)
            throw binding.error(-1, '42701', `column "${name}" specified more than once`);
          const at = columnOrdinal(binding, target, name, -1);
          if (target.columns[at]?.generated !== null) throw generatedColumn(binding, name);
          return at;
        });
  const fields: Schema = columns.flatMap((c) => {
    const field = target.columns[c];
    return field === undefined ? [] : [{ name: field.name, type: field.type }];
  });
  const ingest: IngestOptions = {
    relation: target.oid,
    columns,
    format: ingestFormat(settings, (name, list) => namedOrdinals(binding, target, columns, name, list)),
    onError: settings.ignoreErrors ? 'reject' : 'fail',
    ...(settings.rejectsMax === null ? {} : { rejectsMax: settings.rejectsMax }),
    reportsMax: settings.verbosity === 'verbose' ? COPY_REPORTS_MAX : 0,
    atomic: target.kind === 'table',
    label: `COPY ${target.name}`,
  };
  return planned(context, {
    kind: 'copy-from',
    target,
    ingest,
    columns: fields,
    format: settings.options.format,
    verbosity: settings.verbosity,
  });
}

/** FORCE_NULL, FORCE_NOT_NULL: columns that COPY reads. */
function namedOrdinals(
  binding: BindingContext,
  target: StreamDefinition | TableDefinition,
  columns: readonly number[],
  option: string,
  names: NamedColumns,
): readonly number[] {
  if (names === 'all') return columns;
  return names.map((name) => {
    const at = columnOrdinal(binding, target, name, -1);
    if (columns.includes(at)) return at;
    throw binding.error(-1, '42P10', `${option} column "${name}" not referenced by COPY`);
  });
}

function ingestFormat(
  settings: CopySettings,
  ordinals: (option: string, names: NamedColumns) => readonly number[],
): IngestOptions['format'] {
  const { format, header, delimiter, nullText, quote, escape: escapeCharacter } = settings.options;
  const marks = {
    headerMatches: settings.headerMatches,
    defaultText: settings.defaultText,
    forceNull: ordinals('FORCE_NULL', settings.forceNull),
    forceNotNull: ordinals('FORCE_NOT_NULL', settings.forceNotNull),
  };
  switch (format) {
    case 'text':
      return { format: 'copy-text', header, delimiter, nullText, marks };
    case 'csv':
      return { format: 'copy-csv', header, delimiter, nullText, quote, escape: escapeCharacter, marks };
    case 'binary':
      return { format: 'copy-binary' };
  }
}

function copyTo(
  context: StatementContext,
  syntax: PostgresSyntax,
  copy: CopyStmt,
  settings: CopySettings,
): Planned {
  const { binding } = context;
  const source = copySource(context, syntax, copy);
  if (source.kind === 'catalog')
    return planned(context, { kind: 'copy-to', source, options: settings.options });
  const columns = source.kind === 'query' || source.kind === 'subscribe' ? source.columns : null;
  if (columns === null) throw onlyQueries(binding);
  requireQuoted(binding, copy, columns, settings.options.forceQuote);
  // of rows that come as COPY's data there is nothing to describe
  return planned(context, { kind: 'copy-to', source, options: settings.options });
}

const generatedColumn = (binding: BindingContext, name: string): Error =>
  binding.error(
    -1,
    '42P10',
    `column "${name}" is a generated column`,
    undefined,
    'Generated columns cannot be used in COPY.',
  );

const onlyQueries = (binding: BindingContext): Error =>
  binding.error(
    -1,
    '0A000',
    'COPY takes SELECT and SUBSCRIBE only',
    'INSERT, UPDATE and DELETE with RETURNING give their rows without COPY.',
  );

/** FORCE_QUOTE: columns of the output. */
function requireQuoted(
  binding: BindingContext,
  { relation }: CopyStmt,
  columns: Schema,
  names: NamedColumns,
): void {
  if (names === 'all') return;
  const unknown = names.find((name) => !columns.some((column) => column.name === name));
  if (unknown === undefined) return;
  const where = relation === undefined ? '' : ` of relation "${relation.relname ?? ''}"`;
  throw binding.error(-1, '42703', `column "${unknown}"${where} does not exist`);
}

function copySource(context: StatementContext, syntax: PostgresSyntax, copy: CopyStmt): Statement {
  const { binding } = context;
  if (syntax.nested !== null) return planSubscribeStatement(context, syntax.nested);
  if (copy.query === undefined) {
    const names = columnNames(binding, copy);
    return planSelectSource(context, relationQuery(copy, names), syntax.clauses, relationText(copy, names));
  }
  if (!('SelectStmt' in copy.query)) throw onlyQueries(binding);
  return planSelectSource(context, copy.query, syntax.clauses, innerQuery(context.parsed.text));
}

/** COPY relation TO: the columns named; null: all. Generated ones are not copied: COPY FROM takes none. */
function columnNames(
  binding: BindingContext,
  { relation = {}, attlist }: CopyStmt,
): readonly string[] | null {
  const schema = relation.schemaname ?? null;
  const table = relation.relname ?? '';
  const found = findRelation(binding, schema, table);
  if (found === null)
    throw binding.error(relation.location, '42P01', `relation "${shownName(schema, table)}" does not exist`);
  const names = (attlist ?? []).map(stringOf);
  if (found.kind === 'relation' && found.definition.kind !== 'sink') {
    const { columns } = found.definition;
    for (const name of names) {
      const column = columns.find((c) => c.name === name);
      if (column === undefined)
        throw binding.error(-1, '42703', `column "${name}" of relation "${table}" does not exist`);
      if (column.generated !== null) throw generatedColumn(binding, name);
    }
    const stored = columns.filter((c) => c.generated === null);
    if (names.length === 0 && stored.length < columns.length) return stored.map((c) => c.name);
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw binding.error(-1, '42701', `column "${twice}" specified more than once`);
  return names.length === 0 ? null : names;
}

/** The tree of a SELECT. */
function relationQuery({ relation = {} }: CopyStmt, names: readonly string[] | null): Node {
  const fields: Node[][] = names === null ? [[{ A_Star: {} }]] : names.map((sval) => [{ String: { sval } }]);
  const targetList = fields.map(
    (f): Node => ({ ResTarget: { val: { ColumnRef: { fields: f, location: -1 } }, location: -1 } }),
  );
  return { SelectStmt: { targetList, fromClause: [{ RangeVar: relation }] } } as Node;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The same as a text. */
function relationText({ relation }: CopyStmt, names: readonly string[] | null): string {
  const path = [relation?.schemaname, relation?.relname].flatMap((n) => (n === undefined ? [] : [quoted(n)]));
  return `SELECT ${names === null ? '*' : names.map(quoted).join(', ')} FROM ${path.join('.')}`;
}
