/**
 * What tools ask of the system catalog before they show anything, in our own words: each with the constructs that the tool
 * uses, and the columns and rows that it needs. A tool that gets an error here shows nothing at all.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

type Question = Readonly<{
  tool: string;
  asks: string;
  sql: string;
  values?: readonly unknown[];
  columns: readonly string[];
  /** A row that must be there, or some of its columns. */
  row?: Readonly<Record<string, unknown>>;
}>;

const QUESTIONS: readonly Question[] = [
  {
    tool: 'Grafana',
    asks: 'for tables, with the schema where search_path does not have it',
    sql: `SELECT CASE WHEN quote_ident(table_schema) IN (
        SELECT CASE WHEN trim(parts[i]) = '"$user"' THEN user ELSE trim(parts[i]) END
        FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1),
          array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS i,
          string_to_array(current_setting('search_path'), ',') AS parts)
      THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
      FROM information_schema.tables
      WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache')
      ORDER BY 1`,
    columns: ['table'],
    row: { table: 'users' },
  },
  {
    tool: 'Grafana',
    asks: 'for columns and their types',
    sql: `SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
      WHERE quote_ident(table_name) = 'users'`,
    columns: ['column', 'type'],
    row: { column: 'tags', type: 'ARRAY' },
  },
  {
    tool: 'Grafana',
    asks: 'for the version, as a number',
    sql: `SELECT current_setting('server_version_num')::int / 100 AS version FROM pg_catalog.pg_settings LIMIT 1`,
    columns: ['version'],
    row: { version: 1800 },
  },
  {
    tool: 'Metabase',
    asks: 'for fields with types, keys and comments, of materialized views too',
    sql: `SELECT c.column_name AS name,
        CASE WHEN c.udt_schema IN ('public', 'pg_catalog') THEN format('%s', c.udt_name)
          ELSE format('"%s"."%s"', c.udt_schema, c.udt_name) END AS "database-type",
        c.ordinal_position - 1 AS "database-position", c.table_schema AS "table-schema", c.table_name AS "table-name",
        pk.column_name IS NOT NULL AS "pk?",
        col_description(CAST(CAST(format('%I.%I', CAST(c.table_schema AS TEXT), CAST(c.table_name AS TEXT)) AS regclass) AS oid),
          c.ordinal_position) AS "field-comment",
        (column_default IS NULL OR lower(column_default) = 'null') AND is_nullable = 'NO'
          AND NOT (column_default IS NOT NULL AND column_default LIKE '%nextval(%') AND is_identity = 'NO' AS "required"
      FROM information_schema.columns AS c LEFT JOIN (
        SELECT tc.table_schema, tc.table_name, kc.column_name FROM information_schema.table_constraints AS tc
        JOIN information_schema.key_column_usage AS kc ON tc.constraint_name = kc.constraint_name
          AND tc.table_schema = kc.table_schema AND tc.table_name = kc.table_name
        WHERE tc.constraint_type = 'PRIMARY KEY') AS pk
        ON c.table_schema = pk.table_schema AND c.table_name = pk.table_name AND c.column_name = pk.column_name
      WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND c.table_schema IN ('public')
      UNION ALL
      SELECT pa.attname, pt.typname, pa.attnum - 1, pn.nspname, pc.relname, false, NULL, false
      FROM pg_catalog.pg_class AS pc JOIN pg_catalog.pg_namespace AS pn ON pn.oid = pc.relnamespace
        JOIN pg_catalog.pg_attribute AS pa ON pa.attrelid = pc.oid JOIN pg_catalog.pg_type AS pt ON pt.oid = pa.atttypid
      WHERE pc.relkind = 'm' AND pa.attnum >= 1
      ORDER BY "table-schema", "table-name", "database-position"`,
    columns: [
      'name',
      'database-type',
      'database-position',
      'table-schema',
      'table-name',
      'pk?',
      'field-comment',
      'required',
    ],
    row: { name: 'id', 'database-type': 'int8', 'table-name': 'users', 'pk?': true },
  },
  {
    tool: 'Metabase',
    asks: 'what the user may do with each table',
    sql: `WITH table_privileges AS (
        SELECT NULL AS role, t.schemaname AS schema, t.objectname AS "table",
          pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'update') AS update,
          pg_catalog.has_table_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'SELECT') AS select
        FROM (SELECT schemaname, tablename AS objectname FROM pg_catalog.pg_tables
          UNION SELECT schemaname, viewname FROM pg_catalog.pg_views
          UNION SELECT schemaname, matviewname FROM pg_catalog.pg_matviews) AS t
        WHERE t.schemaname !~ '^pg_' AND t.schemaname <> 'information_schema'
          AND pg_catalog.has_schema_privilege(current_user, t.schemaname, 'USAGE'))
      SELECT t.* FROM table_privileges AS t`,
    columns: ['role', 'schema', 'table', 'update', 'select'],
    row: { schema: 'public', table: 'counts', select: true },
  },
  {
    tool: 'Superset',
    asks: 'for views, and for materialized ones apart',
    sql: `SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class
      JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace
      WHERE pg_catalog.pg_class.relkind = ANY (ARRAY[$1, $2]) AND pg_catalog.pg_class.relpersistence != CAST($3 AS CHAR)
        AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != $4`,
    values: ['v', 'm', 't', 'pg_catalog'],
    columns: ['relname'],
    row: { relname: 'counts' },
  },
  {
    tool: 'SQLAlchemy',
    asks: 'for columns with identity, generation and collation',
    sql: `SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS format_type,
        (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expr FROM pg_catalog.pg_attrdef AS d
          WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) AS "default",
        a.attnotnull AS not_null, c.relname AS table_name, pg_catalog.col_description(c.oid, a.attnum) AS comment,
        a.attgenerated AS generated,
        (SELECT json_build_object('always', a.attidentity = 'a', 'start', s.seqstart) FROM pg_catalog.pg_sequence AS s
          WHERE a.attidentity != '' AND s.seqrelid = CAST(CAST(pg_catalog.pg_get_serial_sequence(CAST(CAST(a.attrelid AS REGCLASS) AS TEXT), a.attname) AS REGCLASS) AS OID)) AS identity_options,
        (SELECT pg_catalog.pg_collation.collname FROM pg_catalog.pg_collation
          JOIN pg_catalog.pg_type ON pg_catalog.pg_collation.oid = a.attcollation
          WHERE pg_catalog.pg_type.oid = a.atttypid AND a.attcollation != pg_catalog.pg_type.typcollation) AS "collation"
      FROM pg_catalog.pg_class AS c LEFT OUTER JOIN pg_catalog.pg_attribute AS a
        ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(c.oid) AND c.relname IN ('users')
      ORDER BY c.relname, a.attnum`,
    columns: [
      'name',
      'format_type',
      'default',
      'not_null',
      'table_name',
      'comment',
      'generated',
      'identity_options',
      'collation',
    ],
    row: { name: 'up', format_type: 'text', default: 'upper(name::text)', generated: 's' },
  },
  {
    tool: 'SQLAlchemy',
    asks: 'for keys, column by column',
    sql: `SELECT attr.conrelid, array_agg(CAST(attr.attname AS TEXT) ORDER BY attr.ord) AS cols, attr.conname, min(attr.description)
      FROM (SELECT con.conrelid, con.conname, con.conindid, con.description, con.ord, pg_catalog.pg_attribute.attname
        FROM pg_catalog.pg_attribute JOIN (
          SELECT conrelid, conname, conindid, unnest(conkey) AS attnum, generate_subscripts(conkey, 1) AS ord,
            pg_catalog.pg_description.description
          FROM pg_catalog.pg_constraint LEFT OUTER JOIN pg_catalog.pg_description
            ON pg_catalog.pg_description.objoid = pg_catalog.pg_constraint.oid
          WHERE contype = 'p') AS con
          ON pg_catalog.pg_attribute.attnum = con.attnum AND pg_catalog.pg_attribute.attrelid = con.conrelid) AS attr
      GROUP BY attr.conrelid, attr.conname ORDER BY attr.conrelid, attr.conname`,
    columns: ['conrelid', 'cols', 'conname', 'min'],
    row: { cols: ['id'], conname: 'users_pkey' },
  },
  {
    tool: 'SQLAlchemy',
    asks: 'for indexes, with expressions and options of each column',
    sql: `SELECT pg_index.indrelid, cls_idx.relname AS relname_index, pg_index.indisunique, am.amname,
        array_agg(CASE WHEN idx.attnum = 0 THEN pg_catalog.pg_get_indexdef(idx.indexrelid, idx.ord + 1, true)
          ELSE CAST(att.attname AS TEXT) END ORDER BY idx.ord) AS elements,
        pg_catalog.pg_get_expr(pg_index.indpred, pg_index.indrelid) AS filter_definition
      FROM pg_catalog.pg_index JOIN (
        SELECT i.indexrelid, i.indrelid, unnest(i.indkey) AS attnum, generate_subscripts(i.indkey, 1) AS ord
        FROM pg_catalog.pg_index AS i WHERE i.indisprimary) AS idx ON pg_index.indexrelid = idx.indexrelid
        JOIN pg_catalog.pg_class AS cls_idx ON pg_index.indexrelid = cls_idx.oid
        JOIN pg_catalog.pg_am AS am ON cls_idx.relam = am.oid
        LEFT OUTER JOIN pg_catalog.pg_attribute AS att ON att.attnum = idx.attnum AND att.attrelid = idx.indrelid
      WHERE cls_idx.relname = 'users_pkey'
      GROUP BY pg_index.indrelid, cls_idx.relname, pg_index.indisunique, am.amname, pg_index.indpred`,
    columns: ['indrelid', 'relname_index', 'indisunique', 'amname', 'elements', 'filter_definition'],
    row: { indisunique: true, amname: 'btree', elements: ['id'], filter_definition: null },
  },
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
    tool: 'Npgsql',
    asks: 'for types, their elements and kinds',
    sql: `SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid FROM (
        SELECT typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind,
          elemtyp.oid AS elemtypoid, elemtyp.typname AS elemtypname, elemcls.relkind AS elemrelkind,
          CASE WHEN elemproc.proname = 'array_recv' THEN 'a' ELSE elemtyp.typtype END AS elemtyptype
        FROM (SELECT typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid,
            CASE WHEN proc.proname = 'array_recv' THEN 'a' ELSE typ.typtype END AS typtype,
            CASE WHEN proc.proname = 'array_recv' THEN typ.typelem WHEN typ.typtype = 'r' THEN rngsubtype
              WHEN typ.typtype = 'd' THEN typ.typbasetype END AS elemtypoid2
          FROM pg_type AS typ LEFT JOIN pg_class AS cls ON cls.oid = typ.typrelid
            LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive LEFT JOIN pg_range ON pg_range.rngtypid = typ.oid) AS typ
          LEFT JOIN pg_type AS elemtyp ON elemtyp.oid = elemtypoid2
          LEFT JOIN pg_class AS elemcls ON elemcls.oid = elemtyp.typrelid
          LEFT JOIN pg_proc AS elemproc ON elemproc.oid = elemtyp.typreceive) AS t
      JOIN pg_namespace AS ns ON ns.oid = typnamespace
      WHERE typtype IN ('b', 'r', 'm', 'e', 'd') OR (typtype = 'c' AND relkind = 'c')
        OR (typtype = 'p' AND typname IN ('record', 'void', 'unknown')) OR (typtype = 'a' AND elemtyptype IN ('b', 'r', 'm', 'e', 'd'))
      ORDER BY CASE WHEN typtype IN ('b', 'e', 'p') THEN 0 WHEN typtype = 'c' THEN 1 WHEN typtype = 'r' THEN 2 ELSE 5 END`,
    columns: ['nspname', 'oid', 'typname', 'typtype', 'typnotnull', 'elemtypoid'],
    row: { typname: '_text', typtype: 'a', elemtypoid: 25 },
  },
  {
    tool: 'JDBC',
    asks: 'for tables by kind',
    sql: `SELECT current_database() AS "TABLE_CAT", n.nspname AS "TABLE_SCHEM", c.relname AS "TABLE_NAME",
        CASE n.nspname ~ '^pg_' OR n.nspname = 'information_schema'
          WHEN true THEN CASE WHEN n.nspname = 'pg_catalog' THEN CASE c.relkind WHEN 'r' THEN 'SYSTEM TABLE' ELSE NULL END ELSE NULL END
          WHEN false THEN CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END
          ELSE NULL END AS "TABLE_TYPE", d.description AS "REMARKS"
      FROM pg_catalog.pg_namespace AS n, pg_catalog.pg_class AS c
        LEFT JOIN pg_catalog.pg_description AS d ON (c.oid = d.objoid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass)
      WHERE c.relnamespace = n.oid AND n.nspname LIKE 'public' AND (false OR (c.relkind = 'm'))
      ORDER BY "TABLE_TYPE", "TABLE_SCHEM", "TABLE_NAME"`,
    columns: ['TABLE_CAT', 'TABLE_SCHEM', 'TABLE_NAME', 'TABLE_TYPE', 'REMARKS'],
    row: { TABLE_CAT: 'millrace', TABLE_NAME: 'counts', TABLE_TYPE: 'MATERIALIZED VIEW' },
  },
  {
    tool: 'JDBC',
    asks: 'for primary keys, through arrays that are expanded',
    sql: `SELECT result."TABLE_NAME", result."COLUMN_NAME", result."KEY_SEQ", result."PK_NAME" FROM (
        SELECT ct.relname AS "TABLE_NAME", a.attname AS "COLUMN_NAME",
          (information_schema._pg_expandarray(i.indkey)).n AS "KEY_SEQ", ci.relname AS "PK_NAME",
          information_schema._pg_expandarray(i.indkey) AS "KEYS", a.attnum AS "A_ATTNUM"
        FROM pg_catalog.pg_class AS ct JOIN pg_catalog.pg_attribute AS a ON (ct.oid = a.attrelid)
          JOIN pg_catalog.pg_index AS i ON (a.attrelid = i.indrelid) JOIN pg_catalog.pg_class AS ci ON (ci.oid = i.indexrelid)
        WHERE ct.relname = 'users' AND i.indisprimary) AS result
      WHERE result."A_ATTNUM" = (result."KEYS").x ORDER BY 1, 3`,
    columns: ['TABLE_NAME', 'COLUMN_NAME', 'KEY_SEQ', 'PK_NAME'],
    row: { TABLE_NAME: 'users', COLUMN_NAME: 'id', KEY_SEQ: 1, PK_NAME: 'users_pkey' },
  },
  {
    tool: 'JDBC',
    asks: 'for columns, numbered',
    sql: `SELECT * FROM (SELECT n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS attnotnull,
          a.atttypmod, a.attlen, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS attnum,
          nullif(a.attidentity, '') AS attidentity, nullif(a.attgenerated, '') AS attgenerated,
          pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc, dsc.description, t.typbasetype, t.typtype
        FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_class AS c ON (c.relnamespace = n.oid)
          JOIN pg_catalog.pg_attribute AS a ON (a.attrelid = c.oid) JOIN pg_catalog.pg_type AS t ON (a.atttypid = t.oid)
          LEFT JOIN pg_catalog.pg_attrdef AS def ON (a.attrelid = def.adrelid AND a.attnum = def.adnum)
          LEFT JOIN pg_catalog.pg_description AS dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid)
        WHERE c.relkind IN ('r', 'p', 'v', 'f', 'm') AND a.attnum > 0 AND NOT a.attisdropped AND c.relname LIKE 'us%') AS c
      WHERE true ORDER BY nspname, c.relname, attnum`,
    columns: [
      'nspname',
      'relname',
      'attname',
      'atttypid',
      'attnotnull',
      'atttypmod',
      'attlen',
      'attnum',
      'attidentity',
      'attgenerated',
      'adsrc',
      'description',
      'typbasetype',
      'typtype',
    ],
    row: {
      attname: 'name',
      atttypmod: 24,
      attnum: '2',
      adsrc: "'x'::character varying(20)",
      description: 'their name',
    },
  },
  {
    tool: 'asyncpg',
    asks: 'for a type with all that it is made of',
    sql: `WITH RECURSIVE typeinfo_tree (oid, ns, name, kind, basetype, elemtype, elemdelim, range_subtype, attrtypoids, attrnames, depth) AS (
        SELECT t.oid, ns.nspname, t.typname, t.typtype, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE NULL END,
          t.typelem, elem_t.typdelim, CASE WHEN t.typtype = 'r' THEN (SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid) END,
          CASE WHEN t.typtype = 'c' THEN (SELECT array_agg(ia.atttypid ORDER BY ia.attnum) FROM pg_attribute AS ia
            JOIN pg_class AS c ON (ia.attrelid = c.oid) WHERE ia.attnum > 0 AND NOT ia.attisdropped AND c.reltype = t.oid) END,
          NULL::text[], 0
        FROM pg_catalog.pg_type AS t INNER JOIN pg_catalog.pg_namespace AS ns ON (ns.oid = t.typnamespace)
          LEFT JOIN pg_type AS elem_t ON (t.typlen = -1 AND t.typelem != 0 AND t.typelem = elem_t.oid)
        WHERE t.oid = any($1::oid[])
        UNION ALL
        SELECT ti.oid, 'pg_catalog', ti.typname, ti.typtype, NULL, ti.typelem, ti.typdelim, NULL, NULL, NULL, tt.depth + 1
        FROM pg_type AS ti, typeinfo_tree AS tt WHERE tt.elemtype IS NOT NULL AND ti.oid = tt.elemtype)
      SELECT DISTINCT *, basetype::regtype::text AS basetype_name, elemtype::regtype::text AS elemtype_name
      FROM typeinfo_tree ORDER BY depth DESC`,
    values: [[1009, 2277]],
    columns: [
      'oid',
      'ns',
      'name',
      'kind',
      'basetype',
      'elemtype',
      'elemdelim',
      'range_subtype',
      'attrtypoids',
      'attrnames',
      'depth',
      'basetype_name',
      'elemtype_name',
    ],
    row: { oid: 1009, name: '_text', elemtype: 25, elemtype_name: 'text', depth: 0 },
  },
  {
    tool: 'pgx',
    asks: 'for a type by name, with its dependencies',
    sql: `SELECT t.oid, t.typtype, t.typbasetype, t.typelem, pg_type_is_visible(t.oid) AS visible, nspname FROM pg_type AS t
      JOIN pg_namespace AS ns ON ns.oid = t.typnamespace WHERE t.oid = $1::text::regtype::oid`,
    values: ['int4[]'],
    columns: ['oid', 'typtype', 'typbasetype', 'typelem', 'visible', 'nspname'],
    row: { oid: 1007, typelem: 23, visible: true, nspname: 'pg_catalog' },
  },
  {
    tool: 'Prisma',
    asks: 'whether the schema is there, and for the version',
    sql: `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1), version(),
      current_setting('server_version_num')::integer AS numeric_version`,
    values: ['public'],
    columns: ['exists', 'version', 'numeric_version'],
    row: { exists: true, numeric_version: 180000 },
  },
  {
    tool: 'Prisma',
    asks: 'for columns of several schemas at once',
    sql: `SELECT oid.namespace, info.table_name, info.column_name, format_type(att.atttypid, att.atttypmod) AS formatted_type,
        info.numeric_precision, info.udt_name, pg_get_expr(attdef.adbin, attdef.adrelid) AS column_default,
        info.is_nullable, description.description
      FROM information_schema.columns AS info
        JOIN pg_attribute AS att ON att.attname = info.column_name
        JOIN (SELECT pg_class.oid, relname, pg_namespace.nspname AS namespace FROM pg_class
          JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace AND pg_namespace.nspname = ANY ($1)
          WHERE reltype > 0) AS oid ON oid.oid = att.attrelid AND relname = info.table_name AND namespace = info.table_schema
        LEFT OUTER JOIN pg_attrdef AS attdef ON attdef.adrelid = att.attrelid AND attdef.adnum = att.attnum
        LEFT OUTER JOIN pg_description AS description ON description.objoid = att.attrelid AND description.objsubid = ordinal_position
      WHERE table_schema = ANY ($1) ORDER BY namespace, table_name, ordinal_position`,
    values: [['public']],
    columns: [
      'namespace',
      'table_name',
      'column_name',
      'formatted_type',
      'numeric_precision',
      'udt_name',
      'column_default',
      'is_nullable',
      'description',
    ],
    row: {
      table_name: 'tweets',
      column_name: 'score',
      formatted_type: 'double precision',
      column_default: '1.5',
    },
  },
  {
    tool: 'ActiveRecord',
    asks: 'for types by how they are read',
    sql: `SELECT t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype
      FROM pg_type AS t LEFT JOIN pg_range AS r ON oid = rngtypid
      WHERE t.typname IN ('int4', 'bool') OR t.typtype IN ('r', 'e', 'd') OR t.typinput = 'array_in(cstring,oid,integer)'::regprocedure
        OR t.typelem != 0`,
    columns: ['oid', 'typname', 'typelem', 'typdelim', 'typinput', 'rngsubtype', 'typtype', 'typbasetype'],
    row: { oid: 23, typname: 'int4', typinput: 'int4in' },
  },
  {
    tool: 'Django',
    asks: 'for constraints with their columns in order',
    sql: `SELECT c.conname, array(SELECT attname FROM unnest(c.conkey) WITH ORDINALITY AS cols (colid, arridx)
          JOIN pg_attribute AS ca ON cols.colid = ca.attnum WHERE ca.attrelid = c.conrelid ORDER BY cols.arridx) AS columns,
        c.contype, (SELECT fkc.relname || '.' || fka.attname FROM pg_attribute AS fka
          JOIN pg_class AS fkc ON fka.attrelid = fkc.oid WHERE fka.attrelid = c.confrelid AND fka.attnum = c.confkey[1]) AS target,
        cl.reloptions
      FROM pg_constraint AS c JOIN pg_class AS cl ON c.conrelid = cl.oid
      WHERE cl.relname = $1 AND pg_catalog.pg_table_is_visible(cl.oid) AND c.contype = 'p'`,
    values: ['users'],
    columns: ['conname', 'columns', 'contype', 'target', 'reloptions'],
    row: { conname: 'users_pkey', contype: 'p', target: null },
  },
  {
    tool: 'Knex',
    asks: 'whether a table is there',
    sql: `select * from information_schema.tables where table_name = $1 and table_schema = current_schema()`,
    values: ['tweets'],
    columns: expect.arrayContaining(['table_schema', 'table_name', 'table_type']) as never,
    row: { table_name: 'tweets', table_type: 'BASE TABLE', is_insertable_into: 'YES' },
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
  {
    tool: 'Power BI',
    asks: 'for tables in capitals',
    sql: `SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.tables
      WHERE TABLE_SCHEMA NOT IN ('information_schema', 'pg_catalog') ORDER BY TABLE_SCHEMA, TABLE_NAME`,
    columns: ['table_schema', 'table_name', 'table_type'],
    row: { table_schema: 'public', table_name: 'names', table_type: 'VIEW' },
  },
  {
    tool: 'Tableau',
    asks: 'for relations by an old join',
    sql: `select relname, nspname, relkind from pg_catalog.pg_class c, pg_catalog.pg_namespace n
      where relkind in ('r', 'v', 'm', 'f', 'p') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'pg_temp_1')
      and n.oid = relnamespace order by nspname, relname`,
    columns: ['relname', 'nspname', 'relkind'],
    row: { relname: 'counts', nspname: 'public', relkind: 'm' },
  },
  {
    tool: 'ODBC',
    asks: 'for columns with old catalogs’ habits',
    sql: `select n.nspname, c.relname, a.attname, a.atttypid, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull, c.relhasrules, c.relkind,
        c.oid, pg_get_expr(d.adbin, d.adrelid), case t.typtype when 'd' then t.typbasetype else 0 end, t.typtypmod, attidentity
      from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace and c.relname = 'users')
        inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum > 0 and a.attrelid = c.oid)
        inner join pg_catalog.pg_type t on t.oid = a.atttypid)
        left outer join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
      order by n.nspname, c.relname, attnum`,
    columns: expect.arrayContaining(['typname', 'pg_get_expr', 'case', 'attidentity']) as never,
    row: { attname: 'tags', typname: '_text', relhasrules: false },
  },
];

let server: TestServer;
let client: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect('anna');
  await client.query(`
    CREATE STREAM tweets (at timestamptz NOT NULL, tag text, score float8 DEFAULT 1.5, WATERMARK FOR at AS at);
    CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', tags text[],
      up text GENERATED ALWAYS AS (upper(name)) STORED);
    CREATE VIEW names AS SELECT id, name FROM users WHERE id > 3;
    CREATE MATERIALIZED VIEW counts AS SELECT tag, count(*) AS n FROM tweets GROUP BY tag;
    COMMENT ON TABLE users IS 'people';
    COMMENT ON COLUMN users.name IS 'their name'`);
}, 60_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});

describe.each(QUESTIONS)('$tool asks $asks', ({ sql, values = [], columns, row }) => {
  it.each(['by itself', 'prepared'])('%s', async (how) => {
    if (how === 'by itself' && values.length > 0) return;
    const name = how === 'prepared' ? { name: sql.slice(0, 60) } : {};
    for (let time = 0; time < 2; time++) {
      const answer = await client.query({ ...name, text: sql, values: [...values] });
      expect(answer.fields.map((field) => field.name)).toEqual(columns);
      if (row !== undefined) expect(answer.rows).toContainEqual(expect.objectContaining(row));
    }
  });
});
