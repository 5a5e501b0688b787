/** From the format of a stream or of a COPY to its decoder. */
import { unreachable } from '../../../common/assert.ts';
import { textFormat } from '../../../common/value-text.ts';
import type { IngestOptions, InputText } from '../../engine-client.ts';
import type { ColumnDefinition } from '../../plan/relation.ts';
import { ArrowDecoder } from './arrow-decoder.ts';
import { CopyBinaryDecoder } from './copy-binary-decoder.ts';
import type { DecodedField } from './decoded-columns.ts';
import { DelimitedDecoder } from './delimited-decoder.ts';
import { JsonArrayDecoder } from './json-array-decoder.ts';
import { JsonDecoder } from './json-decoder.ts';
import type { LineDecoder } from './line-decoder.ts';
import { TextLineDecoder } from './text-decoder.ts';

/**
 * `positions`: schema ordinals of a positional format's fields. `used`: ordinals somebody reads; null = all. Columns
 * with a default or generated are never rejected for being absent: the caller fills them.
 */
export function createDecoder(
  columns: readonly ColumnDefinition[],
  positions: readonly number[],
  format: IngestOptions['format'],
  used: ReadonlySet<number> | null,
  label: string,
  text?: InputText,
): LineDecoder {
  const fields = columns.map(
    (column, i): DecodedField => ({
      name: column.name,
      type: column.type,
      notNull: column.notNull && column.defaultValue === null && column.generated === null,
      used: used === null || used.has(i),
      hasDefault: column.defaultValue !== null,
    }),
  );
  switch (format.format) {
    case 'json':
      return new JsonDecoder(fields, format.timestampUnit);
    case 'csv': {
      const { delimiter, nullText, header, timestampUnit } = format;
      const csv = { delimiter, quote: '"', escape: '"', nullText, header, timestampUnit, label };
      return new DelimitedDecoder(fields, positions, csv, header);
    }
    case 'text':
      return new TextLineDecoder(fields, positions[0] ?? 0);
    case 'copy-text': {
      const { format: _, ...copy } = format;
      const lines = { ...copy, quote: null, escape: '\\', timestampUnit: null, label };
      return new DelimitedDecoder(fields, positions, lines, false, textFormat(text));
    }
    case 'copy-csv': {
      const { format: _, ...copy } = format;
      const lines = { ...copy, timestampUnit: null, label };
      return new DelimitedDecoder(fields, positions, lines, false, textFormat(text));
    }
    case 'copy-binary':
      return new CopyBinaryDecoder(fields, positions, label);
    case 'json-array':
      return new JsonArrayDecoder(fields, positions);
    case 'arrow':
      return new ArrowDecoder(fields, format.timestampUnit);
    default:
      return unreachable(format);
  }
}
