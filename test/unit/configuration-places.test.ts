/** Every setting, in every place where it can be given: the same meaning, the same order of places, the same refusals. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SETTING_DEFINITIONS } from '../../server/settings/all-settings.ts';
import { configurationLine } from '../../server/settings/configuration-file.ts';
import { Configuration } from '../../server/settings/configuration.ts';
import type { SettingDefinition } from '../../server/settings/setting-definition.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-conf-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What they need beside them: TLS for an address that others reach, more connections than are kept back. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  listen_addresses: ['--ssl'],
  max_connections: ['--superuser-reserved-connections', '0'],
};
const PLACES = new Set(['data_directory', 'config_file']);

const settable = SETTING_DEFINITIONS.filter((d) => d.context !== 'internal' && !PLACES.has(d.name));

/** In words that are not canonical where there are such. */
const SAMPLES = [
  ...['off', 'TRUE', 'no', 'On', '17', '2 min', '2s', '1500ms', '65536 kB', '128MB', '1kB', '5', '0', '1'],
  ...['b', 'German, YMD', 'europe/paris', 'sql_standard', 'escape', 'warning', '0.0.0.0', '10.0.0.0/8, x:1'],
  ...['15.4', '17.2', 'utf8', 'unicode', 'Repeatable Read', 'serializable', 'a, "B c"', 'replica', 'always'],
];

function samplesOf({ kind, initial }: SettingDefinition): readonly string[] {
  const accepted = [...SAMPLES, ...(kind.values ?? [])].filter((text) => {
    const value = kind.parse(text);
    const canonical = value === null ? null : kind.format(value);
    return canonical !== null && text !== initial && (kind.only === undefined || canonical === kind.only);
  });
  return accepted.slice(0, 3);
}

/** Texts that are no value; a text may be anything. */
const wrongFor = ({ kind }: SettingDefinition): string | undefined =>
  ['nonsense', '-7', '99999999999999999999', '\u0001'].find((text) => kind.parse(text) === null);

const switched = (definition: SettingDefinition, text: string): string =>
  definition.kind.parse(text) === true ? `--${definition.flag}` : `--no-${definition.flag}`;
const flagOf = (definition: SettingDefinition, text: string): readonly string[] =>
  definition.kind.type === 'bool' ? [switched(definition, text)] : [`--${definition.flag}=${text}`];
const variableOf = ({ flag }: SettingDefinition): string =>
  `MILLRACE_${flag.replaceAll(/[-.]/g, '_').toUpperCase()}`;

/** A start with the setting given in one place. */
const GIVEN: Readonly<Record<string, (definition: SettingDefinition, text: string) => Configuration>> = {
  file: (definition, text) => {
    writeFileSync(join(directory, 'millrace.conf'), configurationLine(definition.name.toUpperCase(), text));
    return start(definition);
  },
  'alter-system': (definition, text) => {
    const before = start(definition);
    before.alterSystem(definition.name.toUpperCase(), text);
    return start(definition);
  },
  environment: (definition, text) => start(definition, [], { [variableOf(definition)]: text }),
  flag: (definition, text) => start(definition, flagOf(definition, text)),
  '-c': (definition, text) => start(definition, ['-c', `${definition.name}=${text}`]),
};

function start(
  { name }: SettingDefinition,
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Configuration {
  return Configuration.read(['--data', directory, ...(BESIDE[name] ?? []), ...flags], environment)!;
}

describe.each(settable.map((definition) => [definition.name, definition] as const))(
  '%s',
  (name, definition) => {
    const samples = samplesOf(definition);

    it('means the same wherever it is given', () => {
      if (definition.kind.only === undefined)
        expect(samples.length, `a sample of ${name} is missing`).toBeGreaterThan(0);
      for (const text of samples) {
        const canonical = definition.kind.format(definition.kind.parse(text));
        for (const [place, give] of Object.entries(GIVEN)) {
          const configuration = give(definition, text);
          expect(configuration.entry(name), `${place} ${text}`).toMatchObject({
            text: canonical,
            value: definition.kind.parse(canonical),
            source: place === '-c' ? 'flag' : place,
          });
          const shown = definition.confidential ? configuration.confidential : configuration.sessionDefaults;
          expect(shown.get(name.toLowerCase()), place).toBe(canonical);
          rmSync(join(directory, 'millrace.conf'), { force: true });
          rmSync(join(directory, 'millrace.auto.conf'), { force: true });
        }
      }
    });

    const wrong = wrongFor(definition);
    it.runIf(wrong !== undefined)('is refused where it is no value, with what it takes', () => {
      for (const [place, give] of Object.entries(GIVEN)) {
        // a switch on the command line has no value
        if (place === 'flag' && definition.kind.type === 'bool') continue;
        const { takes, values } = definition.kind;
        const words = place === 'alter-system' && values !== undefined ? values.join(', ') : takes;
        let told = '';
        try {
          give(definition, wrong!);
        } catch (error) {
          const { message, hint = '' } = error as { message: string; hint?: string };
          told = `${message} ${hint}`;
        }
        expect(told, place).toContain(words);
        expect(told.toLowerCase(), place).toMatch(
          new RegExp(
            place === 'environment' ? variableOf(definition).toLowerCase() : `${definition.flag}|${name}`,
            'i',
          ),
        );
        rmSync(join(directory, 'millrace.conf'), { force: true });
      }
    });

    it('mistyped, gets the nearest name in each place', () => {
      const typo = `${name.slice(0, -1)}${name.at(-1) === 'x' ? 'y' : 'x'}`;
      const near = expect.stringContaining('perhaps you meant');
      const conf = (): Configuration => {
        writeFileSync(join(directory, 'millrace.conf'), `${typo} = 1`);
        return start(definition);
      };
      expect(conf).toThrow(expect.objectContaining({ message: near }));
      rmSync(join(directory, 'millrace.conf'));
      const variable = `${variableOf(definition).slice(0, -1)}Q`;
      expect(() => start(definition, [], { [variable]: '1' })).toThrow(
        expect.objectContaining({ message: near }),
      );
      for (const flags of [[`--${definition.flag.slice(0, -1)}q`], ['-c', `${typo}=1`]])
        expect(() => start(definition, flags)).toThrow(expect.objectContaining({ message: near }));
      expect(() => start(definition).alterSystem(typo, '1')).toThrow(
        expect.objectContaining({ code: '42704', hint: expect.stringContaining('erhaps you meant') }),
      );
    });
  },
);

it('a file that can not be read as one is refused with its place', () => {
  const file = join(directory, 'other.conf');
  const read = (): unknown => Configuration.read(['--data', directory, '--config', file], {});
  for (const [bytes, message] of [
    [Buffer.from([0xff, 0xfe, 0x61]), /other\.conf/],
    [Buffer.from('port = 1\0'), /other\.conf line 1/],
    [Buffer.alloc(2 * 1024 * 1024, '# x\n'), /other\.conf/],
    [Buffer.from("include 'x.conf'"), /line 1: include is no setting/],
  ] as const) {
    writeFileSync(file, bytes);
    expect(read).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
    );
  }
  writeFileSync(file, '\ufeffport = 1\r\nport = 2');
  expect(Configuration.read(['--data', directory, '--config', file], {})!.config.pgPort).toBe(2);
  expect(() => Configuration.read(['--data', directory, '--config', directory], {})).toThrow(
    expect.objectContaining({ name: 'ConfigError' }),
  );
});
