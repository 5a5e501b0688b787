/** How lines of delimited fields are read. */
import type { CopyMarks } from '../../engine-client.ts';
import type { TimestampUnit } from './epoch.ts';

export type DelimitedFormat = Readonly<{
  delimiter: string;
  /** csv: the quote; null: backslash escapes */
  quote: string | null;
  escape: string;
  nullText: string;
  /** the first line names the columns (csv streams: in any order) */
  header: boolean;
  timestampUnit: TimestampUnit | null;
  /** A plain number in a timestamp column is one of that unit (null: milliseconds). */
  epochNumbers: boolean;
  /** rejected rows and CONTEXT lines begin with it: `COPY tweets` */
  label: string;
  marks?: CopyMarks;
}>;
