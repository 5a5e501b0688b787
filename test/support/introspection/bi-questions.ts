/** What Metabase, Superset and Grafana ask from the connection to the rows of a chart. */
import { expect } from 'vitest';
import type { Question } from './question.ts';

const RELATIONS_OF = `pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace`;

export const BI_QUESTIONS: readonly Question[] = [
  {
    tool: 'Metabase',
    asks: 'for its time zone at connect',
    sql: 'SHOW TIMEZONE',
    columns: ['TimeZone'],
    row: { TimeZone: 'UTC' },
  },
  {
    tool: 'Metabase',
    asks: 'for schemas, and which of them it may use',
    sql: `SELECT nspname AS schema, pg_catalog.has_schema_privilege(current_user, nspname, 'USAGE') AS usable
      FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname`,
    columns: ['schema', 'usable'],
    row: { schema: 'public', usable: true },
  },
  {
    tool: 'Metabase',
    asks: 'for tables of every kind, with how many rows they have',
    sql: `SELECT n.nspname AS schema, c.relname AS name,
        CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
          WHEN 'm' THEN 'MATERIALIZED VIEW' END AS type,
        d.description, nullif(stat.n_live_tup, 0) AS estimated_row_count
      FROM ${RELATIONS_OF} LEFT JOIN pg_catalog.pg_description AS d
          ON c.oid = d.objoid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass
        LEFT JOIN pg_stat_user_tables AS stat ON n.nspname = stat.schemaname AND c.relname = stat.relname
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'f', 'm')
      ORDER BY type, schema, name`,
    columns: ['schema', 'name', 'type', 'description', 'estimated_row_count'],
    row: { name: 'users', type: 'TABLE', description: 'people', estimated_row_count: '2' },
  },
  {
    tool: 'Metabase',
    asks: 'for foreign keys, of which there are none',
    sql: `SELECT fn.nspname AS "fk-table-schema", ft.relname AS "fk-table-name", fc.attname AS "fk-column-name",
        pt.relname AS "pk-table-name", pc.attname AS "pk-column-name"
      FROM pg_constraint AS k JOIN pg_class AS ft ON k.conrelid = ft.oid JOIN pg_namespace AS fn ON k.connamespace = fn.oid
        JOIN pg_attribute AS fc ON k.conrelid = fc.attrelid JOIN pg_class AS pt ON k.confrelid = pt.oid
        JOIN pg_attribute AS pc ON k.confrelid = pc.attrelid
      WHERE k.contype = 'f'::char AND fc.attnum = ANY (k.conkey) AND pc.attnum = ANY (k.confkey)`,
    columns: ['fk-table-schema', 'fk-table-name', 'fk-column-name', 'pk-table-name', 'pk-column-name'],
  },
  {
    tool: 'Metabase',
    asks: 'for the first column of each index',
    sql: `SELECT i.table_schema AS "table-schema", i.table_name AS "table-name",
        trim(BOTH '"' FROM pg_catalog.pg_get_indexdef(i.ci_oid, i.pos, false)) AS "field-name"
      FROM (SELECT n.nspname AS table_schema, c.relname AS table_name, ci.oid AS ci_oid,
          (information_schema._pg_expandarray(x.indkey)).n AS pos
        FROM ${RELATIONS_OF} JOIN pg_catalog.pg_index AS x ON c.oid = x.indrelid
          JOIN pg_catalog.pg_class AS ci ON ci.oid = x.indexrelid
        WHERE pg_catalog.pg_get_expr(x.indpred, x.indrelid) IS NULL AND n.nspname !~ '^information_schema|pg_') AS i
      WHERE i.pos = 1`,
    columns: ['table-schema', 'table-name', 'field-name'],
    row: { 'table-name': 'counts', 'field-name': 'tag' },
  },
  {
    tool: 'Metabase',
    asks: 'for enumerations',
    sql: `SELECT n.nspname, t.typname FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON t.typnamespace = n.oid
      WHERE t.oid IN (SELECT DISTINCT enumtypid FROM pg_catalog.pg_enum)`,
    columns: ['nspname', 'typname'],
  },
  {
    tool: 'Metabase',
    asks: 'whether it may read a table, by reading none of it',
    sql: 'SELECT TRUE AS "_" FROM "public"."users" WHERE 1 <> 1 LIMIT 0',
    columns: ['_'],
  },
  {
    tool: 'Metabase',
    asks: 'for the rows of a table',
    sql: `SELECT "public"."users"."id" AS "id", substring("public"."users"."name", 1, 1234) AS "substring1"
      FROM "public"."users" LIMIT 10000`,
    columns: ['id', 'substring1'],
    row: { id: '1', substring1: 'anna' },
  },
  {
    tool: 'Metabase',
    asks: 'for a summary',
    sql: `SELECT "source"."tag" AS "tag", count(*) AS "count", count(distinct "source"."score") AS "count_2"
      FROM (SELECT * FROM "public"."tweets") AS "source" GROUP BY "source"."tag" ORDER BY "source"."tag" ASC LIMIT 2000`,
    columns: ['tag', 'count', 'count_2'],
    row: { tag: 'a', count: '2', count_2: '1' },
  },
  {
    tool: 'Superset',
    asks: 'for the version at connect',
    sql: 'select pg_catalog.version()',
    columns: ['version'],
    row: { version: expect.stringMatching(/^PostgreSQL 18\.\d+ /) },
  },
  {
    tool: 'Superset',
    asks: 'for databases',
    sql: 'SELECT datname FROM pg_database WHERE datistemplate = false',
    columns: ['datname'],
    row: { datname: 'millrace' },
  },
  {
    tool: 'Superset',
    asks: 'for schemas',
    sql: `SELECT n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.nspname NOT LIKE $1 ORDER BY n.nspname`,
    values: ['pg\\_%'],
    columns: ['nspname'],
    row: { nspname: 'public' },
  },
  {
    tool: 'Superset',
    asks: 'for tables, and for foreign ones',
    sql: `SELECT c.relname FROM ${RELATIONS_OF} WHERE c.relkind = ANY (ARRAY[$1, $2]) AND n.nspname = $3`,
    values: ['r', 'f', 'public'],
    columns: ['relname'],
    row: { relname: 'tweets' },
    absent: { relname: 'names' },
  },
  {
    tool: 'Superset',
    asks: 'for comments on tables',
    sql: `SELECT c.relname, d.description FROM ${RELATIONS_OF} LEFT OUTER JOIN pg_catalog.pg_description AS d
        ON c.oid = d.objoid AND d.objsubid = $1 AND d.classoid = CAST('pg_catalog.pg_class' AS REGCLASS)
      WHERE n.nspname = $2 AND c.relname IN ($3)`,
    values: [0, 'public', 'users'],
    columns: ['relname', 'description'],
    row: { relname: 'users', description: 'people' },
  },
  {
    tool: 'Superset',
    asks: 'for the text of a view',
    sql: `SELECT pg_catalog.pg_get_viewdef(c.oid) AS definition FROM ${RELATIONS_OF}
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = ANY (ARRAY['v', 'm'])`,
    values: ['public', 'names'],
    columns: ['definition'],
    row: { definition: expect.stringContaining('SELECT id, name FROM users') },
  },
  {
    tool: 'Superset',
    asks: 'for functions to complete',
    sql: `SELECT DISTINCT p.proname AS name FROM pg_catalog.pg_proc AS p LEFT JOIN pg_catalog.pg_namespace AS n
      ON n.oid = p.pronamespace WHERE n.nspname = 'pg_catalog' AND p.proname = 'date_trunc'`,
    columns: ['name'],
    row: { name: 'date_trunc' },
  },
  {
    tool: 'Superset',
    asks: 'that a query ends, by its process id',
    sql: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid='1'`,
    columns: ['pg_terminate_backend'],
  },
  {
    tool: 'Superset',
    asks: 'for the rows of a chart, and how many there are',
    sql: `SELECT date_trunc('day', at) AS __timestamp, tag AS tag, count(*) AS count FROM public.tweets
      WHERE at >= TO_TIMESTAMP('2026-01-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US')
      GROUP BY date_trunc('day', at), tag ORDER BY count DESC LIMIT 50000`,
    columns: ['__timestamp', 'tag', 'count'],
    row: { tag: 'a', count: '2' },
  },
  {
    tool: 'Superset',
    asks: 'for a sample, page by page',
    sql: `SELECT * FROM public.users LIMIT 1 OFFSET 1`,
    columns: ['id', 'name', 'tags', 'up'],
    row: { id: '5' },
  },
  {
    tool: 'Grafana',
    asks: 'whether the connection works',
    sql: 'SELECT 1',
    columns: ['?column?'],
    row: { '?column?': 1 },
  },
  {
    tool: 'Grafana',
    asks: 'for the version, and whether there is TimescaleDB',
    sql: `SELECT current_setting('server_version_num')::int AS version,
      (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb`,
    columns: ['version', 'timescaledb'],
    row: { version: 180000, timescaledb: null },
  },
  {
    tool: 'Grafana',
    asks: 'for columns of a table in a schema of the path',
    sql: `SELECT quote_ident(c.column_name) AS "column", data_type AS "type" FROM information_schema.columns AS c
      WHERE CASE WHEN array_length(parse_ident('public.tweets'), 1) = 2
        THEN quote_ident(table_schema) = (parse_ident('public.tweets'))[1] AND quote_ident(table_name) = (parse_ident('public.tweets'))[2]
        ELSE quote_ident(table_name) = (parse_ident('public.tweets'))[1] END`,
    columns: ['column', 'type'],
    row: { column: 'at', type: 'timestamp with time zone' },
  },
  {
    tool: 'Grafana',
    asks: 'for a series, grouped by its interval',
    sql: `SELECT floor(extract(epoch from at)/60)*60 AS "time", tag AS metric, avg(score) AS "score" FROM tweets
      WHERE at BETWEEN '2026-01-01T00:00:00Z' AND '2027-01-01T00:00:00Z' GROUP BY 1, 2 ORDER BY 1, 2`,
    columns: ['time', 'metric', 'score'],
    row: { metric: 'a', score: 1.5 },
  },
  {
    tool: 'Grafana',
    asks: 'for a table panel, and how many rows there are',
    sql: 'SELECT tag, n, (SELECT count(*) FROM counts) AS total FROM counts LIMIT 50',
    columns: ['tag', 'n', 'total'],
    row: { tag: 'a', n: '2', total: '1' },
  },
];
