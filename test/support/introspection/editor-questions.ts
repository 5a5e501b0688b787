/** What editors and administration tools ask of the system catalog before they show anything. */
import { expect } from 'vitest';
import type { Question } from './question.ts';

export const EDITOR_QUESTIONS: readonly Question[] = [
  {
    tool: 'DBeaver',
    asks: 'for schemas with comments',
    sql: `SELECT n.oid, n.*, d.description FROM pg_catalog.pg_namespace AS n
      LEFT OUTER JOIN pg_catalog.pg_description AS d ON d.objoid = n.oid AND d.objsubid = 0 AND d.classoid = 'pg_namespace'::regclass
      WHERE nspname = 'public' ORDER BY nspname`,
    columns: ['oid', 'oid', 'nspname', 'nspowner', 'nspacl', 'description'],
    row: { oid: 2200, nspname: 'public', description: 'standard public schema' },
  },
  {
    tool: 'DBeaver',
    asks: 'for relations of a schema, with partitions and comments',
    sql: `SELECT c.oid, c.relname, c.relkind, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS partition_expr,
        pg_catalog.pg_get_partkeydef(c.oid) AS partition_key
      FROM pg_catalog.pg_class AS c LEFT OUTER JOIN pg_catalog.pg_description AS d
        ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass
      WHERE c.relnamespace = $1 AND c.relkind NOT IN ('i', 'I', 'c')`,
    values: [2200],
    columns: ['oid', 'relname', 'relkind', 'description', 'partition_expr', 'partition_key'],
    row: { relname: 'users', description: 'people', partition_key: null },
  },
  {
    tool: 'DBeaver',
    asks: 'for all types',
    sql: `SELECT t.oid, t.*, c.relkind, format_type(nullif(t.typbasetype, 0), t.typtypmod) AS base_type_name, d.description
      FROM pg_catalog.pg_type AS t LEFT OUTER JOIN pg_catalog.pg_type AS et ON et.oid = t.typelem
        LEFT OUTER JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
        LEFT OUTER JOIN pg_catalog.pg_description AS d ON t.oid = d.objoid
      WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c')
        AND (et.typcategory IS NULL OR et.typcategory <> 'C') AND t.typname = 'int8'`,
    columns: expect.arrayContaining(['typname', 'typlen', 'typarray', 'base_type_name']) as never,
    row: { oid: 20, typname: 'int8', typarray: 1016 },
  },
  {
    tool: 'DBeaver',
    asks: 'for the text of a view',
    sql: `SELECT pg_get_viewdef($1, true) AS definition`,
    values: ['names'],
    columns: ['definition'],
    row: { definition: ' SELECT id, name FROM users WHERE id > 3;' },
  },
  {
    tool: 'DBeaver',
    asks: 'what depends on what',
    sql: `SELECT DISTINCT dep.deptype, cl.relname, cl.relkind FROM pg_depend AS dep
      LEFT JOIN pg_class AS cl ON dep.refobjid = cl.oid JOIN pg_rewrite AS rw ON dep.objid = rw.oid
      WHERE rw.ev_class = 'names'::regclass AND dep.deptype = 'n'`,
    columns: ['deptype', 'relname', 'relkind'],
    row: { deptype: 'n', relname: 'users', relkind: 'r' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for the database at connect',
    sql: `SELECT db.oid AS did, db.datname, db.datallowconn, pg_encoding_to_char(db.encoding) AS serverencoding,
        has_database_privilege(db.oid, 'CREATE') AS cancreate, datistemplate
      FROM pg_catalog.pg_database AS db WHERE db.datname = current_database()`,
    columns: ['did', 'datname', 'datallowconn', 'serverencoding', 'cancreate', 'datistemplate'],
    row: { datname: 'millrace', serverencoding: 'UTF8', cancreate: true, datistemplate: false },
  },
  {
    tool: 'pgAdmin',
    asks: 'for the role at connect',
    sql: `SELECT roles.oid AS id, roles.rolname AS name, roles.rolsuper AS is_superuser,
        CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreaterole END AS can_create_role,
        CASE WHEN 'pg_signal_backend' = ANY (ARRAY(WITH RECURSIVE cte AS (
          SELECT pg_roles.oid, pg_roles.rolname FROM pg_roles WHERE pg_roles.oid = roles.oid
          UNION ALL SELECT m.roleid, pgr.rolname FROM cte JOIN pg_auth_members AS m ON m.member = cte.oid
            JOIN pg_roles AS pgr ON pgr.oid = m.roleid) SELECT rolname FROM cte)) THEN true ELSE false END AS can_signal_backend
      FROM pg_catalog.pg_roles AS roles WHERE rolname = current_user`,
    columns: ['id', 'name', 'is_superuser', 'can_create_role', 'can_signal_backend'],
    row: { name: 'anna', is_superuser: true, can_signal_backend: false },
  },
  {
    tool: 'pgAdmin',
    asks: 'whether the connection is encrypted',
    sql: `SELECT gss_authenticated, encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_backend_pid()`,
    columns: ['gss_authenticated', 'encrypted'],
  },
  {
    tool: 'pgAdmin',
    asks: 'for the dashboard',
    sql: `SELECT 'session_stats' AS chart_name, pg_catalog.row_to_json(t) AS chart_data FROM (SELECT
        (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = 'millrace') AS "Total",
        (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = 'active') AS "Active") AS t
      UNION ALL SELECT 'tps_stats', pg_catalog.row_to_json(t) FROM (SELECT
        (SELECT sum(xact_commit) FROM pg_catalog.pg_stat_database WHERE datname = 'millrace') AS "Commits") AS t`,
    columns: ['chart_name', 'chart_data'],
    row: { chart_name: 'session_stats', chart_data: { Total: 1, Active: 1 } },
  },
  {
    tool: 'pgAdmin',
    asks: 'for tables with storage options, triggers and ancestors',
    sql: `SELECT rel.oid, rel.relname AS name, rel.relacl AS relacl_str, pg_get_userbyid(rel.relowner) AS relowner,
        rel.reltuples::bigint, des.description, con.conname, con.conkey,
        EXISTS (SELECT 1 FROM pg_trigger JOIN pg_proc AS pt ON pt.oid = tgfoid WHERE tgrelid = rel.oid) AS isrepl,
        (SELECT array(SELECT quote_ident(nspname) || '.' || quote_ident(c.relname) FROM pg_inherits AS i
          JOIN pg_class AS c ON c.oid = i.inhparent JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE i.inhrelid = rel.oid ORDER BY inhseqno)) AS coll_inherits,
        substring(array_to_string(rel.reloptions, ',') FROM 'fillfactor=([0-9]*)') AS fillfactor,
        (substring(array_to_string(tst.reloptions, ',') FROM 'autovacuum_enabled=([a-z|0-9]*)'))::BOOL AS toast_enabled,
        (SELECT array_agg(provider || '=' || label) FROM pg_seclabels AS sl1 WHERE sl1.objoid = rel.oid) AS seclabels
      FROM pg_class AS rel LEFT OUTER JOIN pg_tablespace AS spc ON spc.oid = rel.reltablespace
        LEFT OUTER JOIN pg_description AS des ON des.objoid = rel.oid AND des.objsubid = 0 AND des.classoid = 'pg_class'::regclass
        LEFT OUTER JOIN pg_constraint AS con ON con.conrelid = rel.oid AND con.contype = 'p'
        LEFT OUTER JOIN pg_class AS tst ON tst.oid = rel.reltoastrelid
      WHERE rel.relkind IN ('r', 's', 't', 'p') AND rel.relnamespace = 2200::oid AND NOT rel.relispartition ORDER BY rel.relname`,
    columns: [
      'oid',
      'name',
      'relacl_str',
      'relowner',
      'reltuples',
      'description',
      'conname',
      'conkey',
      'isrepl',
      'coll_inherits',
      'fillfactor',
      'toast_enabled',
      'seclabels',
    ],
    row: { name: 'users', relowner: 'millrace', description: 'people', conkey: [1], coll_inherits: [] },
  },
  {
    tool: 'DataGrip',
    asks: 'for the transaction, to see later what has changed',
    sql: `select case when pg_catalog.pg_is_in_recovery() then null
      else (pg_catalog.txid_current() % 4294967296)::varchar::bigint end as current_txid`,
    columns: ['current_txid'],
    row: { current_txid: expect.stringMatching(/^\d+$/) },
  },
  {
    tool: 'DataGrip',
    asks: 'for schemas with the transaction that made them',
    sql: `select n.oid::bigint as id, n.xmin as state_number, nspname as name, d.description, pg_catalog.pg_get_userbyid(n.nspowner) as "owner"
      from pg_catalog.pg_namespace n left join pg_catalog.pg_description d on n.oid = d.objoid
      order by case when nspname = pg_catalog.current_schema() then -1::bigint else n.oid::bigint end`,
    columns: ['id', 'state_number', 'name', 'description', 'owner'],
    row: { id: '2200', name: 'public', owner: 'millrace' },
  },
];
