import type { CreateStmt } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import { formatType } from '../../common/types.ts';
import type { ColumnDefinition, StreamDefinition, WatermarkDefinition } from '../../runtime/plan/relation.ts';
import { newlyOwned } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { clauseDuration, durationOfSyntax } from '../bind/window-specification.ts';
import type { StatementSyntax, WatermarkSyntax } from '../parse/statement-syntax.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { bindColumns } from './column-definitions.ts';
import { OptionReader, readConnector, writtenOptions } from './connector-options.ts';
import { FORMAT_OPTIONS, readFormat } from './format-options.ts';
import { existing, newName } from './names.ts';
import { CONNECTOR_RETENTION, parseRetention, STREAM_RETENTION } from './retention.ts';

type CreateStreamSyntax = Extract<StatementSyntax, { kind: 'create-stream' }>;

/** CREATE STREAM | SOURCE name (columns, WATERMARK FOR …) [WITH (…)] [FORMAT …]. */
export function planCreateStream(context: StatementContext, syntax: CreateStreamSyntax): Planned {
  const { binding } = context;
  const tag = 'CREATE STREAM';
  const create: CreateStmt = 'CreateStmt' in syntax.node ? syntax.node.CreateStmt : {};
  binding.parameters.refuse('Definitions take no parameters.');
  const name = newName(binding, create.relation ?? {});
  const taken = existing(binding, name, create.if_not_exists === true, tag);
  if (taken !== null) return planned(context, taken);
  const { columns, keyLocation } = bindColumns(binding, name.name, create);
  if (keyLocation !== null) {
    throw binding.error(
      keyLocation,
      '42P16',
      'streams have no primary key',
      'A stream keeps every row; keep the latest of each key in a materialized view, or use a table.',
    );
  }
  if (columns.length === 0)
    throw binding.error(create.relation?.location, '42P16', 'a stream needs at least one column');
  const reader = new OptionReader(binding, syntax.options);
  const source = readConnector(binding, reader, FORMAT_OPTIONS);
  const format = readFormat(binding, syntax.format, syntax.options);
  if (format.format === 'text' && columns.filter((c) => c.generated === null).length !== 1) {
    throw binding.errorAtOffset(syntax.format?.offset ?? 0, '42P16', 'FORMAT TEXT needs exactly one column');
  }
  const defaults = source.connector === 'log' ? STREAM_RETENTION : CONNECTOR_RETENTION;
  const object: StreamDefinition = {
    kind: 'stream',
    oid: binding.catalog.allocateOid(),
    ...name,
    comment: null,
    ...newlyOwned(binding, name.schema),
    columns,
    watermark: readWatermark(binding, columns, syntax.watermarks),
    source,
    format,
    retention: retentionOf(binding, reader, defaults),
    options: writtenOptions(syntax.options),
  };
  return planned(context, { kind: 'create', object, replaces: null, tag });
}

function retentionOf(binding: BindingContext, reader: OptionReader, defaults: StreamDefinition['retention']) {
  const option = reader.get('retention');
  if (option?.value == null) return defaults;
  try {
    return parseRetention(option.value, defaults.none ? { ...defaults, none: false } : defaults);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw binding.errorAtOffset(option.offset, error.code, error.message, error.hint);
  }
}

const TIME_TYPES: ReadonlySet<string> = new Set(['timestamptz', 'timestamp', 'date']);

function readWatermark(
  binding: BindingContext,
  columns: readonly ColumnDefinition[],
  clauses: readonly WatermarkSyntax[],
): WatermarkDefinition | null {
  const [clause, second] = clauses;
  if (clause === undefined) return null;
  if (second !== undefined)
    throw binding.errorAtOffset(second.offset, '42P16', 'a stream can have one watermark only');
  const column = columns.findIndex((c) => c.name === clause.column);
  const type = columns[column]?.type.name;
  if (type === undefined)
    throw binding.errorAtOffset(
      clause.offset,
      '42703',
      `column "${clause.column}" named in WATERMARK does not exist`,
    );
  if (!TIME_TYPES.has(type)) {
    throw binding.errorAtOffset(
      clause.offset,
      '42804',
      `the watermark column must be of type timestamp with time zone, timestamp or date, not ${formatType({ name: type })}`,
      'A generated column can cast it: GENERATED ALWAYS AS (…) STORED.',
    );
  }
  const delayMicros = clause.delay === null ? 0 : durationOfSyntax(binding, clause.delay, 'watermark delay');
  if (delayMicros < 0)
    throw binding.errorAtOffset(clause.offset, '22023', 'watermark delay must not be negative');
  return {
    column,
    delayMicros,
    idleAfterMicros:
      clause.idleAfter === null ? null : clauseDuration(binding, clause.idleAfter, 'IDLE AFTER'),
    maxSkewMicros: clause.maxSkew === null ? null : clauseDuration(binding, clause.maxSkew, 'MAX SKEW'),
  };
}
