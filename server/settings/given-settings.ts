/** What the command line and the environment say, before it is known to be valid. */
import { parseArgs } from 'node:util';
import { unreachable } from '../../common/assert.ts';
import { nearestNames } from '../../common/nearest-name.ts';
import { SETTING_DEFINITIONS, settingHint, settingNamed } from './all-settings.ts';
import { ConfigError } from './config-error.ts';
import type { SettingDefinition } from './setting-definition.ts';

/** A text for a setting, and where it stands. */
export type Given = Readonly<{
  definition: SettingDefinition;
  text: string;
  source: 'file' | 'alter-system' | 'environment' | 'flag';
  /** for messages: `--pg-port`, `MILLRACE_PG_PORT`, `millrace.conf line 3: port =` */
  where: string;
  file: string | null;
  line: number | null;
}>;

const isSwitch = (definition: SettingDefinition): boolean => definition.kind.type === 'bool';
const NEGATION = 'no-';
const SETTABLE = SETTING_DEFINITIONS.filter((definition) => definition.context !== 'internal');
const BY_FLAG: ReadonlyMap<string, SettingDefinition> = new Map(SETTABLE.map((d) => [d.flag, d]));

const OPTIONS = Object.fromEntries<{ type: 'string' | 'boolean'; multiple?: boolean; short?: string }>([
  ...SETTABLE.map((d) => [d.flag, { type: isSwitch(d) ? 'boolean' : 'string' }] as const),
  ['help', { type: 'boolean', short: 'h' }],
  ['set', { type: 'string', short: 'c', multiple: true }],
]);

/** Flags: `--name value` of any setting, `--name` and `--no-name` of switches, `-c name=value`. null: --help. */
export function givenOnCommandLine(argv: readonly string[]): readonly Given[] | null {
  const { values, tokens } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    strict: false,
    allowNegative: true,
    allowPositionals: true,
    tokens: true,
  });
  if (values['help'] === true) return null;
  return tokens.flatMap((token) => {
    switch (token.kind) {
      case 'option-terminator':
        return [];
      case 'positional':
        throw misused(`unexpected argument '${token.value}'`);
      case 'option':
        return [givenByOption(token)];
      default:
        return unreachable(token);
    }
  });
}

type OptionToken = Readonly<{
  name: string;
  rawName: string;
  value: string | undefined;
  inlineValue: boolean | undefined;
}>;

function givenByOption({ name, rawName, value, inlineValue }: OptionToken): Given {
  const isText = value !== undefined && value !== '' && (inlineValue === true || !value.startsWith('-'));
  if (name === 'set') {
    if (isText) return assignment(value);
    throw misused(`option '${rawName}' needs name=value`);
  }
  const definition = BY_FLAG.get(name);
  const negated = rawName.startsWith(`--${NEGATION}`);
  if (definition === undefined || (negated && !isSwitch(definition))) throw unknownFlag(rawName);
  const given = { definition, source: 'flag', where: rawName, file: null, line: null } as const;
  if (isSwitch(definition)) {
    if (value !== undefined) throw misused(`option '${rawName}' takes no value`);
    return { ...given, text: negated ? 'off' : 'on' };
  }
  if (!isText) throw misused(`option '${rawName}' needs a value`);
  return { ...given, text: value };
}

function assignment(text: string): Given {
  const equals = text.indexOf('=');
  const name = text.slice(0, equals).trim();
  const definition = settingNamed(name);
  if (equals < 1) throw misused(`-c ${text} is not name=value`);
  if (definition === undefined) throw unknownName(`-c ${name}`, name);
  const value = text.slice(equals + 1).trim();
  return { definition, text: value, source: 'flag', where: `-c ${name}`, file: null, line: null };
}

const misused = (message: string): ConfigError => new ConfigError(`${message} (--help lists the options)`);

function unknownFlag(rawName: string): ConfigError {
  const [near] = nearestNames(rawName.replace(/^--(no-)?/, ''), BY_FLAG.keys());
  return misused(`unknown option '${rawName}'${near === undefined ? '' : `: perhaps you meant --${near}`}`);
}

export function unknownName(where: string, name: string): ConfigError {
  const hint = settingHint(name);
  return new ConfigError(`${where} is no setting${hint === undefined ? '' : `: p${hint.slice(1, -1)}`}`);
}

const VARIABLE_PREFIX = 'MILLRACE_';
const variableOf = (flag: string): string =>
  `${VARIABLE_PREFIX}${flag.replaceAll('-', '_').replaceAll('.', '_').toUpperCase()}`;

/** Both spellings of a switch: MILLRACE_DEMO=0, MILLRACE_NO_DEMO=1. */
const BY_VARIABLE = new Map<string, Readonly<{ definition: SettingDefinition; negated: boolean }>>(
  SETTABLE.flatMap((definition) => [
    [variableOf(definition.flag), { definition, negated: false }] as const,
    ...(isSwitch(definition)
      ? [[variableOf(`${NEGATION}${definition.flag}`), { definition, negated: true }] as const]
      : []),
  ]),
);

/** Not settings: the first password, which nobody is to read again, tests' own, and what Kubernetes tells every container of a service that is named millrace. */
const FOREIGN = /^MILLRACE_(?:PASSWORD$|TEST_|SERVICE_|PORT(?:_\d|$))/;

export type Environment = Readonly<Record<string, string | undefined>>;

export function givenInEnvironment(environment: Environment): readonly Given[] {
  return Object.entries(environment).flatMap(([variable, value]) => {
    if (!variable.startsWith(VARIABLE_PREFIX) || value === undefined || value === '') return [];
    const known = BY_VARIABLE.get(variable);
    if (known === undefined) {
      if (FOREIGN.test(variable)) return [];
      const [near] = nearestNames(variable, BY_VARIABLE.keys());
      const hint = near === undefined ? '' : `: perhaps you meant ${near}`;
      throw new ConfigError(`variable ${variable} is no setting${hint}`);
    }
    const { definition, negated } = known;
    const text = negated ? negate(definition, value, variable) : value;
    return [{ definition, text, source: 'environment', where: variable, file: null, line: null }];
  });
}

function negate(definition: SettingDefinition, value: string, variable: string): string {
  const parsed = definition.kind.parse(value);
  if (parsed === null) throw new ConfigError(`${variable} ${value} is not ${definition.kind.takes}`);
  return parsed === true ? 'off' : 'on';
}
