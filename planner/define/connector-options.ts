/** WITH (connector = …): which names and values each connector takes. 22023 for others, naming the valid ones. */

import { SECRET_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import { parseTimestamptz } from '../../common/timestamp-parse.ts';
import type { ConnectorOptions } from '../../runtime/plan/relation.ts';
import { requireFiles, requireNetwork, requirePrivilege } from '../authorize/require.ts';
import type { OptionText } from '../../runtime/plan/secret.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { shownName } from '../bind/relation-lookup.ts';
import type { OptionSyntax } from '../parse/statement-syntax.ts';
import { requireSecret } from './secret-name.ts';
import { booleanOption, optionDuration, unknownOption } from '../physical/query-options.ts';

type Connector = ConnectorOptions['connector'];

/** Names beside `connector` and `retention`. */
const NAMES: Readonly<Record<Connector, readonly string[]>> = {
  log: [],
  file: ['path', 'follow', 'max_rate'],
  tcp: ['host', 'port', 'greeting'],
  generator: ['rate', 'rows', 'keys', 'disorder', 'late', 'seed', 'start'],
};

/** What may be `SECRET name`: texts that are sent, and that no error and no view shows. */
const SECRET_OPTIONS: readonly string[] = ['greeting'];

const isConnector = (name: string): name is Connector => Object.hasOwn(NAMES, name);

export class OptionReader {
  readonly #binding: BindingContext;
  readonly #given = new Map<string, OptionSyntax>();

  constructor(binding: BindingContext, options: readonly OptionSyntax[]) {
    this.#binding = binding;
    for (const option of options) {
      if (this.#given.has(option.name)) {
        throw binding.errorAtOffset(
          option.offset,
          '42601',
          `option "${option.name}" specified more than once`,
        );
      }
      if (option.secret !== undefined && !SECRET_OPTIONS.includes(option.name)) {
        throw binding.errorAtOffset(
          option.offset,
          '0A000',
          `option "${option.name}" takes no secret`,
          `Options that do are ${SECRET_OPTIONS.join(', ')}.`,
        );
      }
      this.#given.set(option.name, option);
    }
  }

  allow(names: readonly string[]): void {
    for (const option of this.#given.values()) {
      if (!names.includes(option.name)) throw unknownOption(this.#binding, option, names);
    }
  }

  get(name: string): OptionSyntax | undefined {
    return this.#given.get(name);
  }

  text(name: string): string | null {
    return this.#given.get(name)?.value ?? null;
  }

  /** 42704, 42501 where the secret may not be used; 54000. */
  sentText(name: string): OptionText | null {
    const option = this.#given.get(name);
    if (option === undefined) return null;
    const { value, secret, offset } = option;
    if (secret !== undefined) {
      const found = requireSecret(this.#binding, secret.schema, secret.name, secret.offset);
      requirePrivilege(this.#binding, found, 'U');
      return { kind: 'secret', secret: found.oid };
    }
    if (value === null) throw this.#binding.errorAtOffset(offset, '22023', `option "${name}" needs a value`);
    if (Buffer.byteLength(value) <= SECRET_BYTES_MAX) return { kind: 'text', text: value };
    const message = `option "${name}" is larger than ${SECRET_BYTES_MAX} bytes`;
    throw this.#binding.errorAtOffset(offset, '54000', message);
  }

  required(name: string, owner: string): string {
    const value = this.text(name);
    if (value !== null && value !== '') return value;
    throw this.#binding.error(-1, '22023', `${owner} needs option "${name}"`);
  }

  boolean(name: string, fallback: boolean): boolean {
    return booleanOption(this.#binding, this.#given.get(name), fallback);
  }

  number(name: string, low: number, high: number, integer = true): number | null {
    const option = this.#given.get(name);
    if (option === undefined) return null;
    const value = Number(option.value === null || option.value.trim() === '' ? Number.NaN : option.value);
    if (Number.isFinite(value) && value >= low && value <= high && (!integer || Number.isSafeInteger(value)))
      return value;
    const range = high === Number.MAX_SAFE_INTEGER ? `at least ${low}` : `between ${low} and ${high}`;
    throw this.#binding.errorAtOffset(
      option.offset,
      '22023',
      `option "${name}" must be ${integer ? 'an integer' : 'a number'} ${range}`,
    );
  }

  micros(name: string, fallback: number): number {
    const option = this.#given.get(name);
    return option === undefined ? fallback : optionDuration(this.#binding, option);
  }

  instant(name: string): number | null {
    const option = this.#given.get(name);
    if (option === undefined) return null;
    try {
      const { zone, style } = this.#binding.literals;
      const micros = parseTimestamptz(option.value ?? '', {
        zone,
        order: style.order,
        now: () => this.#binding.plan.now,
      });
      if (Number.isFinite(micros)) return micros;
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
    }
    throw this.#binding.errorAtOffset(option.offset, '22023', `option "${name}" must be a timestamp`);
  }
}

/** As they were written. */
export const writtenOptions = (options: readonly OptionSyntax[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    options.map(({ name, value, secret }) => [
      name,
      secret === undefined ? (value ?? 'true') : `SECRET ${shownName(secret.schema, secret.name)}`,
    ]),
  );

export function readConnector(
  binding: BindingContext,
  reader: OptionReader,
  formatOptions: readonly string[],
): ConnectorOptions {
  const connector = reader.get('connector');
  const name = connector?.value?.toLowerCase() ?? 'log';
  if (!isConnector(name) || (name === 'log' && connector !== undefined)) {
    const valid = Object.keys(NAMES)
      .filter((n) => n !== 'log')
      .join(', ');
    throw binding.errorAtOffset(
      connector?.offset ?? 0,
      '22023',
      `unrecognized connector "${name}"`,
      `Valid connectors are ${valid}; without one the stream is Millrace's own log.`,
    );
  }
  reader.allow(['connector', 'retention', ...NAMES[name], ...formatOptions]);
  const owner = `connector ${name}`;
  switch (name) {
    case 'log':
      return { connector: 'log' };
    case 'file':
      requireFiles(binding, 'read');
      return {
        connector: 'file',
        path: reader.required('path', owner),
        follow: reader.boolean('follow', true),
        maxRate: reader.number('max_rate', 1, Number.MAX_SAFE_INTEGER),
      };
    case 'tcp': {
      requireNetwork(binding);
      const port = reader.number('port', 1, 65535);
      if (port === null) throw binding.error(-1, '22023', 'connector tcp needs option "port"');
      const host = reader.text('host') ?? 'localhost';
      return { connector: 'tcp', host, port, greeting: reader.sentText('greeting') };
    }
    case 'generator':
      return {
        connector: 'generator',
        rate: reader.number('rate', 0.001, Number.MAX_SAFE_INTEGER, false),
        rows: reader.number('rows', 0, Number.MAX_SAFE_INTEGER),
        keys: reader.number('keys', 1, 100_000_000) ?? 100,
        disorderMicros: reader.micros('disorder', 0),
        late: reader.number('late', 0, 1, false) ?? 0,
        seed: reader.number('seed', 0, 0xffff_ffff) ?? 1,
        start: reader.instant('start'),
      };
  }
}
