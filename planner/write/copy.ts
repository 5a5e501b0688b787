/** COPY in both of PostgreSQL's syntaxes: FROM STDIN into streams and tables, TO STDOUT from relations, queries, SUBSCRIBE. */
import type { CopyStmt, Node } from 'libpg-query';
import type { Schema } from '../../common/types.ts';
import type { IngestOptions } from '../../runtime/engine-client.ts';
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
import { type CopySettings, readCopyOptions } from './copy-options.ts';
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
  if (copy.whereClause !== undefined) throw binding.error(-1, '0A000', 'COPY … WHERE is not supported');
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
          if (target.columns[at]?.generated !== null) {
            throw binding.error(
              -1,
              '42P10',
              `column "${name}" is a generated column`,
              undefined,
              'Generated columns cannot be used in COPY.',
            );
          }
          return at;
        });
  const fields: Schema = columns.flatMap((c) => {
    const field = target.columns[c];
    return field === undefined ? [] : [{ name: field.name, type: field.type }];
  });
  const ingest: IngestOptions = {
    relation: target.oid,
    columns,
    format: ingestFormat(settings),
    onError: settings.ignoreErrors ? 'reject' : 'fail',
    atomic: target.kind === 'table',
    label: `COPY ${target.name}`,
  };
  return planned(context, {
    kind: 'copy-from',
    target,
    ingest,
    columns: fields,
    format: settings.options.format,
  });
}

function ingestFormat(settings: CopySettings): IngestOptions['format'] {
  const { format, header, delimiter, nullText, quote, escape: escapeCharacter } = settings.options;
  switch (format) {
    case 'text':
      return { format: 'copy-text', header, delimiter, nullText };
    case 'csv':
      return { format: 'copy-csv', header, delimiter, nullText, quote, escape: escapeCharacter };
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
  if (columns === null) throw binding.error(-1, '0A000', 'COPY takes SELECT and SUBSCRIBE only');
  return planned(context, { kind: 'copy-to', source, options: settings.options }, columns);
}

function copySource(context: StatementContext, syntax: PostgresSyntax, copy: CopyStmt): Statement {
  const { binding } = context;
  if (syntax.nested !== null) return planSubscribeStatement(context, syntax.nested);
  const node = copy.query ?? relationQuery(binding, copy);
  if (!('SelectStmt' in node)) throw binding.error(-1, '0A000', 'COPY takes SELECT and SUBSCRIBE only');
  const text = copy.query === undefined ? relationText(copy) : innerQuery(context.parsed.text);
  return planSelectSource(context, node, syntax.clauses, text);
}

/** COPY relation [(columns)] TO: the tree of a SELECT. */
function relationQuery(binding: BindingContext, copy: CopyStmt): Node {
  const range = copy.relation ?? {};
  const schema = range.schemaname ?? null;
  const name = range.relname ?? '';
  const found = findRelation(binding, schema, name);
  if (found === null)
    throw binding.error(range.location, '42P01', `relation "${shownName(schema, name)}" does not exist`);
  const names = (copy.attlist ?? []).map(stringOf);
  if (found.kind === 'relation' && found.definition.kind !== 'sink') {
    const { columns } = found.definition;
    const unknown = names.find((n) => !columns.some((c) => c.name === n));
    if (unknown !== undefined)
      throw binding.error(-1, '42703', `column "${unknown}" of relation "${name}" does not exist`);
  }
  const fields: Node[][] =
    names.length === 0 ? [[{ A_Star: {} }]] : names.map((sval) => [{ String: { sval } }]);
  const targetList = fields.map(
    (f): Node => ({ ResTarget: { val: { ColumnRef: { fields: f, location: -1 } }, location: -1 } }),
  );
  return { SelectStmt: { targetList, fromClause: [{ RangeVar: range }] } } as Node;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The same as a text. */
function relationText({ relation, attlist }: CopyStmt): string {
  const names = [relation?.schemaname, relation?.relname].flatMap((n) =>
    n === undefined ? [] : [quoted(n)],
  );
  const columns = (attlist ?? []).map((node) => quoted(stringOf(node)));
  return `SELECT ${columns.length === 0 ? '*' : columns.join(', ')} FROM ${names.join('.')}`;
}
