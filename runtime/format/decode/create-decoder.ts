/** From the format of a stream or of a COPY to its decoder. */
import { unreachable } from '../../../common/assert.ts';
import { textFormat } from '../../../common/value-text.ts';
import type { IngestOptions, InputText } from '../../engine-client.ts';
import type { ColumnDefinition } from '../../plan/relation.ts';
import { ArrowDecoder } from './arrow-decoder.ts';
import { CopyBinaryDecoder } from './copy-binary-decoder.ts';
import type { DecodedField } from './decoded-columns.ts';
import { DelimitedDecoder } from './delimited-decoder.ts';
import type { DelimitedFormat } from './delimited-format.ts';
import type { TimestampUnit } from './epoch.ts';
import { JsonArrayDecoder } from './json-array-decoder.ts';
import { JsonDecoder } from './json-decoder.ts';
import type { LineDecoder } from './line-decoder.ts';
import { TextLineDecoder } from './text-decoder.ts';

/** What a plain number in a timestamp column of COPY counts, null: milliseconds; 'text': it is read as PostgreSQL does. */
type CopiedTimes = TimestampUnit | null | 'text';

const numbersAs = (times: CopiedTimes): Pick<DelimitedFormat, 'timestampUnit' | 'epochNumbers'> => ({
  timestampUnit: times === 'text' ? null : times,
  epochNumbers: times !== 'text',
});

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
  copiedTimes: CopiedTimes = null,
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
      const csv = {
        delimiter,
        quote: '"',
        escape: '"',
        nullText,
        header,
        timestampUnit,
        epochNumbers: true,
        label,
      };
      return new DelimitedDecoder(fields, positions, csv, header);
    }
    case 'text':
      return new TextLineDecoder(fields, positions[0] ?? 0);
    case 'copy-text': {
      const { format: _, ...copy } = format;
      const lines = { ...copy, ...numbersAs(copiedTimes), quote: null, escape: '\\', label };
      return new DelimitedDecoder(fields, positions, lines, false, textFormat(text));
    }
    case 'copy-csv': {
      const { format: _, ...copy } = format;
      const lines = { ...copy, ...numbersAs(copiedTimes), label };
      return new DelimitedDecoder(fields, positions, lines, false, textFormat(text));
    }
    case 'copy-binary':
      return new CopyBinaryDecoder(fields, positions, label);
    case 'json-array':
      return new JsonArrayDecoder(fields, positions, format.timestampUnit);
    case 'arrow':
      return new ArrowDecoder(fields, format.timestampUnit);
    default:
      return unreachable(format);
  }
}
