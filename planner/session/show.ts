/** SHOW setting, SHOW STREAMS | TABLES | VIEWS | … (SECRETS and TOKENS have files of their own), DESCRIBE. */
import { type Field, formatType, type Schema } from '../../common/types.ts';
import type { ColumnDefinition, RelationDefinition, Retention } from '../../runtime/plan/relation.ts';
import { isSystemView, SYSTEM_VIEWS } from '../../runtime/plan/system-views.ts';
import { planShowTokens } from '../authorize/tokens.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { findRelation, shownName } from '../bind/relation-lookup.ts';
import { durationText } from '../explain/duration-text.ts';
import { expressionText } from '../explain/expression-text.ts';
import { planShowSecrets } from './show-secrets.ts';
import type { QualifiedName } from '../parse/statement-syntax.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';

const text = (name: string): Field => ({ name, type: { name: 'text' } });

/** Settings whose names PostgreSQL prints with capitals. */
const SHOWN_NAMES: Readonly<Record<string, string>> = {
  timezone: 'TimeZone',
  datestyle: 'DateStyle',
  intervalstyle: 'IntervalStyle',
};

const KINDS: Readonly<Record<string, RelationDefinition['kind']>> = {
  streams: 'stream',
  sources: 'stream',
  tables: 'table',
  views: 'view',
  'materialized views': 'materialized-view',
};

export function planShow(context: StatementContext, name: string): Planned {
  const kind = KINDS[name];
  if (kind !== undefined) return listRelations(context, kind);
  if (name === 'tokens') return planShowTokens(context);
  if (name === 'secrets') return planShowSecrets(context);
  if (name === 'subscriptions' || name === 'watermarks' || name === 'sinks') {
    return planned(context, { kind: 'show-engine', what: name }, SYSTEM_VIEWS[name]);
  }
  const columns =
    name === 'all' ? [text('name'), text('setting'), text('description')] : [text(SHOWN_NAMES[name] ?? name)];
  return planned(context, { kind: 'show', name }, columns);
}

function listRelations(context: StatementContext, kind: RelationDefinition['kind']): Planned {
  const found = [...context.binding.catalog.objects()].flatMap((o) => (o.kind === kind ? [o] : []));
  found.sort((a, b) => compare(a.schema, b.schema) || compare(a.name, b.name));
  const columns: Schema = [text('schema'), text('name'), ...(DETAILS[kind] ?? []).map(text), text('comment')];
  const rows = found.map((o) => [o.schema, o.name, ...detailsOf(o), o.comment]);
  return planned(context, { kind: 'rows', columns, rows, tag: 'SHOW' }, columns);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const DETAILS: Partial<Readonly<Record<RelationDefinition['kind'], readonly string[]>>> = {
  stream: ['connector', 'watermark', 'retention'],
  table: ['primary_key'],
  view: ['query'],
  'materialized-view': ['emit', 'retention', 'query'],
};

function detailsOf(o: RelationDefinition): readonly (string | null)[] {
  switch (o.kind) {
    case 'stream':
      return [o.source.connector, watermarkText(o.columns, o.watermark), retentionText(o.retention)];
    case 'table':
      return [o.primaryKey.map((k) => o.columns[k]?.name ?? '').join(', ') || null];
    case 'view':
      return [o.query];
    case 'materialized-view':
      return [
        o.plan.emit.kind === 'close' ? 'on window close' : o.plan.emit.kind,
        retentionText(o.retention),
        o.query,
      ];
    case 'sink':
      return [];
  }
}

function watermarkText(
  columns: readonly ColumnDefinition[],
  watermark: Extract<RelationDefinition, { kind: 'stream' }>['watermark'],
): string | null {
  if (watermark === null) return null;
  const name = columns[watermark.column]?.name ?? '';
  return watermark.delayMicros === 0 ? name : `${name} - ${durationText(watermark.delayMicros)}`;
}

export function retentionText(retention: Retention): string {
  if (retention.none) return 'none';
  const parts = [
    ...(retention.ageMicros === null ? [] : [durationText(retention.ageMicros)]),
    ...(retention.bytes === null ? [] : [bytesText(retention.bytes)]),
  ];
  return parts.length === 0 ? 'forever' : parts.join(', ');
}

function bytesText(bytes: number): string {
  const units = ['TB', 'GB', 'MB', 'kB'];
  for (const [i, unit] of units.entries()) {
    const size = 1024 ** (units.length - i);
    if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`;
  }
  return `${bytes} B`;
}

const DESCRIBE_COLUMNS: Schema = ['column', 'type', 'nullable', 'default', 'extra', 'comment'].map(text);

export function planDescribe(context: StatementContext, name: QualifiedName): Planned {
  const rows = describeRows(context.binding, name);
  return planned(
    context,
    { kind: 'rows', columns: DESCRIBE_COLUMNS, rows, tag: 'DESCRIBE' },
    DESCRIBE_COLUMNS,
  );
}

function describeRows(
  binding: BindingContext,
  { schema, name, offset }: QualifiedName,
): readonly (readonly (string | null)[])[] {
  const found = findRelation(binding, schema, name);
  if (found === null)
    throw binding.errorAtOffset(offset, '42P01', `relation "${shownName(schema, name)}" does not exist`);
  if (found.kind === 'system' && isSystemView(found.view)) {
    return SYSTEM_VIEWS[found.view].map((f) => [f.name, formatType(f.type), 'yes', null, null, null]);
  }
  if (found.kind !== 'relation')
    throw binding.errorAtOffset(offset, '0A000', `relation "${name}" is not served yet`);
  const { definition } = found;
  if (definition.kind === 'sink') {
    return definition.plan.columns.map((f) => [f.name, formatType(f.type), 'yes', null, null, null]);
  }
  const names = definition.columns.map((c) => c.name);
  return definition.columns.map((c, i) => [
    c.name,
    formatType(c.type),
    c.notNull ? 'no' : 'yes',
    c.defaultValue === null ? null : expressionText(c.defaultValue, names),
    extraOf(definition, c, i, names),
    c.comment,
  ]);
}

function extraOf(
  definition: RelationDefinition,
  c: ColumnDefinition,
  i: number,
  names: readonly string[],
): string | null {
  const parts: string[] = [];
  if (definition.kind === 'table' && definition.primaryKey.includes(i)) parts.push('primary key');
  if (definition.kind === 'stream' && definition.watermark?.column === i) {
    parts.push(`watermark ${watermarkText(definition.columns, definition.watermark) ?? ''}`);
  }
  if (c.generated !== null) parts.push(`generated as ${expressionText(c.generated, names)}`);
  return parts.length === 0 ? null : parts.join(', ');
}
