/** Options of COPY, with PostgreSQL's checks and words, in its order. */
import type { Node } from 'libpg-query';
import type { SqlState } from '../../common/sql-state.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { stringOf } from '../bind/tree.ts';
import { optionValue } from '../define/create-view.ts';
import type { CopyOptions, CopyVerbosity } from '../statement.ts';

/** Columns that an option names. */
export type NamedColumns = 'all' | readonly string[];

export type CopySettings = Readonly<{
  options: CopyOptions;
  headerMatches: boolean;
  defaultText: string | null;
  forceNull: NamedColumns;
  forceNotNull: NamedColumns;
  ignoreErrors: boolean;
  /** null: no limit */
  rejectsMax: number | null;
  verbosity: CopyVerbosity;
}>;

const KNOWN: ReadonlySet<string> = new Set([
  'format',
  'header',
  'delimiter',
  'null',
  'default',
  'quote',
  'escape',
  'force_quote',
  'force_not_null',
  'force_null',
  'freeze',
  'encoding',
  'on_error',
  'reject_limit',
  'log_verbosity',
]);

type Given = ReadonlyMap<string, Readonly<{ arg: Node | undefined; location: number | undefined }>>;
type Fail = (code: SqlState, message: string, name?: string, hint?: string) => Error;

export function readCopyOptions(
  binding: BindingContext,
  nodes: readonly Node[],
  isFrom: boolean,
): CopySettings {
  const given = givenOptions(binding, nodes);
  const fail: Fail = (code, message, name = '', hint = undefined) =>
    binding.error(given.get(name)?.location ?? -1, code, message, hint);
  const text = (name: string): string | null => {
    const option = given.get(name);
    return option === undefined ? null : optionValue(option.arg);
  };
  const format = text('format') ?? 'text';
  if (format !== 'text' && format !== 'csv' && format !== 'binary')
    throw fail('22023', `COPY format "${format}" not recognized`, 'format');
  requireFreeze(text('freeze'), given.has('freeze'), fail);
  const header = readHeader(text('header'), given.has('header'), isFrom, fail);
  const onError = readOnError(text('on_error') ?? 'stop', given.has('on_error'), isFrom, fail);
  const rejectsMax = readRejectLimit(text('reject_limit'), fail);
  const verbosity = readVerbosity(text('log_verbosity') ?? 'default', fail);
  readEncoding(text('encoding'), fail);
  if (format === 'binary') requireNoneOf(given, fail);
  const isCsv = format === 'csv';
  const quote = text('quote') ?? '"';
  const marks = {
    delimiter: text('delimiter') ?? (isCsv ? ',' : '\t'),
    nullText: text('null') ?? (isCsv ? '' : '\\N'),
    quote,
    escape: text('escape') ?? quote,
  };
  const defaultText = text('default');
  requireMarks(marks, defaultText, isCsv, given, fail);
  const forced = (name: string): NamedColumns => namedColumns(given.get(name)?.arg);
  requireForced(isCsv, isFrom, given, fail);
  requireApart(marks, defaultText, isCsv, isFrom, fail);
  if (format === 'binary' && onError) throw fail('42601', 'only ON_ERROR STOP is allowed in BINARY mode');
  if (rejectsMax !== null && !onError)
    throw fail('22023', 'COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE');
  return {
    options: { format, header: header !== 'none', ...marks, forceQuote: forced('force_quote') },
    headerMatches: header === 'match',
    defaultText,
    forceNull: forced('force_null'),
    forceNotNull: forced('force_not_null'),
    ignoreErrors: onError,
    rejectsMax,
    verbosity,
  };
}

function givenOptions(binding: BindingContext, nodes: readonly Node[]): Given {
  const given = new Map<string, Readonly<{ arg: Node | undefined; location: number | undefined }>>();
  for (const node of nodes) {
    if (!('DefElem' in node)) continue;
    const { defname = '', arg, location } = node.DefElem;
    if (!KNOWN.has(defname)) throw binding.error(location, '42601', `option "${defname}" not recognized`);
    if (given.has(defname)) throw binding.error(location, '42601', 'conflicting or redundant options');
    given.set(defname, { arg, location });
  }
  return given;
}

const readBoolean = (text: string | null): boolean | null => {
  const value = text?.toLowerCase() ?? 'true';
  if (['true', 'on', '1'].includes(value)) return true;
  return ['false', 'off', '0'].includes(value) ? false : null;
};

function requireFreeze(text: string | null, isGiven: boolean, fail: Fail): void {
  if (!isGiven) return;
  const value = readBoolean(text);
  if (value === null) throw fail('42601', 'freeze requires a Boolean value', 'freeze');
  if (value)
    throw fail(
      '0A000',
      'COPY FREEZE is not supported',
      'freeze',
      'There is no VACUUM to be spared: leave it out.',
    );
}

function readHeader(
  text: string | null,
  isGiven: boolean,
  isFrom: boolean,
  fail: Fail,
): 'none' | 'skip' | 'match' {
  if (!isGiven) return 'none';
  if (text?.toLowerCase() === 'match') {
    if (isFrom) return 'match';
    throw fail('0A000', 'cannot use "match" with HEADER in COPY TO');
  }
  const value = readBoolean(text);
  if (value === null) throw fail('42601', 'header requires a Boolean value or "match"');
  return value ? 'skip' : 'none';
}

