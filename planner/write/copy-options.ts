/** Options of COPY, with PostgreSQL's checks and words. */
import type { Node } from 'libpg-query';
import type { BindingContext } from '../bind/binding-context.ts';
import { optionValue } from '../define/create-view.ts';
import type { CopyOptions } from '../statement.ts';

export type CopySettings = Readonly<{ options: CopyOptions; ignoreErrors: boolean }>;

const REFUSED: ReadonlySet<string> = new Set([
  'force_quote',
  'force_not_null',
  'force_null',
  'freeze',
  'default',
  'reject_limit',
]);
const KNOWN: ReadonlySet<string> = new Set([
  'format',
  'header',
  'delimiter',
  'null',
  'quote',
  'escape',
  'encoding',
  'on_error',
  'log_verbosity',
]);

export function readCopyOptions(
  binding: BindingContext,
  nodes: readonly Node[],
  isFrom: boolean,
): CopySettings {
  const given = new Map<string, Readonly<{ value: string | null; location: number | undefined }>>();
  for (const node of nodes) {
    if (!('DefElem' in node)) continue;
    const { defname = '', arg, location } = node.DefElem;
    if (REFUSED.has(defname))
      throw binding.error(location, '0A000', `COPY option "${defname}" is not supported`);
    if (!KNOWN.has(defname)) throw binding.error(location, '42601', `option "${defname}" not recognized`);
    if (given.has(defname)) throw binding.error(location, '42601', 'conflicting or redundant options');
    given.set(defname, { value: optionValue(arg), location });
  }
  const fail = (name: string, code: '42601' | '22023' | '0A000', message: string): Error =>
    binding.error(given.get(name)?.location ?? -1, code, message);
  const format = given.get('format')?.value ?? 'text';
  if (format !== 'text' && format !== 'csv' && format !== 'binary')
    throw fail('format', '22023', `COPY format "${format}" not recognized`);
  const text = (name: string, fallback: string): string => given.get(name)?.value ?? fallback;
  const header = readHeader(given.get('header'), fail);
  const isCsv = format === 'csv';
  for (const name of ['delimiter', 'null', 'header']) {
    if (format === 'binary' && given.has(name))
      throw binding.error(-1, '42601', `cannot specify ${name.toUpperCase()} in BINARY mode`);
  }
  const delimiter = text('delimiter', isCsv ? ',' : '\t');
  const nullText = text('null', isCsv ? '' : '\\N');
  const quote = text('quote', '"');
  const escapeCharacter = text('escape', quote);
  if (Buffer.byteLength(delimiter) !== 1)
    throw binding.error(-1, '0A000', 'COPY delimiter must be a single one-byte character');
  if (/[\r\n]/.test(delimiter))
    throw binding.error(-1, '22023', 'COPY delimiter cannot be newline or carriage return');
  if (/[\r\n]/.test(nullText))
    throw binding.error(-1, '22023', 'COPY null representation cannot use newline or carriage return');
  if (!isCsv && /[\\.a-z0-9]/.test(delimiter))
    throw binding.error(-1, '22023', `COPY delimiter cannot be "${delimiter}"`);
  for (const name of ['quote', 'escape'] as const) {
    if (given.has(name) && !isCsv)
      throw binding.error(-1, '0A000', `COPY ${name.toUpperCase()} requires CSV mode`);
    if (Buffer.byteLength(name === 'quote' ? quote : escapeCharacter) !== 1)
      throw binding.error(-1, '0A000', `COPY ${name} must be a single one-byte character`);
  }
  if (isCsv && delimiter === quote)
    throw binding.error(-1, '22023', 'COPY delimiter and quote must be different');
  if (nullText.includes(delimiter))
    throw binding.error(-1, '22023', 'COPY delimiter character must not appear in the NULL specification');
  if (isCsv && nullText.includes(quote))
    throw binding.error(-1, '22023', 'CSV quote character must not appear in the NULL specification');
  const encoding = text('encoding', 'utf8').toLowerCase().replaceAll('-', '');
  if (encoding !== 'utf8' && encoding !== 'unicode' && encoding !== 'sql_ascii') {
    throw fail('encoding', '0A000', `encoding "${text('encoding', '')}" is not supported: all text is UTF8`);
  }
  return {
    options: { format, header, delimiter, nullText, quote, escape: escapeCharacter },
    ignoreErrors: readOnError(text('on_error', 'stop'), given.has('on_error'), isFrom, format, fail),
  };
}

type Fail = (name: string, code: '42601' | '22023' | '0A000', message: string) => Error;

function readHeader(option: Readonly<{ value: string | null }> | undefined, fail: Fail): boolean {
  if (option === undefined) return false;
  const value = option.value?.toLowerCase() ?? 'true';
  if (['true', 'on', '1'].includes(value)) return true;
  if (['false', 'off', '0'].includes(value)) return false;
  if (value === 'match') throw fail('header', '0A000', 'HEADER MATCH is not supported');
  throw fail('header', '42601', 'header requires a Boolean value or "match"');
}

function readOnError(value: string, given: boolean, isFrom: boolean, format: string, fail: Fail): boolean {
  if (given && !isFrom) throw fail('on_error', '42601', 'COPY ON_ERROR cannot be used with COPY TO');
  if (value === 'stop') return false;
  if (value !== 'ignore') throw fail('on_error', '22023', `COPY ON_ERROR "${value}" not recognized`);
  if (format === 'binary') throw fail('on_error', '42601', 'only ON_ERROR STOP is allowed in BINARY mode');
  return true;
}
