import { totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { parseDurationMs } from './session/setting-kinds.ts';

/** A mistake in flags or variables: one line on stderr, exit 1. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Config = Readonly<{
  host: string;
  pgPort: number;
  httpPort: number;
  dataDirectory: string;
  filesDirectory: string | null;
  demo: boolean;
  insecure: boolean;
  logLevel: string;
  tickIntervalMs: number;
  walSync: 'commit' | 'interval' | 'off';
  memoryLimitBytes: number;
  /** rows a second of each stream's sources; null: no limit */
  maxRate: number | null;
  backpressure: boolean;
}>;

export const USAGE = `usage: millrace [options]
  --pg-port N      port for PostgreSQL clients (5433; 0 = any free one)
  --http-port N    port for HTTP and WebSocket (8080; 0 = any free one)
  --host H         address to listen on (127.0.0.1)
  --data DIR       where data is kept (./data)
  --files DIR      where connectors of type file may read and write (nowhere)
  --memory-limit S what views and queries may hold, such as 4GB (a quarter of the memory)
  --no-demo        without the demo stream and view
  --insecure       allow an address that others can reach, though nobody is authenticated
  --help           this text
Each has a variable too: MILLRACE_PG_PORT, MILLRACE_DATA, MILLRACE_NO_DEMO=1 …
`;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const DEFAULT_TICK_INTERVAL_MS = 100;

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags win over variables. Gives null for --help. */
export function readConfig(argv: readonly string[], environment: Environment): Config | null {
  const flags = readFlags(argv);
  if (flags['help'] === true) return null;
  const given = (flag: string): string | undefined => {
    const value = flags[flag];
    return typeof value === 'string' ? value : variable(environment, flag);
  };
  const isSet = (flag: string): boolean =>
    flags[flag] === true || ['1', 'true', 'on', 'yes'].includes(variable(environment, flag) ?? '');
  const host = given('host') ?? '127.0.0.1';
  const insecure = isSet('insecure');
  if (!insecure && !isLoopback(host)) {
    throw new ConfigError(
      `--host ${host} can be reached from outside and nobody is authenticated: add --insecure to allow it`,
    );
  }
  return {
    host,
    insecure,
    pgPort: readPort('pg-port', given('pg-port') ?? '5433'),
    httpPort: readPort('http-port', given('http-port') ?? '8080'),
    dataDirectory: given('data') ?? './data',
    filesDirectory: given('files') ?? null,
    demo: !isSet('no-demo'),
    logLevel: oneOf('MILLRACE_LOG_LEVEL', variable(environment, 'log-level') ?? 'warn', LOG_LEVELS),
    tickIntervalMs: readTickInterval(variable(environment, 'tick-interval')),
    walSync: oneOf('MILLRACE_WAL_SYNC', variable(environment, 'wal-sync') ?? 'commit', [
      'commit',
      'interval',
      'off',
    ]),
    memoryLimitBytes: readMemoryLimit(given('memory-limit')),
    maxRate: readMaxRate(variable(environment, 'max-rate')),
    backpressure:
      oneOf('MILLRACE_BACKPRESSURE', variable(environment, 'backpressure') ?? 'on', ['on', 'off']) === 'on',
  };
}

const TEXT_FLAGS = ['pg-port', 'http-port', 'host', 'data', 'files', 'memory-limit'];
const SWITCHES = ['no-demo', 'insecure', 'help'];

function readFlags(argv: readonly string[]): Readonly<Record<string, string | boolean | undefined>> {
  const options = Object.fromEntries([
    ...TEXT_FLAGS.map((name) => [name, { type: 'string' }] as const),
    ...SWITCHES.map((name) => [name, { type: 'boolean' }] as const),
  ]);
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
    return values as Record<string, string | boolean | undefined>;
  } catch (error) {
    const [line = ''] = (error as Error).message.split('. ');
    throw new ConfigError(`${line.replace(/\.$/, '')} (--help lists the options)`);
  }
}

function variable(environment: Environment, flag: string): string | undefined {
  const value = environment[`MILLRACE_${flag.replaceAll('-', '_').toUpperCase()}`];
  return value === '' ? undefined : value;
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function readPort(flag: string, text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 0 && port <= 65_535)) throw new ConfigError(`--${flag} ${text} is not a port (0 to 65535)`);
  return port;
}

function oneOf<const T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) throw new ConfigError(`${name} ${value} is none of ${values.join(', ')}`);
  return found;
}

function readTickInterval(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TICK_INTERVAL_MS;
  const milliseconds = parseDurationMs(text);
  if (milliseconds === null || milliseconds < 1 || milliseconds > 60_000) {
    throw new ConfigError(`MILLRACE_TICK_INTERVAL ${text} is no duration from 1ms to 60s`);
  }
  return milliseconds;
}

function readMaxRate(text: string | undefined): number | null {
  if (text === undefined) return null;
  const rate = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(rate >= 0 && Number.isSafeInteger(rate)))
    throw new ConfigError(`MILLRACE_MAX_RATE ${text} is no number of rows a second`);
  return rate === 0 ? null : rate;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };
const MEMORY_LIMIT_LEAST = 64 * 2 ** 20;

function readMemoryLimit(text: string | undefined): number {
  if (text === undefined) return Math.max(Math.floor(totalmem() / 4), MEMORY_LIMIT_LEAST);
  const match = /^\s*(\d+)\s*([kMGT]B)?\s*$/.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * UNITS[match[2] ?? '']!;
  if (!(bytes >= MEMORY_LIMIT_LEAST))
    throw new ConfigError(`--memory-limit ${text} is not a size of at least 64MB`);
  return bytes;
}

/** What the settings table shows of the configuration. */
export function serverSettings(config: Config): ReadonlyMap<string, string> {
  return new Map([
    ['millrace.tick_interval', `${config.tickIntervalMs}ms`],
    ['millrace.wal_sync', config.walSync],
    ['millrace.memory_limit', `${config.memoryLimitBytes}`],
    ['millrace.max_rate', `${config.maxRate ?? 0}`],
    ['millrace.backpressure', config.backpressure ? 'on' : 'off'],
  ]);
}
