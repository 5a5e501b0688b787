/**
 * Functions of the mirror that answer for this server instead: about the session, which the mirror is told with each
 * query (`millrace.*` settings), about sizes, and about definitions, whose text the mirror keeps where PostgreSQL has
 * trees. Each keeps its OID, arguments and result.
 */
import { OWN_FUNCTION_BASE } from './own-oids.ts';
import { sizePart } from './size-text.ts';

/** Gives no rows of the columns that the function has. */
const NOTHING = null;

const fact = (name: string): string => `nullif(pg_toast.pg_session_fact('millrace.${name}', true), '')`;

const ACTIVITY = `SELECT a.datid, a.pid, to_regrole(quote_ident(a."user"))::oid, a.application_name, a.state, a.query,
  a.wait_event_type, a.wait_event, a.xact_start, a.query_start, a.backend_start, a.state_change, a.client_addr,
  a.client_hostname, a.client_port, a.backend_xid, a.backend_xmin, a.backend_type, a.ssl, a.sslversion,
  a.sslcipher, a.sslbits, a.ssl_client_dn, a.ssl_client_serial, a.ssl_issuer_dn, a.gss_auth, a.gss_princ,
  a.gss_enc, a.gss_delegation, a.leader_pid, a.query_id
  FROM json_to_recordset(${fact('activity')}::json) AS a (datid oid, pid int4, "user" text,
  application_name text, state text, query text, wait_event_type text, wait_event text, xact_start timestamptz,
  query_start timestamptz, backend_start timestamptz, state_change timestamptz, client_addr inet,
  client_hostname text, client_port int4, backend_xid xid, backend_xmin xid, backend_type text, ssl bool,
  sslversion text, sslcipher text, sslbits int4, ssl_client_dn text, ssl_client_serial numeric,
  ssl_issuer_dn text, gss_auth bool, gss_princ text, gss_enc bool, gss_delegation bool, leader_pid int4,
  query_id int8) WHERE $1 IS NULL OR a.pid = $1`;

const SETTINGS = `SELECT s.* FROM json_to_recordset(${fact('settings')}::json) AS s (name text, setting text, unit text,
  category text, short_desc text, extra_desc text, context text, vartype text, source text, min_val text,
  max_val text, enumvals text[], boot_val text, reset_val text, sourcefile text, sourceline int4,
  pending_restart bool) WHERE s.context IS NOT NULL`;

const SETTING = `(SELECT s.shown FROM json_to_recordset(${fact('settings')}::json) AS s (name text, shown text)
  WHERE lower(s.name) = lower($1))`;
/** No setting has a name with this prefix: so PostgreSQL's own function says that there is none. */
const KNOWN_SETTING = `coalesce(${SETTING}, pg_toast.pg_session_fact('millrace.' || $1, false))`;

/** The text in a tree (text-tree.ts), its bytes behind a header of four; or in a list of that; NULL: in another tree. */
const treeText = (tree: string): string => `(SELECT
    convert_from(string_agg(decode(lpad(to_hex(byte & 255), 2, '0'), 'hex'), '' ORDER BY n), 'UTF8')
  FROM unnest(string_to_array(substring(${tree}::text FROM '^\\(?{CONST .* \\[ (.*) \\]'), ' ')::int4[])
    WITH ORDINALITY AS t (byte, n)
  WHERE n > 4)`;

/** The text of a view, or none, as PostgreSQL has it for a table. */
const VIEW_TEXT = `SELECT CASE WHEN ev_class < 16384 THEN pg_toast.pg_original_viewdef(ev_class)
    ELSE ${treeText('ev_action')} END
  FROM pg_rewrite WHERE ev_class = $1 AND rulename = '_RETURN'`;
const NAMED_VIEW_TEXT = VIEW_TEXT.replace('$1', '$1::regclass');

const RULE_TEXT = `SELECT CASE WHEN ev_class < 16384 THEN pg_toast.pg_original_ruledef(oid)
    ELSE format('CREATE RULE "_RETURN" AS ON SELECT TO %s DO INSTEAD %s', ev_class::regclass,
      ${treeText('ev_action')}) END
  FROM pg_rewrite WHERE oid = $1`;

/** Of this server's objects as it is kept, or from a constant of type text; else a tree of PostgreSQL's own. */
const expressionText = (original: string): string => `SELECT CASE WHEN $1::text LIKE '{CONST :consttype 25 %'
    THEN ${treeText('$1')} WHEN $1::text ~ '^\\(?\\{[A-Z]+ :' THEN ${original} ELSE $1::text END`;

/** NULL, not known, for what is not of this server. */
const sizeOf = (size: string): string =>
  `SELECT CASE relkind WHEN 'v' THEN 0 ELSE ${size} END FROM pg_class WHERE oid = $1`;
const ROWS = sizePart(fact('sizes'), 1);
const BYTES = sizePart(fact('sizes'), 2);
const INDEX_BYTES = sizePart(fact('sizes'), 3);

