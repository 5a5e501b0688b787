/** Functions and types of the system catalog by name: those that make a query one of the catalog's, and those refused there. */
import type { TypeName } from 'libpg-query';
import { aggregatesNamed } from '../../runtime/plan/aggregates.ts';
import { functionsNamed } from '../../runtime/plan/functions.ts';
import { stringOf } from '../bind/tree.ts';
import { isSessionFunction } from '../bind/session-functions.ts';

const CATALOG_NAME =
  /^(pg_|_pg_|txid_|to_reg|has_\w+_privilege$|format_type$|(obj|col|shobj)_description$|row_security_active$|acl|makeaclitem$)/;

/** Whether only the system catalog knows the function: our own are answered without it. */
export function isCatalogFunction(name: string): boolean {
  if (!CATALOG_NAME.test(name) || isSessionFunction(name) || name === 'pg_has_role') return false;
  return functionsNamed('function', name).length === 0 && aggregatesNamed(name).length === 0;
}

const CATALOG_TYPES: ReadonlySet<string> = new Set([
  'oid',
  'name',
  'char',
  'xid',
  'xid8',
  'cid',
  'tid',
  'pg_lsn',
  'aclitem',
  'int2vector',
  'oidvector',
  'pg_node_tree',
  'regclass',
  'regcollation',
  'regconfig',
  'regdictionary',
  'regnamespace',
  'regoper',
  'regoperator',
  'regproc',
  'regprocedure',
  'regrole',
  'regtype',
]);

export const isCatalogType = ({ names }: TypeName): boolean =>
  CATALOG_TYPES.has((names ?? []).map(stringOf).at(-1) ?? '');

/**
 * Functions that PostgreSQL calls volatile and that do no harm in a mirror: they read it, or make a value. Every other
 * volatile one is refused: it writes, waits, reads files or acts on other sessions.
 */
export const HARMLESS: ReadonlySet<string> = new Set([
  'clock_timestamp',
  'timeofday',
  'random',
  'random_normal',
  'gen_random_uuid',
  'uuidv4',
  'uuidv7',
  'array_sample',
  'array_shuffle',
  'current_query',
  'currval',
  'lastval',
  'pg_available_wal_summaries',
  'pg_blocking_pids',
  'pg_collation_actual_version',
  'pg_database_collation_actual_version',
  'pg_database_size',
  'pg_get_backend_memory_contexts',
  'pg_get_loaded_modules',
  'pg_get_multixact_members',
  'pg_get_sequence_data',
  'pg_get_shmem_allocations',
  'pg_hba_file_rules',
  'pg_ident_file_mappings',
  'pg_indexes_size',
  'pg_is_in_recovery',
  'pg_is_wal_replay_paused',
  'pg_jit_available',
  'pg_last_wal_receive_lsn',
  'pg_last_wal_replay_lsn',
  'pg_last_xact_replay_timestamp',
  'pg_lock_status',
  'pg_notification_queue_usage',
  'pg_partition_ancestors',
  'pg_partition_tree',
  'pg_prepared_xact',
  'pg_relation_size',
  'pg_safe_snapshot_blocking_pids',
  'pg_sequence_last_value',
  'pg_show_all_file_settings',
  'pg_table_size',
  'pg_tablespace_size',
  'pg_total_relation_size',
  'pg_xact_commit_timestamp',
  'txid_status',
]);

/** What the mirror has no true answer for, or what runs other texts; and what is the session's own to do. */
const REFUSED = new RegExp(
  `^(${[
    'lo_\\w+',
    'loread',
    'lowrite',
    'dblink\\w*',
    '\\w+_to_xml(schema|_and_xmlschema)?',
    'ts_stat',
    'ts_rewrite',
    'nextval',
    'setval',
    'setseed',
    'currtid2',
    'amvalidate',
    '\\w*handler',
    'dsnowball\\w*',
    'system',
    'bernoulli',
    'brin_\\w+',
    'gin_clean\\w+',
    'binary_upgrade\\w+',
    'pg_sleep\\w*',
    'pg_read_\\w+',
    'pg_ls_\\w+',
    'pg_stat_file',
    'pg_file_\\w+',
    'pg_current_(wal\\w*|logfile)',
    'pg_last_committed_xact',
    'pg_xact_status',
    'pg_xact_commit_timestamp_origin',
    'pg_(try_)?advisory\\w+',
    'pg_(cancel|terminate)_backend',
    'pg_backup_\\w+',
    'pg_(clear|restore)_\\w+_stats',
    'pg_control_\\w+',
    'pg_(copy|create|drop|sync)_\\w+',
    'pg_export_snapshot',
    'pg_extension_config_dump',
    'pg_get_(aios|shmem_allocations_numa|wait_events|wal\\w+)',
    'pg_import_\\w+',
    'pg_isolation_\\w+',
    'pg_log_\\w+',
    'pg_logical_\\w+',
    'pg_nextoid',
    'pg_notify',
    'pg_promote',
    'pg_reload_conf',
    'pg_replication_\\w+',
    'pg_show_replication_origin_status',
    'pg_rotate_logfile',
    'pg_stat_(clear|force|reset|have)\\w+',
    'pg_stat_reset',
    'pg_stat_get_(backend|io|recovery|xact)\\w*',
    'pg_stop_making\\w+',
    'pg_switch_wal',
    'pg_wal_\\w+',
    'pg_toast\\w*',
    'pg_original_\\w+',
    'pg_session_fact',
  ].join('|')})$`,
);

export const isRefusedFunction = (name: string): boolean => !HARMLESS.has(name) && REFUSED.test(name);
