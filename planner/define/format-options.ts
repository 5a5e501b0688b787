/** FORMAT JSON | CSV | TEXT (option = value, …). 22023 for what a format does not know. */
import type { FormatOptions } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import type { FormatSyntax, OptionSyntax } from '../parse/statement-syntax.ts';
import { OptionReader } from './connector-options.ts';

const NAMES: Readonly<Record<FormatOptions['format'], readonly string[]>> = {
  json: ['timestamp_unit'],
  csv: ['header', 'delimiter', 'null', 'timestamp_unit'],
  text: ['null', 'timestamp_unit'],
};

/** They may stand in WITH (…) too, beside the connector's. */
export const FORMAT_OPTIONS: readonly string[] = [...new Set(Object.values(NAMES).flat())];

const isFormat = (name: string): name is FormatOptions['format'] => Object.hasOwn(NAMES, name);

const UNITS = ['s', 'ms', 'us'] as const;

export function readFormat(
  binding: BindingContext,
  syntax: FormatSyntax | null,
  connectorOptions: readonly OptionSyntax[],
): FormatOptions {
  const format = syntax?.name ?? 'json';
  if (!isFormat(format)) {
    throw binding.errorAtOffset(
      syntax?.offset ?? 0,
      '22023',
      `unrecognized format "${format}"`,
      `Valid formats are ${Object.keys(NAMES).join(', ')}.`,
    );
  }
  const reader = new OptionReader(binding, [
    ...(syntax?.options ?? []),
    ...connectorOptions.filter((o) => FORMAT_OPTIONS.includes(o.name)),
  ]);
  reader.allow(NAMES[format]);
  const delimiter = reader.text('delimiter') ?? ',';
  const unit = reader.text('timestamp_unit');
  const timestampUnit = UNITS.find((u) => u === unit) ?? null;
  if (unit !== null && timestampUnit === null) {
    throw binding.errorAtOffset(
      reader.get('timestamp_unit')?.offset ?? 0,
      '22023',
      `invalid value for option "timestamp_unit": "${unit}"`,
      "Valid values are 's', 'ms' and 'us'.",
    );
  }
  if ([...delimiter].length !== 1 || delimiter === '"' || delimiter === '\n' || delimiter === '\r') {
    throw binding.errorAtOffset(
      reader.get('delimiter')?.offset ?? 0,
      '22023',
      'option "delimiter" must be a single character other than a quote or newline',
    );
  }
  return {
    format,
    header: reader.boolean('header', false),
    delimiter,
    nullText: reader.text('null') ?? '',
    timestampUnit,
  };
}
