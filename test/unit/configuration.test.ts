/** Settings from the command line, the environment, files and ALTER SYSTEM: which wins, and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SETTING_DEFINITIONS } from '../../server/settings/all-settings.ts';
import { Configuration } from '../../server/settings/configuration.ts';
import { configurationLine, parseConfigurationFile } from '../../server/settings/configuration-file.ts';
import { canonicalText } from '../../server/settings/setting-kind.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const read = (argv: readonly string[], environment: Readonly<Record<string, string>> = {}): Configuration =>
  Configuration.read(['--data', directory, ...argv], environment)!;
const conf = (...lines: readonly string[]): void =>
  writeFileSync(join(directory, 'millrace.conf'), lines.join('\n'));

const settingsPage = readFileSync(new URL('../../docs/sql/settings.md', import.meta.url), 'utf8');

describe('the list of settings', () => {
  const ours = SETTING_DEFINITIONS.filter(({ name }) => name.startsWith('millrace.'));
  it.each(ours.map(({ name }) => name))('%s stands in docs/sql/settings.md', (name) => {
    expect(settingsPage).toMatch(new RegExp(`\\b${name.slice('millrace.'.length)}\\b`));
  });

  it.each(SETTING_DEFINITIONS.map((d) => [d.name, d] as const))('%s has a valid initial value', (_, d) => {
    expect(canonicalText(d.kind, d.initial)).toBe(d.initial);
    expect(d.description).toMatch(/^[A-Z].*\.$/);
  });

  it('has no name and no flag twice', () => {
    for (const key of ['name', 'flag'] as const) {
      const all = SETTING_DEFINITIONS.map((d) => d[key].toLowerCase());
      expect(all.filter((name, i) => all.indexOf(name) !== i)).toEqual([]);
    }
  });
});

describe('Configuration', () => {
  it('takes the command line before the environment, that before ALTER SYSTEM, that before the file', () => {
    conf(
      'port = 1',
      'millrace.http_port 2',
      "millrace.wal_sync = 'off'",
      'millrace.max_rate = 9 # rows',
      '# end',
    );
    const before = read([]);
    expect(before.config).toMatchObject({ pgPort: 1, httpPort: 2, walSync: 'off', maxRate: 9 });
    before.alterSystem('millrace.http_port', '3');
    before.alterSystem('MILLRACE.wal_sync', 'interval');
    expect(before.config.httpPort).toBe(2);
    const variables = { MILLRACE_WAL_SYNC: 'commit', MILLRACE_NO_DEMO: '1', MILLRACE_PG_PORT: '5' };
    const after = read(['--pg-port', '6', '-c', 'TimeZone=Asia/Tokyo'], variables);
    expect(after.config).toMatchObject({
      pgPort: 6,
      httpPort: 3,
      walSync: 'commit',
      maxRate: 9,
      demo: false,
    });
    expect(after.sessionDefaults.get('timezone')).toBe('Asia/Tokyo');
    expect(after.sessionDefaults.get('millrace.http_port')).toBe('3');
    expect(after.entry('millrace.http_port')).toMatchObject({ source: 'alter-system', line: 2 });
    after.alterSystemResetAll();
    expect(read([]).config).toMatchObject({ httpPort: 2, walSync: 'off' });
  });

  it('takes --help before anything else', () => {
    expect(Configuration.read(['--nosuch', '--help'], {})).toBeNull();
  });

  it('reads the file that --config names, which may say where the data is', () => {
    const file = join(directory, 'other.conf');
    writeFileSync(file, `data_directory = '${directory}/data'\nport = 7`);
    expect(Configuration.read(['--config', file], {})!.config).toMatchObject({
      pgPort: 7,
      dataDirectory: `${directory}/data`,
    });
    expect(() => Configuration.read([], { MILLRACE_CONFIG: join(directory, 'none') })).toThrow(/ENOENT/);
  });

  it.each([
    [['--prot', '1'], {}, /unknown option '--prot': perhaps you meant --port|unknown option '--prot'/],
    [['--no-demoo'], {}, /unknown option '--no-demoo': perhaps you meant --demo/],
    [['--no-data'], {}, /unknown option '--no-data'/],
    [['extra'], {}, /unexpected argument 'extra'/],
    [['--data'], {}, /option '--data' needs a value/],
    [['--data', '--demo'], {}, /option '--data' needs a value/],
    [['--demo=1'], {}, /option '--demo' takes no value/],
    [['--pg-port', '70000'], {}, /--pg-port 70000 is not a port \(0 to 65535\)/],
    [['-c', 'work_men=1'], {}, /-c work_men is no setting: perhaps you meant "work_mem"/],
    [['-c', 'work_mem'], {}, /is not name=value/],
    [['--server-version', '9.6'], {}, /--server-version 9.6 is not a version such as 18.0/],
    [['--block-size', '1'], {}, /unknown option '--block-size'/],
    [['--host', '0.0.0.0'], {}, /it needs TLS .* or --insecure/],
    [
      ['--max-connections', '3'],
      {},
      /superuser_reserved_connections \(3\) must be less than max_connections/,
    ],
    [['--ssl-min-protocol-version', 'TLSv1'], {}, /is not one of TLSv1.2, TLSv1.3/],
    [['--authentication-timeout', '0'], {}, /is not a duration from 1s to 10min/],
    [['--memory-limit', '1MB'], {}, /--memory-limit 1MB is not a size of at least 64MB/],
    [
      [],
      { MILLRACE_TICK_INTERVAL: 'soon' },
      /MILLRACE_TICK_INTERVAL soon is not a duration from 1ms to 1min/,
    ],
    [[], { MILLRACE_WAL_SYNC: 'maybe' }, /MILLRACE_WAL_SYNC maybe is not one of commit, interval, off/],
    [
      [],
      { MILLRACE_MEMORY_LIMT: '4GB' },
      /MILLRACE_MEMORY_LIMT is no setting: perhaps you meant MILLRACE_MEMORY_LIMIT/,
    ],
    [[], { MILLRACE_NO_DEMO: 'perhaps' }, /MILLRACE_NO_DEMO perhaps is not on or off/],
  ])('refuses %j %j', (flags, variables, message) => {
    expect(() => Configuration.read(flags, variables as Record<string, string>)).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['ports = 1', /line 1: ports is no setting: perhaps you meant "port"/],
    ['\nport = x', /line 2: port = x is not a port/],
    ['port', /line 1 is not "name = value"/],
    ["port = 'x", /line 1 is not "name = value"/],
    ['data_directory = /tmp', /line 1: data_directory cannot be set here/],
    ["block_size = '9'", /line 1: block_size cannot be set here/],
  ])('refuses a file with %j', (text, message) => {
    conf(text);
    expect(() => read([])).toThrow(message);
  });

  it('leaves variables alone that orchestrators and tests set', () => {
    const environment = {
      MILLRACE_PORT: 'tcp://10.0.0.1:5433',
      MILLRACE_SERVICE_HOST: '10.0.0.1',
      MILLRACE_TEST_PYTHON: 'x',
    };
    expect(read([], { ...environment, MILLRACE_PORT_5433_TCP_ADDR: '10.0.0.1' }).config.pgPort).toBe(5433);
  });

  it('reloads what may change while it runs, and says what waits for a start', () => {
    conf('port = 1', 'millrace.log_level = info');
    const configuration = read([]);
    conf('port = 2', 'millrace.log_level = error', "search_path = 'a, b'");
    expect(configuration.reload()).toEqual(['search_path', 'millrace.log_level']);
    expect(configuration.config).toMatchObject({ pgPort: 1, logLevel: 'error' });
    expect(configuration.sessionDefaults.get('search_path')).toBe('a, b');
    expect(configuration.entry('port')).toMatchObject({ text: '1', pendingRestart: true });
    conf('port = 1', 'millrace.log_level = loud');
    expect(() => configuration.reload()).toThrow(/loud/);
    expect(configuration.config.logLevel).toBe('error');
    conf('port = 1');
    expect(configuration.reload()).toEqual(['search_path', 'millrace.log_level']);
    expect(configuration.entry('port')).toMatchObject({ pendingRestart: false, source: 'file' });
  });

  it.each([
    ['nosuch', '1', '42704'],
    ['millrace.tick_intervall', '1', '42704'],
    ['block_size', '1', '55P02'],
    ['data_directory', '/', '55P02'],
    ['port', 'x', '22023'],
    // what only the next start would find out
    ['max_connections', '3', '22023'],
    ['listen_addresses', '0.0.0.0', '22023'],
  ])('ALTER SYSTEM SET %s = %s is %s', (name, value, code) => {
    const configuration = read([]);
    expect(() => configuration.alterSystem(name, value)).toThrow(expect.objectContaining({ code }));
  });

  it('takes back what stands in the way of a start, whatever else does', () => {
    const configuration = read([]);
    configuration.alterSystem('superuser_reserved_connections', '90');
    expect(() => configuration.alterSystem('max_connections', '50')).toThrow(
      expect.objectContaining({
        detail: 'superuser_reserved_connections (90) must be less than max_connections (50).',
      }),
    );
    conf('max_connections = 50');
    configuration.alterSystem('superuser_reserved_connections', null);
    expect(configuration.reload()).toEqual([]);
  });

  it('writes values that read back the same', () => {
    const configuration = read([]);
    const value = `a 'b' \\ "c"\n# d`;
    configuration.alterSystem('application_name', value);
    configuration.reload();
    expect(configuration.sessionDefaults.get('application_name')).toBe(value);
    expect(readFileSync(join(directory, 'millrace.auto.conf'), 'utf8').split('\n')).toHaveLength(3);
    configuration.alterSystem('application_name', null);
    expect(configuration.reload()).toEqual(['application_name']);
  });
});

describe('configuration files', () => {
  it('are read as PostgreSQL reads its own', () => {
    const text = "a=1\r\n b.c  'x # y' # z\n#d = 2\n\ne = 'it''s \\\\ \\n'\nf = 10MB";
    expect(parseConfigurationFile(text, 'f').map(({ name, value }) => [name, value])).toEqual([
      ['a', '1'],
      ['b.c', 'x # y'],
      ['e', "it's \\ \n"],
      ['f', '10MB'],
    ]);
    expect(parseConfigurationFile(configurationLine('g', ''), 'f')[0]?.value).toBe('');
  });
});
