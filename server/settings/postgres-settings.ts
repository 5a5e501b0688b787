/** PostgreSQL's settings that SHOW, SET and current_setting know. */
import {
  booleanSetting,
  choice,
  clientEncoding,
  dateStyle,
  duration,
  integer,
  type SettingKind,
  sizeBetween,
  textSetting as text,
  timeZone,
  version,
} from './setting-kind.ts';
import { type SettingDefinition, setting } from './setting-definition.ts';

const user = <T>(
  name: string,
  kind: SettingKind<T>,
  initial: string,
  description: string,
): SettingDefinition => setting('user', name, kind, initial, description);

const fixed = (name: string, initial: string, description: string): SettingDefinition =>
  setting('internal', name, text, initial, description);

const reported = (definition: SettingDefinition): SettingDefinition => ({ ...definition, reported: true });

const LEVELS = choice('serializable', 'repeatable read', 'read committed', 'read uncommitted');
const workMemory = sizeBetween(64 * 2 ** 10, 2_147_483_647 * 2 ** 10, 'kB');
/** All are accepted; what a block gets is the snapshot of its BEGIN. */
const isolation: SettingKind<string> = {
  ...LEVELS,
  parse: (text) => (LEVELS.parse(text) === null ? null : 'repeatable read'),
};
const messageLevels = choice(
  'debug5',
  'debug4',
  'debug3',
  'debug2',
  'debug1',
  'log',
  'notice',
  'warning',
  'error',
);