function readOnError(value: string, isGiven: boolean, isFrom: boolean, fail: Fail): boolean {
  if (isGiven && !isFrom) throw fail('22023', 'COPY ON_ERROR cannot be used with COPY TO', 'on_error');
  if (value === 'stop') return false;
  if (value !== 'ignore') throw fail('22023', `COPY ON_ERROR "${value}" not recognized`, 'on_error');
  return true;
}

function readRejectLimit(text: string | null, fail: Fail): number | null {
  if (text === null) return null;
  const limit = /^[+-]?\d+$/.test(text) ? Number(text) : null;
  if (limit === null) throw fail('22P02', `invalid input syntax for type bigint: "${text}"`);
  if (limit <= 0) throw fail('22023', `REJECT_LIMIT (${limit}) must be greater than zero`);
  return limit;
}

function readVerbosity(value: string, fail: Fail): CopyVerbosity {
  if (value === 'silent' || value === 'default' || value === 'verbose') return value;
  throw fail('22023', `COPY LOG_VERBOSITY "${value}" not recognized`, 'log_verbosity');
}

function readEncoding(text: string | null, fail: Fail): void {
  const encoding = text?.toLowerCase().replaceAll(/[^a-z0-9]/g, '') ?? 'utf8';
  if (encoding === 'utf8' || encoding === 'unicode' || encoding === 'sqlascii') return;
  const message = `encoding "${text}" is not supported: all text is UTF8`;
  throw fail('0A000', message, 'encoding', 'Convert the data to UTF8, with iconv for example.');
}

function requireNoneOf(given: Given, fail: Fail): void {
  for (const name of ['delimiter', 'null', 'default', 'header']) {
    const code = name === 'header' ? '0A000' : '42601';
    if (given.has(name)) throw fail(code, `cannot specify ${name.toUpperCase()} in BINARY mode`);
  }
}

type Marks = Pick<CopyOptions, 'delimiter' | 'nullText' | 'quote' | 'escape'>;

/** Each by itself. */
function requireMarks(
  { delimiter, nullText, quote, escape: escaping }: Marks,
  defaultText: string | null,
  isCsv: boolean,
  given: Given,
  fail: Fail,
): void {
  const isByte = (text: string): boolean => Buffer.byteLength(text) === 1;
  if (!isByte(delimiter)) throw fail('0A000', 'COPY delimiter must be a single one-byte character');
  if (/[\r\n]/.test(delimiter)) throw fail('22023', 'COPY delimiter cannot be newline or carriage return');
  if (/[\r\n]/.test(nullText))
    throw fail('22023', 'COPY null representation cannot use newline or carriage return');
  if (defaultText !== null && /[\r\n]/.test(defaultText))
    throw fail('22023', 'COPY default representation cannot use newline or carriage return');
  if (!isCsv && /[\\.a-z0-9]/.test(delimiter)) throw fail('22023', `COPY delimiter cannot be "${delimiter}"`);
  if (!isCsv && given.has('quote')) throw fail('0A000', 'COPY QUOTE requires CSV mode');
  if (isCsv && !isByte(quote)) throw fail('0A000', 'COPY quote must be a single one-byte character');
  if (isCsv && delimiter === quote) throw fail('22023', 'COPY delimiter and quote must be different');
  if (!isCsv && given.has('escape')) throw fail('0A000', 'COPY ESCAPE requires CSV mode');
  if (isCsv && !isByte(escaping)) throw fail('0A000', 'COPY escape must be a single one-byte character');
}

function requireForced(isCsv: boolean, isFrom: boolean, given: Given, fail: Fail): void {
  for (const [name, code, forFrom] of [
    ['force_quote', '0A000', false],
    ['force_not_null', '22023', true],
    ['force_null', '22023', true],
  ] as const) {
    if (!given.has(name)) continue;
    const shown = `COPY ${name.toUpperCase()}`;
    if (!isCsv) throw fail('0A000', `${shown} requires CSV mode`);
    if (isFrom !== forFrom) throw fail(code, `${shown} cannot be used with COPY ${isFrom ? 'FROM' : 'TO'}`);
  }
}

/** One must not be taken for another. */
function requireApart(
  { delimiter, nullText, quote }: Marks,
  defaultText: string | null,
  isCsv: boolean,
  isFrom: boolean,
  fail: Fail,
): void {
  if (nullText.includes(delimiter))
    throw fail('22023', 'COPY delimiter character must not appear in the NULL specification');
  if (isCsv && nullText.includes(quote))
    throw fail('22023', 'CSV quote character must not appear in the NULL specification');
  if (defaultText === null) return;
  if (!isFrom) throw fail('0A000', 'COPY DEFAULT cannot be used with COPY TO');
  if (defaultText.includes(delimiter))
    throw fail('0A000', 'COPY delimiter character must not appear in the DEFAULT specification');
  if (isCsv && defaultText.includes(quote))
    throw fail('0A000', 'CSV quote character must not appear in the DEFAULT specification');
  if (defaultText === nullText)
    throw fail('0A000', 'NULL specification and DEFAULT specification cannot be the same');
}

function namedColumns(arg: Node | undefined): NamedColumns {
  if (arg === undefined) return [];
  if ('A_Star' in arg) return 'all';
  return 'List' in arg ? (arg.List.items ?? []).map(stringOf) : [];
}