const OWN_FUNCTIONS: Readonly<Record<string, string | typeof NOTHING>> = {
  'version()': `SELECT ${fact('version')}`,
  'pg_backend_pid()': `SELECT ${fact('pid')}::int4`,
  'pg_postmaster_start_time()': `SELECT ${fact('start')}::timestamptz`,
  'pg_conf_load_time()': `SELECT ${fact('load')}::timestamptz`,
  'inet_client_addr()': `SELECT ${fact('client_addr')}::inet`,
  'inet_client_port()': `SELECT ${fact('client_port')}::int4`,
  'inet_server_addr()': `SELECT ${fact('server_addr')}::inet`,
  'inet_server_port()': `SELECT ${fact('server_port')}::int4`,
  'current_setting(text)': `SELECT ${KNOWN_SETTING}`,
  'current_setting(text,boolean)': `SELECT CASE WHEN $2 THEN ${SETTING} ELSE ${KNOWN_SETTING} END`,
  // what it sets the session applies
  'set_config(text,text,boolean)': 'SELECT $2',
  'pg_show_all_settings()': SETTINGS,
  'pg_stat_get_activity(integer)': ACTIVITY,
  'pg_lock_status()': NOTHING,
  'pg_hba_file_rules()': NOTHING,
  'pg_ident_file_mappings()': NOTHING,
  'pg_show_all_file_settings()': NOTHING,
  'pg_available_extensions()': NOTHING,
  'pg_available_extension_versions()': NOTHING,
  'pg_config()': NOTHING,
  'pg_get_loaded_modules()': NOTHING,
  'pg_get_backend_memory_contexts()': NOTHING,
  'pg_get_shmem_allocations()': NOTHING,
  'pg_cursor()': NOTHING,
  'pg_prepared_statement()': NOTHING,
  'pg_get_viewdef(oid)': VIEW_TEXT,
  'pg_get_viewdef(oid,boolean)': VIEW_TEXT,
  'pg_get_viewdef(oid,integer)': VIEW_TEXT,
  'pg_get_viewdef(text)': NAMED_VIEW_TEXT,
  'pg_get_viewdef(text,boolean)': NAMED_VIEW_TEXT,
  'pg_get_ruledef(oid)': RULE_TEXT,
  'pg_get_ruledef(oid,boolean)': RULE_TEXT,
  'pg_get_expr(pg_node_tree,oid)': expressionText('pg_toast.pg_original_expr($1, $2)'),
  'pg_get_expr(pg_node_tree,oid,boolean)': expressionText('pg_toast.pg_original_expr($1, $2, $3)'),
  // INSERT 8, UPDATE 4, DELETE 16: streams only grow
  'pg_relation_is_updatable(regclass,boolean)': `SELECT CASE WHEN relkind <> 'r' THEN 0
    WHEN reloptions @> '{kind=stream}' THEN 8 ELSE 28 END FROM pg_class WHERE oid = $1`,
  'pg_column_is_updatable(regclass,smallint,boolean)': `SELECT c.relkind = 'r' AND a.attgenerated = ''
      AND coalesce(NOT c.reloptions @> '{kind=stream}', true)
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid WHERE c.oid = $1 AND a.attnum = $2`,
  'pg_relation_size(regclass,text)': sizeOf(`CASE $2 WHEN 'main' THEN ${BYTES} ELSE 0 END`),
  'pg_table_size(regclass)': sizeOf(BYTES),
  'pg_total_relation_size(regclass)': sizeOf(`${BYTES} + ${INDEX_BYTES}`),
  'pg_indexes_size(regclass)': sizeOf(INDEX_BYTES),
  'pg_database_size(oid)': `SELECT ${fact('database_size')}::int8 FROM pg_database WHERE oid = $1`,
  'pg_database_size(name)': `SELECT ${fact('database_size')}::int8 FROM pg_database WHERE datname = $1`,
  'pg_stat_get_live_tuples(oid)': `SELECT coalesce(${ROWS}, 0)`,
  'pg_stat_get_db_numbackends(oid)':
    'SELECT count(*)::int4 FROM pg_stat_get_activity(NULL) AS a WHERE a.datid = $1',
  'pg_tablespace_size(oid)': 'SELECT NULL::int8',
  'pg_tablespace_size(name)': 'SELECT NULL::int8',
  'pg_relation_filepath(regclass)': 'SELECT NULL::text',
};

/**
 * Run once over a fresh cluster; what it leaves is the start image.
 *
 * PostgreSQL calls a built-in function by its OID's place in a table of C functions, whatever pg_proc says of it. So the
 * built-in one moves out of sight, into pg_toast, and one of ours takes its name. The system views, which know it by OID,
 * are served too: there the planner puts what pg_proc says in its place (inline_function), and that calls ours.
 */
