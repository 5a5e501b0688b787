/** Millrace's own settings, and those of PostgreSQL's that say how the server runs. */
import { totalmem } from 'node:os';
import {
  booleanSetting,
  choice,
  duration,
  durationBetween,
  integer,
  port,
  type SettingKind,
  sizeBetween,
  textSetting,
} from './setting-kind.ts';
import { SECURITY_SETTINGS } from './security-settings.ts';
import { STATEMENT_BYTES_MAX } from '../../common/limits.ts';
import { STATEMENT_BYTES_LEAST } from '../limits.ts';
import { isHostEntry } from '../../runtime/engine.ts';
import { type SettingDefinition, setting } from './setting-definition.ts';

const MIB = 2 ** 20;
const MEMORY_LIMIT_LEAST = 64 * MIB;
const memoryLimit = sizeBetween(MEMORY_LIMIT_LEAST, Number.MAX_SAFE_INTEGER);
const quarterOfMemory = Math.max(Math.floor(totalmem() / 4 / MIB) * MIB, MEMORY_LIMIT_LEAST);

const rate: SettingKind<number> = integer(
  0,
  Number.MAX_SAFE_INTEGER,
  'a number of rows a second (0: no limit)',
);

const hostList: SettingKind<readonly string[]> = {
  type: 'string',
  takes: 'a list of names, addresses or ranges such as "feed.example:9999, 10.0.0.0/8"',
  parse: (text) => {
    const entries = text.split(',').map((entry) => entry.trim());
    if (entries.length === 1 && entries[0] === '') return [];
    return entries.every(isHostEntry) ? entries : null;
  },
  format: (entries) => entries.join(', '),
};

const user = <T>(
  name: string,
  kind: SettingKind<T>,
  initial: string,
  description: string,
): SettingDefinition => setting('user', name, kind, initial, description);

/** What a session can set for itself. */
export const SESSION_SETTINGS: readonly SettingDefinition[] = [
  user(
    'millrace.stream_format',
    choice('auto', 'copy', 'rows'),
    'auto',
    'How a continuous result reaches a client of the simple protocol.',
  ),
  user(
    'millrace.silence_notice',
    duration,
    '5s',
    'After this long without a row a continuous query says why; 0 turns it off.',
  ),
  user(
    'millrace.read_tick',
    choice('latest', 'latest-common'),
    'latest',
    'Whether queries that follow each other closely read one tick, so that the panels of a dashboard agree.',
  ),
  setting(
    'superuser',
    'millrace.result_rows_limit',
    integer(0, Number.MAX_SAFE_INTEGER),
    '0',
    'Rows that a finite result may have; 0 = any number.',
  ),
  setting(
    'superuser',
    'millrace.query_memory_limit',
    sizeBetween(0, Number.MAX_SAFE_INTEGER),
    '0B',
    'Memory that a query may hold; 0 = as much as all may hold together.',
  ),
  user(
    'millrace.sql_dialect',
    { ...choice('postgresql'), only: 'postgresql' },
    'postgresql',
    'The dialect in which statements are written.',
  ),
];

/** What the server is started with, by its place in `Config`. */
export const SERVER_SETTINGS = {
  ...SECURITY_SETTINGS,
  host: setting('start', 'listen_addresses', textSetting, '127.0.0.1', 'Sets the address to listen on.', {
    flag: 'host',
  }),
  pgPort: setting('start', 'port', port, '5433', 'Sets the port for PostgreSQL clients; 0 = any free one.', {
    flag: 'pg-port',
  }),
  httpPort: setting(
    'start',
    'millrace.http_port',
    port,
    '8080',
    'Port for HTTP and WebSocket; 0 = any free one.',
  ),
  dataDirectory: setting(
    'start',
    'data_directory',
    textSetting,
    './data',
    "Sets the server's data directory.",
    {
      flag: 'data',
      confidential: true,
    },
  ),
  configFile: setting('start', 'config_file', textSetting, '', "Sets the server's main configuration file.", {
    flag: 'config',
    confidential: true,
  }),
  filesDirectory: setting(
    'start',
    'millrace.files_directory',
    textSetting,
    '',
    'Where connectors of type file may read and write; empty = nowhere.',
    { flag: 'files', confidential: true },
  ),
  connectorHosts: setting(
    'start',
    'millrace.connector_hosts',
    hostList,
    '',
    'Hosts that connectors may reach beside the loopback: names, addresses and CIDR ranges, with a port or without.',
  ),
  demo: setting('start', 'millrace.demo', booleanSetting, 'on', 'Whether a demo stream and view are made.'),
  insecure: setting(
    'start',
    'millrace.insecure',
    booleanSetting,
    'off',
    'Whether an address that others can reach is allowed though nobody is authenticated.',
  ),
  logLevel: setting(
    'reload',
    'millrace.log_level',
    choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'warn',
    'Least level of what is logged.',
  ),
  tickIntervalMs: setting(
    'start',
    'millrace.tick_interval',
    durationBetween(1, 60_000),
    '100ms',
    'Longest time between two ticks.',
  ),
  walSync: setting(
    'start',
    'millrace.wal_sync',
    choice('commit', 'interval', 'off'),
    'commit',
    'When the log reaches the disk.',
  ),
  memoryLimitBytes: setting(
    'start',
    'millrace.memory_limit',
    memoryLimit,
    memoryLimit.format(quarterOfMemory),
    'Memory that the engine may take.',
  ),
  maxRate: setting(
    'start',
    'millrace.max_rate',
    rate,
    '0',
    'Rows a second that the sources of a stream may bring; 0 = no limit.',
  ),
  backpressure: setting(
    'start',
    'millrace.backpressure',
    booleanSetting,
    'on',
    'Whether a tick takes no more than it can do in a while.',
  ),
  connectionsMax: setting(
    'start',
    'max_connections',
    integer(1, 100_000),
    '10000',
    'Sets the maximum number of concurrent connections.',
  ),
  statementBytesMax: setting(
    'reload',
    'millrace.statement_size_limit',
    sizeBetween(STATEMENT_BYTES_LEAST, STATEMENT_BYTES_MAX),
    '16MB',
    'Longest statement.',
  ),
} as const;

type ValueOf<D> = D extends SettingDefinition<infer T> ? T : never;

/** The values in force. */
export type Config = { readonly [K in keyof typeof SERVER_SETTINGS]: ValueOf<(typeof SERVER_SETTINGS)[K]> };
