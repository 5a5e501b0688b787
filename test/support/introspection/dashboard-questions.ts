/** What dashboards and BI tools ask of the system catalog before they show anything. */
import { expect } from 'vitest';
import type { Question } from './question.ts';

export const DASHBOARD_QUESTIONS: readonly Question[] = [
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
  {
    tool: 'Superset',
    asks: 'what a query would cost',
    sql: 'EXPLAIN SELECT relname FROM pg_catalog.pg_class LIMIT 1000',
    columns: ['QUERY PLAN'],
    row: { 'QUERY PLAN': expect.stringMatching(/^Limit {2}\(cost=[\d.]+\.\.[\d.]+ rows=/) },
  },
  {
    tool: 'Superset',
    asks: 'what a query of a table would cost, and takes no figure for none',
    sql: 'EXPLAIN SELECT id FROM users',
    columns: ['QUERY PLAN'],
    row: { 'QUERY PLAN': 'Query: finite, as of the last tick' },
  },
];