export const IMAGE_SQL = `
  SET search_path = pg_catalog;
  UPDATE pg_authid SET rolname = 'millrace' WHERE oid = 10;
  DELETE FROM pg_database WHERE datname <> current_database();
  UPDATE pg_database SET datname = 'millrace', datistemplate = false, datcollate = 'C', datctype = 'C';
  DELETE FROM pg_shdescription WHERE classoid = 'pg_database'::regclass;
  UPDATE pg_namespace SET nspowner = 10 WHERE nspname = 'public';
  -- what current_setting() was: the facts' reader can't read itself
  CREATE FUNCTION pg_toast.pg_session_fact(text, bool) RETURNS text LANGUAGE internal STABLE STRICT
    AS 'show_config_by_name_missing_ok';
  CREATE FUNCTION pg_toast.pg_original_viewdef(oid) RETURNS text LANGUAGE internal STABLE STRICT AS 'pg_get_viewdef';
  CREATE FUNCTION pg_toast.pg_original_ruledef(oid) RETURNS text LANGUAGE internal STABLE STRICT AS 'pg_get_ruledef';
  CREATE FUNCTION pg_toast.pg_original_expr(pg_node_tree, oid) RETURNS text LANGUAGE internal STABLE STRICT
    AS 'pg_get_expr';
  CREATE FUNCTION pg_toast.pg_original_expr(pg_node_tree, oid, bool) RETURNS text LANGUAGE internal STABLE STRICT
    AS 'pg_get_expr_ext';
  -- an ACL that holds nothing: no text can be read as one
  CREATE FUNCTION pg_toast.pg_no_access() RETURNS int LANGUAGE internal AS 'pg_backend_pid';
  REVOKE ALL ON FUNCTION pg_toast.pg_no_access() FROM PUBLIC, CURRENT_USER;
  GRANT USAGE ON SCHEMA pg_toast TO public;
  DO $do$
    DECLARE
      own record;
      header text;
      body text;
      names text;
    BEGIN
      FOR own IN SELECT p.oid, p.proname, p.proretset, p.pronargs, p.proallargtypes, p.proargmodes, f.body
          FROM json_to_recordset('${JSON.stringify(
            Object.entries(OWN_FUNCTIONS).map(([identity, body]) => ({ identity, body })),
          ).replaceAll("'", "''")}') AS f (identity text, body text)
          JOIN pg_proc AS p ON p.oid = f.identity::regprocedure
      LOOP
        header := pg_get_functiondef(own.oid);
        header := replace(left(header, strpos(header, E'\\nAS $function$')), ' LANGUAGE internal', ' LANGUAGE sql');
        body := own.body;
        IF body IS NULL THEN
          SELECT 'SELECT ' || string_agg(format('NULL::%s', format_type(t.type, -1)), ', ' ORDER BY t.ordinality)
              || ' WHERE false'
            INTO body
            FROM unnest(own.proallargtypes, own.proargmodes) WITH ORDINALITY AS t (type, mode, ordinality)
            WHERE t.mode = 'o';
        END IF;
        SELECT string_agg('$' || n, ', ' ORDER BY n) INTO names FROM generate_series(1, own.pronargs) AS n;
        UPDATE pg_proc SET pronamespace = 'pg_toast'::regnamespace, prolang = 14,
            prosrc = format(CASE WHEN own.proretset THEN 'SELECT * FROM' ELSE 'SELECT' END || ' pg_catalog.%I(%s)',
              own.proname, names),
            proisstrict = proisstrict AND own.pronargs > 0 AND NOT own.proretset,
            -- what the planner asks of a function before it puts its text in its place
            provolatile = CASE WHEN own.proretset THEN 's' ELSE provolatile END
          WHERE oid = own.oid;
        EXECUTE header || format('AS %L', body);
        UPDATE pg_description AS d SET objoid = p.oid
          FROM pg_proc AS p, pg_proc AS replaced
          WHERE replaced.oid = own.oid AND p.proname = replaced.proname AND p.proargtypes = replaced.proargtypes
            AND p.pronamespace = 'pg_catalog'::regnamespace
            AND d.objoid = own.oid AND d.classoid = 'pg_proc'::regclass;
      END LOOP;
    END
  $do$;
  -- out of the way of our catalog's OIDs
  UPDATE pg_depend SET objid = objid::int8 + ${OWN_FUNCTION_BASE}
    WHERE classid = 'pg_proc'::regclass AND objid >= 16384;
  UPDATE pg_description SET objoid = objoid::int8 + ${OWN_FUNCTION_BASE}
    WHERE classoid = 'pg_proc'::regclass AND objoid >= 16384;
  UPDATE pg_proc SET oid = oid::int8 + ${OWN_FUNCTION_BASE} WHERE oid >= 16384;
  DELETE FROM pg_depend WHERE refclassid = 'pg_extension'::regclass;
  DELETE FROM pg_extension;
  DELETE FROM pg_description WHERE classoid IN ('pg_extension'::regclass, 'pg_language'::regclass);
  DELETE FROM pg_language WHERE lanname = 'plpgsql';
  DELETE FROM pg_proc WHERE proname LIKE 'plpgsql%';
  RESET search_path;
  CHECKPOINT;
`;
