/**
 * The settings in force, from everywhere they can be given. Later ones win:
 *
 *   built in  <  millrace.conf (or --config FILE)  <  ALTER SYSTEM  <  environment  <  command line
 *
 * Each has a type; a name that is not known or a value that is none is refused, and says where it stands.
 */
import { join } from 'node:path';
import { SqlError } from '../../common/sql-error.ts';
import { writeWhole } from '../../common/whole-file.ts';
import { SETTING_DEFINITIONS, settingNamed } from './all-settings.ts';
import { ConfigError } from './config-error.ts';
import { configurationLine, type FileLine, readConfigurationFile } from './configuration-file.ts';
import {
  type Environment,
  type Given,
  givenInEnvironment,
  givenOnCommandLine,
  unknownName,
} from './given-settings.ts';
import { type Config, SERVER_SETTINGS } from './millrace-settings.ts';
import type { SettingDefinition } from './setting-definition.ts';
import { invalidSetting, unchangeableSetting, unrecognizedSetting } from './setting-errors.ts';

const FILE_NAME = 'millrace.conf';
/** Written by ALTER SYSTEM alone. */
const AUTO_FILE_NAME = 'millrace.auto.conf';
const AUTO_FILE_HEAD = '# Written by ALTER SYSTEM: edit millrace.conf instead.';
/** They say where the files are, so no file there can say them. */
const PLACES: ReadonlySet<string> = new Set([
  SERVER_SETTINGS.dataDirectory.name,
  SERVER_SETTINGS.configFile.name,
]);

const SERVER_KEYS = Object.keys(SERVER_SETTINGS) as readonly (keyof Config)[];

/** A value in force. */
export type SettingEntry = Readonly<{
  definition: SettingDefinition;
  /** canonical */
  text: string;
  value: unknown;
  source: Given['source'] | 'default';
  file: string | null;
  line: number | null;
  /** The configuration says another value by now, which the next start takes. */
  pendingRestart: boolean;
}>;

export class Configuration {
  readonly #commandLine: readonly Given[];
  readonly #environment: readonly Given[];
  #entries: ReadonlyMap<string, SettingEntry>;
  #config: Config;
  #sessionDefaults: ReadonlyMap<string, string>;
  #confidential: ReadonlyMap<string, string>;
  /** µs since 1970 */
  loadedAt: number;

  private constructor(commandLine: readonly Given[], environment: readonly Given[]) {
    this.#commandLine = commandLine;
    this.#environment = environment;
    this.#entries = this.#read();
    this.#config = configOf(this.#entries);
    this.#sessionDefaults = textsOf(this.#entries, false);
    this.#confidential = textsOf(this.#entries, true);
    this.loadedAt = Date.now() * 1_000;
  }

  /** null: --help was asked for. */
  static read(argv: readonly string[], environment: Environment): Configuration | null {
    const flags = givenOnCommandLine(argv);
    return flags === null ? null : new Configuration(flags, givenInEnvironment(environment));
  }

  get config(): Config {
    return this.#config;
  }

  /** By lower-case name; for those who may read all settings. */
  get confidential(): ReadonlyMap<string, string> {
    return this.#confidential;
  }

  /** What a session begins with: the text of every setting that is not confidential, by lower-case name. */
  get sessionDefaults(): ReadonlyMap<string, string> {
    return this.#sessionDefaults;
  }

  entry(name: string): SettingEntry | undefined {
    return this.#entries.get(name.toLowerCase());
  }

  /**
   * Reads the files again. What only a start can change stays; a mistake anywhere changes nothing (ConfigError).
   * Gives the names that changed.
   */
  reload(): readonly string[] {
    const fresh = this.#read();
    const changed: string[] = [];
    const merged = new Map<string, SettingEntry>();
    for (const [key, entry] of fresh) {
      const before = this.#entries.get(key)!;
      const differs = entry.text !== before.text;
      const keeps = differs && entry.definition.context === 'start';
      if (differs && !keeps) changed.push(entry.definition.name);
      merged.set(key, keeps ? { ...before, pendingRestart: true } : entry);
    }
    this.#entries = merged;
    this.#config = configOf(merged);
    this.#sessionDefaults = textsOf(merged, false);
    this.#confidential = textsOf(merged, true);
    this.loadedAt = Date.now() * 1_000;
    return changed;
  }