export const POSTGRES_SETTINGS: readonly SettingDefinition[] = [
  reported(
    user('application_name', text, '', 'Sets the application name to be reported in statistics and logs.'),
  ),
  user('array_nulls', { ...booleanSetting, only: 'on' }, 'on', 'Enables input of NULL elements in arrays.'),
  user(
    'backslash_quote',
    choice('safe_encoding', 'on', 'off'),
    'safe_encoding',
    'Sets whether "\\\'" is allowed in string literals.',
  ),
  fixed('block_size', '8192', 'Shows the size of a disk block.'),
  user('bytea_output', choice('hex', 'escape'), 'hex', 'Sets the output format for bytea.'),
  user('check_function_bodies', booleanSetting, 'on', 'Check routine bodies during CREATE FUNCTION.'),
  reported(user('client_encoding', clientEncoding, 'UTF8', "Sets the client's character set encoding.")),
  user(
    'client_min_messages',
    messageLevels,
    'notice',
    'Sets the message levels that are sent to the client.',
  ),
  reported(user('DateStyle', dateStyle, 'ISO, MDY', 'Sets the display format for date and time values.')),
  user('default_statistics_target', integer(1, 10_000), '100', 'Sets the default statistics target.'),
  user('default_table_access_method', text, 'heap', 'Sets the default table access method for new tables.'),
  user('default_tablespace', text, '', 'Sets the default tablespace to create tables and indexes in.'),
  user('default_text_search_config', text, 'pg_catalog.simple', 'Sets default text search configuration.'),
  user(
    'default_transaction_deferrable',
    booleanSetting,
    'off',
    'Sets the default deferrable status of new transactions.',
  ),
  user(
    'default_transaction_isolation',
    isolation,
    'repeatable read',
    'Sets the transaction isolation level of each new transaction.',
  ),
  reported(
    user(
      'default_transaction_read_only',
      booleanSetting,
      'off',
      'Sets the default read-only status of new transactions.',
    ),
  ),
  user('enable_seqscan', booleanSetting, 'on', "Enables the planner's use of sequential-scan plans."),
  user(
    'escape_string_warning',
    booleanSetting,
    'on',
    'Warn about backslash escapes in ordinary string literals.',
  ),
  user(
    'extra_float_digits',
    integer(-15, 3),
    '1',
    'Sets the number of digits displayed for floating-point values.',
  ),
  user('geqo', booleanSetting, 'on', 'Enables genetic query optimization.'),
  user(
    'idle_in_transaction_session_timeout',
    duration,
    '0',
    'Sets the maximum allowed idle time between queries, when in a transaction.',
  ),
  user(
    'idle_session_timeout',
    duration,
    '0',
    'Sets the maximum allowed idle time between queries, when not in a transaction.',
  ),
  reported(fixed('in_hot_standby', 'off', 'Shows whether hot standby is currently active.')),
  reported(fixed('integer_datetimes', 'on', 'Shows whether datetimes are integer based.')),
  reported(
    user(
      'IntervalStyle',
      choice('postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'),
      'postgres',
      'Sets the display format for interval values.',
    ),
  ),
  reported(fixed('is_superuser', 'on', 'Shows whether the current user is a superuser.')),
  user('jit', booleanSetting, 'off', 'Allow JIT compilation.'),
  fixed('lc_collate', 'C', 'Shows the collation order locale.'),
  fixed('lc_ctype', 'C', 'Shows the character classification and case conversion locale.'),
  user('lc_messages', text, 'C', 'Sets the language in which messages are displayed.'),
  user('lc_monetary', text, 'C', 'Sets the locale for formatting monetary amounts.'),
  user('lc_numeric', text, 'C', 'Sets the locale for formatting numbers.'),
  user('lc_time', text, 'C', 'Sets the locale for formatting date and time values.'),
  user('lock_timeout', duration, '0', 'Sets the maximum allowed duration of any wait for a lock.'),
  fixed('max_identifier_length', '63', 'Shows the maximum identifier length.'),
  fixed('max_index_keys', '32', 'Shows the maximum number of index keys.'),
  user(
    'password_encryption',
    { ...choice('scram-sha-256', 'md5'), only: 'scram-sha-256' },
    'scram-sha-256',
    'Chooses the algorithm for encrypting passwords.',
  ),
  user(
    'quote_all_identifiers',
    booleanSetting,
    'off',
    'When generating SQL fragments, quote all identifiers.',
  ),
  fixed('role', 'none', 'Sets the current role.'),
  user('row_security', booleanSetting, 'on', 'Enables row security.'),
  reported(
    user(
      'search_path',
      text,
      '"$user", public',
      'Sets the schema search order for names that are not schema-qualified.',
    ),
  ),
  fixed('segment_size', '131072', 'Shows the number of pages per disk file.'),
  reported(fixed('server_encoding', 'UTF8', 'Shows the server (database) character set encoding.')),
  reported(
    setting('start', 'server_version', version, '18.0', 'The version of PostgreSQL that clients are told.'),
  ),
  // of the one before
  fixed('server_version_num', '180000', 'Shows the server version as an integer.'),
  reported(fixed('session_authorization', '', 'Sets the session user name.')),
  user(
    'session_replication_role',
    choice('origin', 'replica', 'local'),
    'origin',
    "Sets the session's behavior for triggers and rewrite rules.",
  ),
  reported(
    user(
      'standard_conforming_strings',
      { ...booleanSetting, only: 'on' },
      'on',
      "Causes '...' strings to treat backslashes literally.",
    ),
  ),
  user('statement_timeout', duration, '0', 'Sets the maximum allowed duration of any statement.'),
  user('synchronize_seqscans', booleanSetting, 'on', 'Enables synchronized sequential scans.'),
  user(
    'synchronous_commit',
    choice('on', 'off', 'local', 'remote_write', 'remote_apply'),
    'on',
    "Sets the current transaction's synchronization level.",
  ),
  reported(
    user('TimeZone', timeZone, 'UTC', 'Sets the time zone for displaying and interpreting time stamps.'),
  ),
  user('timezone_abbreviations', text, 'Default', 'Selects a file of time zone abbreviations.'),
  user(
    'transaction_deferrable',
    booleanSetting,
    'off',
    'Whether to defer a read-only serializable transaction until it can be executed with no possible serialization failures.',
  ),
  user(
    'transaction_isolation',
    isolation,
    'repeatable read',
    "Sets the current transaction's isolation level.",
  ),
  user('transaction_read_only', booleanSetting, 'off', "Sets the current transaction's read-only status."),
  user(
    'transaction_timeout',
    duration,
    '0',
    'Sets the maximum allowed duration of any transaction within a session.',
  ),
  user('work_mem', workMemory, '4MB', 'Sets the maximum memory to be used for query workspaces.'),
  user(
    'xmloption',
    choice('content', 'document'),
    'content',
    'Sets whether XML data in implicit parsing and serialization operations is to be considered as documents or content fragments.',
  ),
];
