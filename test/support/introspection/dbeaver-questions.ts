/** What DBeaver asks: its tree of objects, their sheets and DDL, its searches, its lists of sessions and locks. */
import { expect } from 'vitest';
import type { Question } from './question.ts';

const described = (relation: string): string =>
  `LEFT OUTER JOIN pg_catalog.pg_description AS d ON d.objoid = x.oid AND d.objsubid = 0 AND d.classoid = '${relation}'::regclass`;

export const DBEAVER_QUESTIONS: readonly Question[] = [
  {
    tool: 'DBeaver',
    asks: 'where it is, at connect',
    sql: 'SELECT current_schema(), session_user',
    columns: ['current_schema', 'session_user'],
    row: { current_schema: 'public', session_user: 'anna' },
  },
  {
    tool: 'DBeaver',
    asks: 'whether there are enumerations, by a query without rows',
    sql: 'SELECT * FROM pg_catalog.pg_enum WHERE 1 <> 1 LIMIT 1',
    columns: ['oid', 'enumtypid', 'enumsortorder', 'enumlabel'],
  },
  {
    tool: 'DBeaver',
    asks: 'for a setting of the server',
    sql: 'SELECT * FROM pg_catalog.pg_settings WHERE name = $1',
    values: ['server_version'],
    columns: expect.arrayContaining([
      'setting',
      'category',
      'vartype',
      'enumvals',
      'pending_restart',
    ]) as never,
    row: { name: 'server_version', setting: '18.0', vartype: 'string' },
  },
  {
    tool: 'DBeaver',
    asks: 'for databases that can be connected to',
    sql: `SELECT x.oid, x.* FROM pg_catalog.pg_database AS x
      WHERE datallowconn AND NOT datistemplate OR x.datname = $1 ORDER BY x.datname`,
    values: ['millrace'],
    columns: expect.arrayContaining(['datname', 'datdba', 'encoding', 'dattablespace', 'datacl']) as never,
    row: { datname: 'millrace', datallowconn: true },
  },
  {
    tool: 'DBeaver',
    asks: 'how large databases are',
    sql: `SELECT datname, pg_database_size(oid) > 0 AS has_size FROM pg_catalog.pg_database WHERE oid = $1::int8`,
    values: [5],
    columns: ['datname', 'has_size'],
    row: { datname: 'millrace', has_size: true },
  },
  {
    tool: 'DBeaver',
    asks: 'for columns with defaults, comments and sequences behind them',
    sql: `SELECT c.relname, x.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) AS def_value, dsc.description, dep.objid
      FROM pg_catalog.pg_attribute AS x JOIN pg_catalog.pg_class AS c ON x.attrelid = c.oid
        LEFT OUTER JOIN pg_catalog.pg_attrdef AS ad ON x.attrelid = ad.adrelid AND x.attnum = ad.adnum
        LEFT OUTER JOIN pg_catalog.pg_description AS dsc ON c.oid = dsc.objoid AND x.attnum = dsc.objsubid
        LEFT OUTER JOIN pg_depend AS dep ON dep.refobjid = x.attrelid AND dep.deptype = 'i' AND dep.refobjsubid = x.attnum
          AND dep.classid = dep.refclassid
      WHERE NOT x.attisdropped AND c.relkind NOT IN ('i', 'I', 'c') AND c.relnamespace = $1::int8 ORDER BY x.attnum`,
    values: [2200],
    columns: expect.arrayContaining([
      'attname',
      'atttypmod',
      'attidentity',
      'def_value',
      'description',
      'objid',
    ]) as never,
    row: {
      relname: 'users',
      attname: 'name',
      atttypmod: 24,
      def_value: expect.stringMatching(/^'x'::character varying/),
      description: 'their name',
      objid: null,
    },
  },
  {
    tool: 'DBeaver',
    asks: 'for constraints of a schema',
    sql: `SELECT x.oid, x.*, t.relname AS tabrelname, rt.relnamespace AS refnamespace, d.description,
        CASE WHEN x.contype = 'c' THEN "substring"(pg_get_constraintdef(x.oid), 7) END AS consrc_copy
      FROM pg_catalog.pg_constraint AS x JOIN pg_catalog.pg_class AS t ON t.oid = x.conrelid
        LEFT OUTER JOIN pg_catalog.pg_class AS rt ON rt.oid = x.confrelid ${described('pg_constraint')}
      WHERE t.relnamespace = $1::int8 ORDER BY x.oid`,
    values: [2200],
    columns: expect.arrayContaining([
      'conname',
      'conkey',
      'confkey',
      'tabrelname',
      'refnamespace',
      'consrc_copy',
    ]) as never,
    row: { conname: 'users_pkey', contype: 'p', conkey: [1], tabrelname: 'users', consrc_copy: null },
  },
  {
    tool: 'DBeaver',
    asks: 'for indexes with their sizes and how often they were read',
    sql: `SELECT x.*, x.indkey AS keys, c.relname, c.relam, tc.relname AS tabrelname, dsc.description,
        pg_catalog.pg_get_expr(x.indpred, x.indrelid) AS pred_expr, pg_catalog.pg_get_expr(x.indexprs, x.indrelid, true) AS expr,
        pg_catalog.pg_relation_size(x.indexrelid) AS index_rel_size, pg_catalog.pg_stat_get_numscans(x.indexrelid) AS index_num_scans
      FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid
        JOIN pg_catalog.pg_class AS tc ON tc.oid = x.indrelid
        LEFT OUTER JOIN pg_catalog.pg_description AS dsc ON x.indexrelid = dsc.objoid
      WHERE c.relnamespace = $1::int8 ORDER BY c.relname`,
    values: [2200],
    columns: expect.arrayContaining(['indisunique', 'keys', 'relam', 'pred_expr', 'index_rel_size']) as never,
    row: {
      relname: 'counts_tag',
      tabrelname: 'counts',
      keys: '1',
      index_rel_size: expect.stringMatching(/^\d+$/),
      index_num_scans: '0',
    },
  },
  {
    tool: 'DBeaver',
    asks: 'for functions with the defaults of their arguments',
    sql: `SELECT x.oid AS poid, x.*, pg_catalog.pg_get_expr(x.proargdefaults, 0) AS arg_defaults, d.description
      FROM pg_catalog.pg_proc AS x ${described('pg_proc')} WHERE x.pronamespace = $1::int8 AND x.proname = 'make_interval'`,
    values: [11],
    columns: expect.arrayContaining([
      'poid',
      'proname',
      'proargtypes',
      'prokind',
      'arg_defaults',
      'description',
    ]) as never,
    row: { proname: 'make_interval', arg_defaults: expect.stringMatching(/^0, 0, 0/) },
  },
  {
    tool: 'DBeaver',
    asks: 'for aggregates and what they are made of',
    sql: `SELECT (pg_identify_object('pg_proc'::regclass, aggfnoid, 0)).identity, aggtransfn::regproc,
        format_type(aggtranstype, NULL) AS aggtranstype, CASE aggsortop WHEN 0 THEN NULL ELSE oprname END AS sortop, agginitval
      FROM pg_aggregate LEFT JOIN pg_operator ON pg_operator.oid = aggsortop WHERE aggfnoid = 'count()'::regprocedure`,
    columns: ['identity', 'aggtransfn', 'aggtranstype', 'sortop', 'agginitval'],
    row: { identity: 'pg_catalog.count()', aggtransfn: 'int8inc', aggtranstype: 'bigint', agginitval: '0' },
  },
  {
    tool: 'DBeaver',
    asks: 'for roles, their members and settings',
    sql: `SELECT x.oid, x.*, pd.description, s.setconfig, m.roleid::regrole::text AS member_of FROM pg_catalog.pg_roles AS x
      LEFT JOIN pg_catalog.pg_shdescription AS pd ON x.oid = pd.objoid
      LEFT JOIN pg_catalog.pg_db_role_setting AS s ON s.setrole = x.oid
      LEFT JOIN pg_catalog.pg_auth_members AS m ON m.member = x.oid ORDER BY x.rolname`,
    columns: expect.arrayContaining([
      'rolname',
      'rolcanlogin',
      'rolconnlimit',
      'setconfig',
      'member_of',
    ]) as never,
    row: { rolname: 'reader', rolcanlogin: true, member_of: 'team' },
  },
  {
    tool: 'DBeaver',
    asks: 'what a role may do with tables',
    sql: `SELECT * FROM information_schema.table_privileges WHERE table_catalog = $1 AND grantee = $2`,
    values: ['millrace', 'reader'],
    columns: expect.arrayContaining([
      'table_name',
      'privilege_type',
      'is_grantable',
      'with_hierarchy',
    ]) as never,
    row: { grantor: 'millrace', table_name: 'users', privilege_type: 'SELECT', is_grantable: 'YES' },
  },
  {
    tool: 'DBeaver',
    asks: 'for schemas and relations that name a role',
    sql: `SELECT * FROM (
        SELECT DISTINCT relnamespace, relacl, relname, relkind, (aclexplode(relacl)).grantee AS g FROM pg_class
          WHERE relacl IS NOT NULL AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname NOT LIKE 'pg_%')
        UNION ALL SELECT DISTINCT oid, nspacl, nspname, CAST('C' AS "char"), (aclexplode(nspacl)).grantee
          FROM pg_namespace WHERE nspacl IS NOT NULL) AS t WHERE t.g = 'reader'::regrole`,
    columns: ['relnamespace', 'relacl', 'relname', 'relkind', 'g'],
    row: { relname: 'users', relkind: 'r', relacl: expect.stringContaining('reader=r*/millrace') },
  },
  {
    tool: 'DBeaver',
    asks: 'for policies of a table',
    sql: 'SELECT * FROM pg_catalog.pg_policies WHERE schemaname = $1 AND tablename = $2',
    values: ['public', 'users'],
    columns: ['schemaname', 'tablename', 'policyname', 'permissive', 'roles', 'cmd', 'qual', 'with_check'],
    row: { policyname: 'few', permissive: 'PERMISSIVE', cmd: 'SELECT', qual: 'id > 3' },
  },
  {
    tool: 'DBeaver',
    asks: 'for sizes of a schema’s relations',
    sql: `SELECT c.relname, pg_catalog.pg_total_relation_size(c.oid) > 0 AS total, pg_catalog.pg_relation_size(c.oid) > 0 AS own
      FROM pg_class AS c WHERE c.relnamespace = $1::int8`,
    values: [2200],
    columns: ['relname', 'total', 'own'],
    row: { relname: 'users', total: true, own: true },
  },
  {
    tool: 'DBeaver',
    asks: 'for triggers, rules and ancestors, of which there are none',
    sql: `SELECT x.oid, x.tgname AS name, p.pronamespace FROM pg_catalog.pg_trigger AS x
        LEFT OUTER JOIN pg_catalog.pg_proc AS p ON p.oid = x.tgfoid WHERE NOT x.tgisinternal
      UNION ALL SELECT r.oid, pg_get_ruledef(r.oid), NULL FROM pg_rewrite AS r
        WHERE r.ev_class = 'names'::regclass AND r.rulename <> '_RETURN'::name
      UNION ALL SELECT i.inhrelid, i.inhseqno::text, NULL FROM pg_catalog.pg_inherits AS i`,
    columns: ['oid', 'name', 'pronamespace'],
  },
  {
    tool: 'DBeaver',
    asks: 'for access methods, collations, languages and tablespaces',
    sql: `SELECT oid, amname AS name, NULL AS location FROM pg_catalog.pg_am
      UNION ALL SELECT oid, collname, NULL FROM pg_catalog.pg_collation UNION ALL SELECT oid, lanname, NULL FROM pg_catalog.pg_language
      UNION ALL SELECT oid, spcname, pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace`,
    columns: ['oid', 'name', 'location'],
    row: { name: 'pg_default', location: '' },
  },
  {
    tool: 'DBeaver',
    asks: 'for what a word occurs in: names, comments, definitions',
    sql: `SELECT x.oid, x.relname, x.relnamespace, x.relkind FROM pg_catalog.pg_class AS x
      WHERE x.relkind IN ('r', 'v', 'm', 'f') AND (x.relname ILIKE $1 OR obj_description(x.oid, 'pg_class') ILIKE $1
        OR (x.relkind = 'v' AND pg_get_viewdef(x."oid") ILIKE $1)) AND x.relnamespace IN ($2) ORDER BY x.relname LIMIT 10`,
    values: ['%users%', 2200],
    columns: ['oid', 'relname', 'relnamespace', 'relkind'],
    row: { relname: 'names', relkind: 'v' },
  },
  {
    tool: 'DBeaver',
    asks: 'for sessions, with all that is known of each',
    sql: 'SELECT sa.* FROM pg_catalog.pg_stat_activity AS sa',
    columns: expect.arrayContaining([
      'pid',
      'usename',
      'client_port',
      'backend_xmin',
      'query_id',
      'backend_type',
    ]) as never,
    row: { usename: 'anna', state: 'active', backend_type: 'client backend' },
  },
  {
    tool: 'DBeaver',
    asks: 'for locks of a session',
    sql: `SELECT coalesce(db.datname, '') AS datname, coalesce(l.relation::regclass::varchar, '') AS relation,
        coalesce(l.transactionid::varchar, '') AS tid, l.page, l.tuple, l.pid, l.granted
      FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_database AS db ON db.oid = l.database WHERE l.pid = $1`,
    values: [1],
    columns: ['datname', 'relation', 'tid', 'page', 'tuple', 'pid', 'granted'],
  },
  {
    tool: 'DBeaver',
    asks: 'for a page of a table, and how many rows there are',
    sql: `SELECT (SELECT count(*) FROM (SELECT * FROM public.users) AS counted) AS n, u.* FROM public.users AS u
      ORDER BY id LIMIT 200 OFFSET 1`,
    columns: ['n', 'id', 'name', 'tags', 'up'],
    row: { n: '2', id: '5', name: 'bert' },
    absent: { id: '1' },
  },
];
