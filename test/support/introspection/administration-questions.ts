/** What pgAdmin asks for its tree, its property sheets, its dashboard and its query tool. */
import { expect } from 'vitest';
import type { Question } from './question.ts';

export const ADMINISTRATION_QUESTIONS: readonly Question[] = [
  {
    tool: 'pgAdmin',
    asks: 'for plain indexes: those of no constraint',
    sql: `SELECT DISTINCT ON (ci.relname) ci.oid, ci.relname AS name,
        EXISTS (SELECT 1 FROM pg_catalog.pg_inherits AS inh WHERE inh.inhrelid = ci.oid) AS is_inherited
      FROM pg_catalog.pg_index AS ix JOIN pg_catalog.pg_class AS ci ON ci.oid = ix.indexrelid
        LEFT JOIN pg_catalog.pg_depend AS de ON de.classid = ci.tableoid AND de.objid = ci.oid AND de.refobjsubid = '0'
          AND de.refclassid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = 'pg_constraint') AND de.deptype = 'i'
        LEFT JOIN pg_catalog.pg_constraint AS co ON co.tableoid = de.refclassid AND co.oid = de.refobjid
      WHERE ix.indrelid IN ('users'::regclass, 'counts'::regclass) AND co.conname IS NULL ORDER BY ci.relname`,
    columns: ['oid', 'name', 'is_inherited'],
    row: { name: 'counts_tag', is_inherited: false },
    absent: { name: 'users_pkey' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for the sheet of a view',
    sql: `SELECT v.oid, v.xmin, v.relkind, v.relname AS name, v.relispopulated AS ispopulated,
        pg_catalog.pg_get_userbyid(v.relowner) AS owner, pg_catalog.array_to_string(v.relacl::text[], ', ') AS acl,
        pg_catalog.pg_get_viewdef(v.oid, true) AS definition,
        substring(pg_catalog.array_to_string(v.reloptions, ',') FROM 'check_option=([a-z]*)') AS check_option
      FROM pg_catalog.pg_class AS v WHERE v.relhasrules AND v.relkind IN ('v', 'm') AND v.relnamespace = 2200::oid
        AND EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite AS ru
          WHERE ru.ev_class = v.oid AND pg_catalog.bpchar(ru.ev_type) = '1'::bpchar)`,
    columns: ['oid', 'xmin', 'relkind', 'name', 'ispopulated', 'owner', 'acl', 'definition', 'check_option'],
    row: { name: 'names', relkind: 'v', definition: ' SELECT id, name FROM users WHERE id > 3;' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for the views of the server itself',
    sql: `SELECT v.relname, pg_catalog.pg_get_viewdef(v.oid) AS definition, pg_catalog.pg_get_ruledef(ru.oid) AS rule
      FROM pg_catalog.pg_class AS v JOIN pg_catalog.pg_rewrite AS ru ON ru.ev_class = v.oid
      WHERE v.relhasrules AND v.relnamespace = 'millrace'::regnamespace`,
    columns: ['relname', 'definition', 'rule'],
    row: { relname: 'ticks', definition: null },
  },
  {
    tool: 'pgAdmin',
    asks: 'what a table stands in',
    sql: `SELECT DISTINCT de.deptype, de.refclassid::regclass::text AS class, ns.nspname FROM pg_catalog.pg_depend AS de
      LEFT JOIN pg_catalog.pg_namespace AS ns ON ns.oid = de.refobjid
      WHERE de.objid = 'users'::regclass::oid AND de.classid = 'pg_class'::regclass`,
    columns: ['deptype', 'class', 'nspname'],
    row: { deptype: 'n', class: 'pg_namespace', nspname: 'public' },
  },
  {
    tool: 'pgAdmin',
    asks: 'what stands on a table',
    sql: `SELECT DISTINCT de.deptype, de.classid::regclass::text AS class, co.conname, po.polname, ty.typname,
        coalesce(vi.relname) AS view, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid) AS initial
      FROM pg_catalog.pg_depend AS de LEFT JOIN pg_catalog.pg_constraint AS co ON co.oid = de.objid
        LEFT JOIN pg_catalog.pg_policy AS po ON po.oid = de.objid LEFT JOIN pg_catalog.pg_type AS ty ON ty.oid = de.objid
        LEFT JOIN pg_catalog.pg_attrdef AS ad ON ad.oid = de.objid
        LEFT JOIN pg_catalog.pg_rewrite AS ru ON ru.oid = de.objid LEFT JOIN pg_catalog.pg_class AS vi ON vi.oid = ru.ev_class
      WHERE de.refobjid = 'users'::regclass::oid`,
    columns: ['deptype', 'class', 'conname', 'polname', 'typname', 'view', 'initial'],
    row: { deptype: 'n', class: 'pg_rewrite', view: 'names', conname: null, initial: null },
  },
  {
    tool: 'pgAdmin',
    asks: 'what constrains a column',
    sql: `SELECT co.conname, co.contype, de.refobjsubid FROM pg_catalog.pg_depend AS de
      JOIN pg_catalog.pg_constraint AS co ON co.oid = de.objid AND de.classid = co.tableoid
      WHERE de.refobjid = 'users'::regclass::oid AND de.deptype = 'a'`,
    columns: ['conname', 'contype', 'refobjsubid'],
    row: { conname: 'users_pkey', contype: 'p', refobjsubid: 1 },
  },
  {
    tool: 'pgAdmin',
    asks: 'which objects name a role',
    sql: `SELECT sd.deptype, sd.classid::regclass::text AS class, ro.rolname, cl.relname FROM pg_catalog.pg_shdepend AS sd
      JOIN pg_catalog.pg_roles AS ro ON ro.oid = sd.refobjid AND sd.refclassid = 'pg_authid'::regclass
      JOIN pg_catalog.pg_database AS db ON db.oid = sd.dbid AND db.datname = current_database()
      LEFT JOIN pg_catalog.pg_class AS cl ON cl.oid = sd.objid WHERE ro.rolname = 'reader'`,
    columns: ['deptype', 'class', 'rolname', 'relname'],
    row: { deptype: 'a', class: 'pg_class', relname: 'users' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for roles with their members, and who administers them',
    sql: `SELECT r.oid, r.rolname, r.rolsuper, r.rolconnlimit, '********' AS rolpassword, r.rolvaliduntil, r.rolconfig,
        pg_catalog.shobj_description(r.oid, 'pg_authid') AS description,
        ARRAY(SELECT CASE WHEN am.admin_option THEN '1' ELSE '0' END || g.rolname FROM pg_catalog.pg_auth_members AS am
          JOIN pg_catalog.pg_roles AS g ON g.oid = am.roleid WHERE am.member = r.oid ORDER BY g.rolname) AS rolmembership,
        (SELECT pg_catalog.array_agg(provider || '=' || label) FROM pg_catalog.pg_shseclabel AS sl WHERE sl.objoid = r.oid) AS seclabels
      FROM pg_catalog.pg_roles AS r ORDER BY r.rolcanlogin, r.rolname`,
    columns: [
      'oid',
      'rolname',
      'rolsuper',
      'rolconnlimit',
      'rolpassword',
      'rolvaliduntil',
      'rolconfig',
      'description',
      'rolmembership',
      'seclabels',
    ],
    row: { rolname: 'reader', rolsuper: false, rolmembership: ['0team'] },
  },
  {
    tool: 'pgAdmin',
    asks: 'for grants, one a row',
    sql: `SELECT 'relacl' AS deftype, coalesce(gt.rolname, 'PUBLIC') AS grantee, g.rolname AS grantor,
        pg_catalog.array_agg(ac.privilege_type ORDER BY ac.privilege_type) AS privileges,
        pg_catalog.array_agg(ac.is_grantable) AS grantable
      FROM (SELECT (d).grantee AS grantee, (d).grantor AS grantor, (d).is_grantable AS is_grantable,
          CASE (d).privilege_type WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' ELSE 'U' END AS privilege_type
        FROM (SELECT pg_catalog.aclexplode(c.relacl) AS d FROM pg_catalog.pg_class AS c WHERE c.relname = 'users') AS a) AS ac
        LEFT JOIN pg_catalog.pg_roles AS g ON ac.grantor = g.oid LEFT JOIN pg_catalog.pg_roles AS gt ON ac.grantee = gt.oid
      GROUP BY g.rolname, gt.rolname`,
    columns: ['deftype', 'grantee', 'grantor', 'privileges', 'grantable'],
    row: { grantee: 'reader', grantor: 'millrace', privileges: ['r'], grantable: [true] },
  },
  {
    tool: 'pgAdmin',
    asks: 'for casts that were made by users',
    sql: `SELECT ca.oid, pg_catalog.concat(pg_catalog.format_type(ca.castsource, NULL), '->', pg_catalog.format_type(ca.casttarget, NULL)) AS name
      FROM pg_catalog.pg_cast AS ca WHERE ca.oid > 16383::oid OR ca.casttarget = 'pg_node_tree'::regtype`,
    columns: ['oid', 'name'],
    absent: { name: 'text->pg_node_tree' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for types that a column may have',
    sql: `SELECT format_type(t.oid, NULL) AS typname, CASE WHEN t.typelem > 0 THEN t.typelem ELSE t.oid END AS elemoid, t.typlen,
        t.typtype, t.oid, n.nspname, (SELECT count(1) FROM pg_catalog.pg_type AS o WHERE o.typname = t.typname) > 1 AS isdup
      FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
      WHERE NOT (t.typname = 'unknown' AND n.nspname = 'pg_catalog') AND t.typisdefined AND t.typtype IN ('b', 'c', 'd', 'e', 'r')
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = t.typnamespace AND relname = t.typname AND relkind != 'c')`,
    columns: ['typname', 'elemoid', 'typlen', 'typtype', 'oid', 'nspname', 'isdup'],
    row: { typname: 'timestamp with time zone', oid: 1184, isdup: false },
  },
  {
    tool: 'pgAdmin',
    asks: 'for functions with their languages and arguments',
    sql: `SELECT p.oid, p.proname || '(' || coalesce(pg_catalog.pg_get_function_identity_arguments(p.oid), '') || ')' AS name,
        l.lanname, pg_catalog.pg_get_userbyid(p.proowner) AS funcowner, pg_catalog.pg_get_function_result(p.oid) AS prorettypename
      FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
      WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'w') AND p.proname = 'version'`,
    columns: ['oid', 'name', 'lanname', 'funcowner', 'prorettypename'],
    row: { name: 'version()', prorettypename: 'text' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for the keys by which a grid of rows can be edited',
    sql: `SELECT at.attname, at.attnum, ty.typname FROM pg_catalog.pg_attribute AS at
      JOIN pg_catalog.pg_type AS ty ON ty.oid = at.atttypid,
      (SELECT co.conkey, co.conrelid FROM pg_catalog.pg_class AS cl
        LEFT JOIN pg_catalog.pg_constraint AS co ON co.conrelid = cl.oid AND co.contype = 'p'
        WHERE cl.oid = 'users'::regclass::oid) AS k
      WHERE at.attrelid = k.conrelid AND at.attnum = ANY (k.conkey)`,
    columns: ['attname', 'attnum', 'typname'],
    row: { attname: 'id', attnum: 1, typname: 'int8' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for sessions, with who blocks them',
    sql: `SELECT pid, datname, usename, application_name, client_addr, state,
        pg_catalog.to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS backend_start,
        wait_event_type || ': ' || wait_event AS wait_event,
        pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(pid), ', ') AS blocking_pids, query
      FROM pg_catalog.pg_stat_activity WHERE datname = 'millrace' ORDER BY pid`,
    columns: [
      'pid',
      'datname',
      'usename',
      'application_name',
      'client_addr',
      'state',
      'backend_start',
      'wait_event',
      'blocking_pids',
      'query',
    ],
    row: { usename: 'anna', state: 'active', blocking_pids: '' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for locks and prepared transactions, of which there are none',
    sql: `SELECT l.pid, l.locktype, l.mode, l.granted, pd.datname, l.relation::regclass AS relation
      FROM pg_catalog.pg_locks AS l LEFT OUTER JOIN pg_catalog.pg_database AS pd ON l.database = pd.oid
      UNION ALL SELECT NULL, gid, owner, true, database, NULL FROM pg_catalog.pg_prepared_xacts`,
    columns: ['pid', 'locktype', 'mode', 'granted', 'datname', 'relation'],
  },
  {
    tool: 'pgAdmin',
    asks: 'for a table’s size, and for its statistics, which are not kept here',
    sql: `SELECT st.seq_scan, st.n_tup_ins, st.n_live_tup, st.last_vacuum, io.heap_blks_read,
        pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(st.relid)) AS size
      FROM pg_catalog.pg_stat_all_tables AS st JOIN pg_catalog.pg_statio_all_tables AS io USING (relid)
      WHERE st.relid = 'users'::regclass::oid`,
    columns: ['seq_scan', 'n_tup_ins', 'n_live_tup', 'last_vacuum', 'heap_blks_read', 'size'],
    row: {
      n_tup_ins: '0',
      n_live_tup: '2',
      last_vacuum: null,
      size: expect.stringMatching(/^\d+ (bytes|kB)$/),
    },
  },
  {
    tool: 'pgAdmin',
    asks: 'how bytes are shown, and sets it at connect',
    sql: `SELECT set_config('bytea_output', 'hex', false) FROM pg_show_all_settings() WHERE name = 'bytea_output'`,
    columns: ['set_config'],
    row: { set_config: 'hex' },
  },
  {
    tool: 'pgAdmin',
    asks: 'for the server’s statistics and whether it recovers',
    sql: `SELECT CASE WHEN usesuper THEN pg_is_in_recovery() ELSE false END AS inrecovery,
        CASE WHEN usesuper AND pg_is_in_recovery() THEN pg_last_wal_receive_lsn() END AS receive_lsn,
        CASE WHEN usesuper AND pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS isreplaypaused
      FROM pg_catalog.pg_user WHERE usename = current_user`,
    columns: ['inrecovery', 'receive_lsn', 'isreplaypaused'],
    row: { inrecovery: false, isreplaypaused: null },
  },
  {
    tool: 'pgAdmin',
    asks: 'for databases, their sizes and sessions',
    sql: `SELECT db.oid AS did, db.datname AS name, ta.spcname, db.datallowconn, pg_catalog.pg_encoding_to_char(db.encoding) AS encoding,
        pg_catalog.pg_get_userbyid(datdba) AS datowner, pg_catalog.has_database_privilege(db.oid, 'CREATE') AS cancreate,
        st.numbackends, pg_catalog.pg_database_size(db.oid) > 0 AS sized
      FROM pg_catalog.pg_database AS db LEFT OUTER JOIN pg_catalog.pg_tablespace AS ta ON db.dattablespace = ta.oid
        LEFT JOIN pg_catalog.pg_stat_database AS st ON st.datid = db.oid WHERE db.oid > 0::oid ORDER BY db.datname`,
    columns: [
      'did',
      'name',
      'spcname',
      'datallowconn',
      'encoding',
      'datowner',
      'cancreate',
      'numbackends',
      'sized',
    ],
    row: { name: 'millrace', spcname: 'pg_default', numbackends: 1, sized: true },
  },
  {
    tool: 'pgAdmin',
    asks: 'for schemas with what may be done there',
    sql: `SELECT nsp.oid, nsp.nspname AS name, pg_catalog.has_schema_privilege(nsp.oid, 'CREATE') AS can_create,
        pg_catalog.has_schema_privilege(nsp.oid, 'USAGE') AS has_usage, des.description
      FROM pg_catalog.pg_namespace AS nsp LEFT OUTER JOIN pg_catalog.pg_description AS des
        ON des.objoid = nsp.oid AND des.classoid = 'pg_namespace'::regclass
      WHERE nspname NOT LIKE 'pg\\_%' AND NOT (nsp.nspname = 'information_schema') ORDER BY nspname`,
    columns: ['oid', 'name', 'can_create', 'has_usage', 'description'],
    row: { name: 'public', can_create: true, has_usage: true },
  },
  {
    tool: 'pgAdmin',
    asks: 'for columns, how they are stored and generated',
    sql: `SELECT att.attname AS name, att.attnum, att.attstorage, pg_catalog.format_type(ty.oid, att.atttypmod) AS cltype,
        pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS defval, att.attgenerated,
        CASE WHEN att.attndims > 0 THEN 1 ELSE 0 END AS isarrayed, des.description, cl.relname AS relname,
        EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = att.attrelid AND contype = 'f' AND att.attnum = ANY (conkey)) AS is_fk
      FROM pg_catalog.pg_attribute AS att JOIN pg_catalog.pg_type AS ty ON ty.oid = atttypid
        JOIN pg_catalog.pg_class AS cl ON cl.oid = attrelid
        LEFT OUTER JOIN pg_catalog.pg_attrdef AS def ON adrelid = att.attrelid AND adnum = att.attnum
        LEFT OUTER JOIN pg_catalog.pg_description AS des ON des.objoid = att.attrelid AND des.objsubid = att.attnum
          AND des.classoid = 'pg_class'::regclass
      WHERE att.attrelid = 'users'::regclass AND att.attnum > 0 AND NOT att.attisdropped ORDER BY att.attnum`,
    columns: [
      'name',
      'attnum',
      'attstorage',
      'cltype',
      'defval',
      'attgenerated',
      'isarrayed',
      'description',
      'relname',
      'is_fk',
    ],
    row: {
      name: 'up',
      attnum: 4,
      cltype: 'text',
      attgenerated: 's',
      defval: 'upper(name::text)',
      is_fk: false,
    },
  },
  {
    tool: 'pgAdmin',
    asks: 'for the first rows of a table',
    sql: 'SELECT * FROM public.users ORDER BY id ASC LIMIT 100',
    columns: ['id', 'name', 'tags', 'up'],
    row: { id: '1', name: 'anna', tags: null, up: 'ANNA' },
  },
  {
    tool: 'pgAdmin',
    asks: 'how many rows a table has',
    sql: 'SELECT COUNT(*) FROM public.users',
    columns: ['count'],
    row: { count: '2' },
  },
];
