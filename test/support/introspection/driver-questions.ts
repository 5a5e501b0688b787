/** What drivers and ORMs ask of the system catalog: types, keys, reflection. */
import { expect } from 'vitest';
import type { Question } from './question.ts';

export const DRIVER_QUESTIONS: readonly Question[] = [
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
    tool: 'pgcli',
    asks: 'for the schemas of the path, one a row',
    sql: 'SELECT * FROM unnest(current_schemas(true)) AS path',
    columns: ['path'],
    row: { path: 'public' },
  },
  {
    tool: 'pg_dump',
    asks: 'for a setting that not every server has, and sets it',
    sql: `SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'`,
    columns: ['set_config'],
  },
];