  /**
   * ALTER SYSTEM SET, or RESET where the value is null: the next reload takes it. `requireUsable` throws a ConfigError where a
   * setting of the server can't have the value that it has in these. 42704, 22023, 55P02.
   */
  alterSystem(
    name: string,
    value: string | null,
    requireUsable: (setting: keyof Config, config: Config) => void = () => {},
  ): void {
    const definition = settingNamed(name);
    if (definition === undefined) throw unrecognizedSetting(name);
    if (definition.context === 'internal' || PLACES.has(definition.name))
      throw unchangeableSetting(definition);
    if (value !== null && definition.kind.parse(value) === null) throw invalidSetting(definition, value);
    const lines = readConfigurationFile(this.#autoFile, false);
    const kept = lines.filter((line) => line.name.toLowerCase() !== definition.name.toLowerCase());
    const changed = [...kept, ...(value === null ? [] : [{ name: definition.name, value, line: 0 }])];
    if (value !== null) {
      refuseWhatStopsStart(() => {
        const config = configOf(this.#read(changed));
        const key = SERVER_KEYS.find((candidate) => SERVER_SETTINGS[candidate].name === definition.name);
        // a flag that says otherwise may be gone at the next start
        if (key !== undefined) requireUsable(key, { ...config, [key]: definition.kind.parse(value) });
      });
    }
    this.#writeAutoFile(changed);
  }

  alterSystemResetAll(): void {
    this.#writeAutoFile([]);
  }

  get #autoFile(): string {
    return join(this.config.dataDirectory, AUTO_FILE_NAME);
  }

  #writeAutoFile(lines: readonly Readonly<{ name: string; value: string }>[]): void {
    const text = [AUTO_FILE_HEAD, ...lines.map(({ name, value }) => configurationLine(name, value)), ''];
    try {
      writeWhole(this.#autoFile, text.join('\n'));
    } catch (error) {
      throw new SqlError('58030', `could not write file "${AUTO_FILE_NAME}"`, {
        detail: `${(error as NodeJS.ErrnoException).code ?? error}`,
      });
    }
  }

  /** `altered`: what ALTER SYSTEM is about to write; else what it has. */
  #read(altered: readonly FileLine[] | null = null): ReadonlyMap<string, SettingEntry> {
    const above = [...this.#environment, ...this.#commandLine];
    const explicit = lastOf(above, SERVER_SETTINGS.configFile.name);
    const named = explicit === undefined ? [] : readFile(explicit.text, true, []);
    const directory =
      lastOf([...named, ...above], SERVER_SETTINGS.dataDirectory.name)?.text ??
      SERVER_SETTINGS.dataDirectory.initial;
    const places = [...PLACES];
    const file = explicit === undefined ? readFile(join(directory, FILE_NAME), false, places) : named;
    const autoFile = join(directory, AUTO_FILE_NAME);
    const auto = givenIn(altered ?? readConfigurationFile(autoFile, false), autoFile, 'alter-system', places);
    const entries = new Map<string, SettingEntry>(
      SETTING_DEFINITIONS.map((d) => [d.name.toLowerCase(), initialEntry(d)]),
    );
    for (const given of [...file, ...auto, ...above]) {
      entries.set(given.definition.name.toLowerCase(), entryOf(given));
    }
    checkTogether(configOf(entries));
    return entries;
  }
}

/** What the next start would refuse is refused now. 22023 */
function refuseWhatStopsStart(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new SqlError('22023', 'the server would not start with these settings', {
      detail: `${error.message}.`,
    });
  }
}

const readFile = (path: string, required: boolean, refused: readonly string[]): readonly Given[] =>
  givenIn(readConfigurationFile(path, required), path, 'file', refused);

function givenIn(
  lines: readonly FileLine[],
  path: string,
  source: 'file' | 'alter-system',
  refused: readonly string[],
): readonly Given[] {
  return lines.map(({ name, value, line }) => {
    const definition = settingNamed(name);
    const where = `${path} line ${line}: ${name}`;
    if (definition === undefined) throw unknownName(where, name);
    if (definition.context === 'internal' || refused.includes(definition.name))
      throw new ConfigError(`${where} cannot be set here`);
    return { definition, text: value, source, where: `${where} =`, file: path, line };
  });
}

const lastOf = (given: readonly Given[], name: string): Given | undefined =>
  given.findLast((one) => one.definition.name === name);

function initialEntry(definition: SettingDefinition): SettingEntry {
  const { initial: text, kind } = definition;
  return {
    definition,
    text,
    value: kind.parse(text),
    source: 'default',
    file: null,
    line: null,
    pendingRestart: false,
  };
}

function entryOf({ definition, text, source, where, file, line }: Given): SettingEntry {
  const { kind } = definition;
  const value = kind.parse(text);
  if (value === null) throw new ConfigError(`${where} ${text} is not ${kind.takes}`);
  const canonical = kind.format(value);
  if (kind.only !== undefined && canonical !== kind.only)
    throw new ConfigError(`${where} ${text}: it can only be ${kind.only}`);
  return { definition, text: canonical, value, source, file, line, pendingRestart: false };
}

function configOf(entries: ReadonlyMap<string, SettingEntry>): Config {
  const values = Object.entries(SERVER_SETTINGS).map(
    ([key, { name }]) => [key, entries.get(name.toLowerCase())!.value] as const,
  );
  return Object.fromEntries(values) as Config;
}

const textsOf = (
  entries: ReadonlyMap<string, SettingEntry>,
  confidential: boolean,
): ReadonlyMap<string, string> =>
  new Map(
    [...entries].flatMap(([key, { definition, text }]) =>
      definition.confidential === confidential ? [[key, text] as const] : [],
    ),
  );

function checkTogether(config: Config): void {
  if (config.superuserConnections >= config.connectionsMax) {
    throw new ConfigError(
      `superuser_reserved_connections (${config.superuserConnections}) must be less than max_connections (${config.connectionsMax})`,
    );
  }
  if (!config.insecure && !isLoopback(config.host) && !config.ssl) {
    throw new ConfigError(
      `--host ${config.host} can be reached from outside: it needs TLS (--ssl, --ssl-cert-file, --ssl-key-file) ` +
        'and a password (MILLRACE_PASSWORD), or --insecure to allow all',
    );
  }
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
