/**
 * SQL that makes the mirror what our catalog is. Rows are written into the system tables themselves: so the OIDs are
 * ours, nothing has storage, and a thousand tables take one statement for each table of the catalog.
 */
import { BOOTSTRAP_ROLE_OID } from '../../runtime/plan/authorization.ts';
import { DEPENDENCY_INSERTIONS, dependencyRemoval, ownerInsertions } from './dependency-sql.ts';
import { NUMBERED_BASES, NUMBERED_MAX, ROW_TYPE_BASE, TREE_CAST_OID } from './own-oids.ts';
import type { MirrorChange } from './mirror-rows.ts';

/** A literal, also for texts that no encoding can hold (lone surrogates become U+FFFD). */
export const literal = (text: string): string => `'${text.toWellFormed().replaceAll("'", "''")}'`;

/** JSON that PostgreSQL takes whatever the texts in it are: it has neither lone surrogates nor the character 0. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'string' ? item.toWellFormed().replaceAll('\0', '\ufffd') : item,
  );

/** An empty array has no dimensions, and no ACL may be without: where everything was revoked stands one that has. */
const aclOf = (array: string): string =>
  `CASE WHEN cardinality(${array}) = 0
    THEN (SELECT proacl FROM pg_proc WHERE oid = 'pg_toast.pg_no_access()'::regprocedure) ELSE ${array} END`;

const json = (value: unknown): string => `${literal(jsonText(value))}::jsonb`;

/** There while the mirror is changed, and never seen: text becomes what stands for a tree as it is. */
const CAST_TO_TREE = `INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
  VALUES (${TREE_CAST_OID}, 'text'::regtype, 'pg_node_tree'::regtype, 0, 'e', 'b');`;

/** So that a large catalog takes the mirror no more memory than its rows. */
const RELATIONS_AT_ONCE = 500;

/** One batch of statements; within a transaction of its own. */
export function mirrorSql({ gone, relations, schemas, roles, database }: MirrorChange): string {
  const parts: string[] = ['BEGIN READ WRITE;', CAST_TO_TREE];
  const removed = [...gone, ...relations.map((r) => r.oid), ...schemas.map((s) => s.oid)];
  const roleOids = roles.map((role) => role.oid);
  if (removed.length + roleOids.length > 0) parts.push(removal([...removed, ...roleOids]));
  if (roles.length > 0) parts.push(roleInsertion(roles));
  if (database !== null) parts.push(databaseUpdate(database));
  if (schemas.length > 0) parts.push(schemaInsertion(schemas));
  for (let first = 0; first < relations.length; first += RELATIONS_AT_ONCE) {
    parts.push(relationInsertion(relations.slice(first, first + RELATIONS_AT_ONCE)));
  }
  parts.push("DELETE FROM pg_cast WHERE casttarget = 'pg_node_tree'::regtype;", 'COMMIT;');
  return parts.join('\n');
}

function removal(oids: readonly number[]): string {
  const gone = `(VALUES ${oids.map((oid) => `(${oid}::oid)`).join(',')}) AS gone (oid)`;
  const shifted = (base: number): string => `SELECT (gone.oid::int8 + ${base})::oid FROM ${gone}`;
  const plain = `SELECT gone.oid FROM ${gone}`;
  const indexes = `SELECT indexrelid FROM pg_index WHERE indrelid IN (${plain})`;
  return `${dependencyRemoval(plain, indexes)}
    DELETE FROM pg_rewrite WHERE ev_class IN (${plain});
    DELETE FROM pg_description WHERE classoid = 'pg_class'::regclass AND objoid IN (${indexes});
    DELETE FROM pg_class WHERE oid IN (${plain}) OR oid IN (${indexes});
    DELETE FROM pg_attribute WHERE attrelid IN (${plain}) OR attrelid IN (${indexes});
    DELETE FROM pg_type WHERE oid IN (${shifted(ROW_TYPE_BASE)});
    DELETE FROM pg_index WHERE indrelid IN (${plain}) OR indexrelid IN (${plain});
    DELETE FROM pg_constraint WHERE conrelid IN (${plain});
    DELETE FROM pg_policy WHERE polrelid IN (${plain});
    DELETE FROM pg_attrdef WHERE adrelid IN (${plain});
    DELETE FROM pg_description WHERE objoid IN (${plain})
      AND classoid IN ('pg_class'::regclass, 'pg_namespace'::regclass);
    DELETE FROM pg_namespace WHERE oid IN (${plain});
    DELETE FROM pg_shdescription WHERE objoid IN (${plain}) AND classoid = 'pg_authid'::regclass;
    DELETE FROM pg_auth_members WHERE member IN (${plain});
    DELETE FROM pg_default_acl WHERE defaclrole IN (${plain});
    DELETE FROM pg_db_role_setting WHERE setrole IN (${plain});
    DELETE FROM pg_authid WHERE oid IN (${plain}) AND oid <> ${BOOTSTRAP_ROLE_OID};`;
}

/** The role that this is done as stays while it is done. */
function roleInsertion(roles: MirrorChange['roles']): string {
  const rows = json(roles);
  return `
    INSERT INTO pg_authid (oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
        rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil)
      SELECT oid, name, superuser, inherit, "createRole", "createDatabase", login,
        replication, "bypassRowSecurity", "connectionLimit", "validUntil"
      FROM jsonb_to_recordset(${rows}) AS r (oid oid, name text, superuser bool, inherit bool, "createRole" bool,
        "createDatabase" bool, login bool, replication bool, "bypassRowSecurity" bool, "connectionLimit" int4,
        "validUntil" timestamptz)
      WHERE oid <> ${BOOTSTRAP_ROLE_OID};
    UPDATE pg_authid AS a SET rolname = r.name, rolconnlimit = r."connectionLimit", rolvaliduntil = r."validUntil"
      FROM jsonb_to_recordset(${rows}) AS r (oid oid, name text, "connectionLimit" int4, "validUntil" timestamptz)
      WHERE r.oid = ${BOOTSTRAP_ROLE_OID} AND a.oid = r.oid;
    INSERT INTO pg_auth_members (oid, roleid, member, grantor, admin_option, inherit_option, set_option)
      SELECT ${numbered('pg_auth_members')}, m.role, r.oid, m.grantor, m.admin, m.inherit, m.set
      FROM jsonb_to_recordset(${rows}) AS r (oid oid, "memberOf" jsonb),
        jsonb_to_recordset(r."memberOf") AS m (role oid, grantor oid, admin bool, inherit bool, set bool);
    INSERT INTO pg_default_acl (oid, defaclrole, defaclnamespace, defaclobjtype, defaclacl)
      SELECT ${numbered('pg_default_acl')}, r.oid, d.schema, d.type, ${aclOf('d.access')}
      FROM jsonb_to_recordset(${rows}) AS r (oid oid, "defaultAccess" jsonb),
        jsonb_to_recordset(r."defaultAccess") AS d (type "char", schema oid, access aclitem[]);
    INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
      SELECT 0, oid, settings FROM jsonb_to_recordset(${rows}) AS r (oid oid, settings text[])
      WHERE settings IS NOT NULL;
    INSERT INTO pg_shdescription (objoid, classoid, description)
      SELECT oid, 'pg_authid'::regclass, comment FROM jsonb_to_recordset(${rows}) AS r (oid oid, comment text)
      WHERE comment IS NOT NULL;`;
}

function databaseUpdate(database: NonNullable<MirrorChange['database']>): string {
  return `
    UPDATE pg_database SET datdba = d.owner, datacl = ${aclOf('d.access')}
      FROM jsonb_to_record(${json(database)}) AS d (owner oid, access aclitem[]);
    DELETE FROM pg_shdescription WHERE classoid = 'pg_database'::regclass;
    INSERT INTO pg_shdescription (objoid, classoid, description)
      SELECT b.oid, 'pg_database'::regclass, d.comment
      FROM pg_database AS b, jsonb_to_record(${json(database)}) AS d (comment text) WHERE d.comment IS NOT NULL;`;
}

function schemaInsertion(schemas: MirrorChange['schemas']): string {
  const rows = json(schemas);
  return `
    INSERT INTO pg_namespace (oid, nspname, nspowner, nspacl)
      SELECT oid, name, owner, ${aclOf('access')}
      FROM jsonb_to_recordset(${rows}) AS s (oid oid, name text, owner oid, access aclitem[]);
    INSERT INTO pg_description (objoid, classoid, objsubid, description)
      SELECT oid, 'pg_namespace'::regclass, 0, comment
      FROM jsonb_to_recordset(${rows}) AS s (oid oid, comment text) WHERE comment IS NOT NULL;
    ${ownerInsertions('pg_namespace', `jsonb_to_recordset(${rows}) AS r (oid oid, owner oid, access aclitem[])`).join(';\n')};`;
}

function relationInsertion(relations: MirrorChange['relations']): string {
  const rows = json(
    relations.map(({ attributes, ...relation }) => ({
      ...relation,
      attributes: attributes.map((attribute, i) => ({ ...attribute, number: i + 1 })),
    })),
  );
  // One statement: what it inserts in one place it does not see in another, but takes from RETURNING.
  return `
    WITH given AS MATERIALIZED (
      SELECT r.*, (r.oid::int8 + ${ROW_TYPE_BASE})::oid AS "rowType"
      FROM jsonb_to_recordset(${rows}) AS r (oid oid, name text, schema oid, owner oid, kind "char", options text[],
        comment text, definition text, dependencies oid[], attributes jsonb, "primaryKey" jsonb, indexes jsonb,
        access aclitem[], "rowSecurity" bool, "forceRowSecurity" bool, policies jsonb)),
    given_attribute AS MATERIALIZED (
      SELECT r.oid AS relation, r.schema, a.*
      FROM given AS r, jsonb_to_recordset(r.attributes) AS a (number int2, name text, type oid, modifier int4,
        dimensions int2, "notNull" bool, "default" text, generated text, comment text)),
    given_key AS MATERIALIZED (
      SELECT r.oid AS relation, r.schema, r.owner, k.oid, k."constraint", k.name, k.isprimary, k.method, k.comment,
        (SELECT array_agg(c.value::int2 ORDER BY c.ordinality)
          FROM jsonb_array_elements_text(k.columns) WITH ORDINALITY AS c) AS columns,
        (SELECT string_agg(o.value, ' ' ORDER BY o.ordinality)
          FROM jsonb_array_elements_text(k.options) WITH ORDINALITY AS o) AS options
      FROM given AS r, LATERAL (
        SELECT oid, "constraint", name, columns, true AS isprimary, 403 AS method, NULL AS comment,
            (SELECT jsonb_agg(0) FROM jsonb_array_elements(columns)) AS options
          FROM jsonb_to_record(r."primaryKey") AS p (oid oid, "constraint" oid, name text, columns jsonb)
          WHERE r."primaryKey" IS NOT NULL
        UNION ALL
        SELECT oid, NULL, name, columns, false, CASE method WHEN 'hash' THEN 405 ELSE 403 END, comment, options
          FROM jsonb_to_recordset(r.indexes) AS i (oid oid, name text, columns jsonb, method text, comment text,
            options jsonb)) AS k),
    rule AS (${RULE_INSERTION}),
    initial AS (${DEFAULT_INSERTION}),
    not_null AS (${NOT_NULL_INSERTION}),
    ${[
      ...CLASS_INSERTIONS,
      ...ATTRIBUTE_INSERTIONS,
      ...KEY_INSERTIONS,
      ...DEPENDENCY_INSERTIONS,
      POLICY_INSERTION,
    ]
      .map((insertion, i) => `insertion_${i} AS (${insertion})`)
      .join(',\n')}
    SELECT 1;`;
}

/** The number after the highest that the table has in its range. */
function numbered(table: keyof typeof NUMBERED_BASES): string {
  const base = NUMBERED_BASES[table];
  const highest = `SELECT max(oid::int8) FROM ${table} WHERE oid >= ${base}::oid AND oid < ${base + NUMBERED_MAX}::oid`;
  return `(coalesce((${highest}), ${base}) + row_number() OVER ())`;
}

const CLASS_INSERTIONS = [
  `INSERT INTO pg_class (oid, relname, relnamespace, reltype, reloftype, relowner, relam, relfilenode, reltablespace,
        relpages, reltuples, relallvisible, relallfrozen, reltoastrelid, relhasindex, relisshared, relpersistence,
        relkind, relnatts, relchecks, relhasrules, relhastriggers, relhassubclass, relrowsecurity,
        relforcerowsecurity, relispopulated, relreplident, relispartition, relrewrite, relfrozenxid, relminmxid,
        relacl, reloptions)
      SELECT oid, name, schema, "rowType", 0, owner, CASE kind WHEN 'v' THEN 0 ELSE 2 END,
        CASE kind WHEN 'v' THEN 0 ELSE oid END, 0,
        0, -1, 0, 0, 0, oid IN (SELECT relation FROM given_key), false, 'p',
        kind, jsonb_array_length(attributes), 0, definition IS NOT NULL, false, false, "rowSecurity",
        "forceRowSecurity", true, CASE kind WHEN 'r' THEN 'd' ELSE 'n' END, false, 0, 0::text::xid, 0::text::xid,
        ${aclOf('access')}, options
      FROM given`,
  `INSERT INTO pg_type (oid, typname, typnamespace, typowner, typlen, typbyval, typtype, typcategory, typispreferred,
        typisdefined, typdelim, typrelid, typsubscript, typelem, typarray, typinput, typoutput, typreceive, typsend,
        typmodin, typmodout, typanalyze, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims,
        typcollation)
      SELECT "rowType", name, schema, owner, -1, false, 'c', 'C', false,
        true, ',', oid, 0, 0, 0, 'record_in', 'record_out', 'record_recv', 'record_send',
        0, 0, 0, 'd', 'x', false, 0, -1, 0,
        0
      FROM given`,
  `INSERT INTO pg_description (objoid, classoid, objsubid, description)
      SELECT oid, 'pg_class'::regclass, 0, comment FROM given WHERE comment IS NOT NULL`,
];

/** Node trees are text to this mirror: pg_get_expr() and pg_get_viewdef() give them back as they are. */
const ATTRIBUTE_INSERTIONS = [
  `INSERT INTO pg_attribute (attrelid, attname, atttypid, attlen, attnum, atttypmod, attndims, attbyval, attalign,
        attstorage, attcompression, attnotnull, atthasdef, atthasmissing, attidentity, attgenerated, attisdropped,
        attislocal, attinhcount, attcollation)
      SELECT a.relation, a.name, a.type, t.typlen, a.number, a.modifier, a.dimensions, t.typbyval, t.typalign,
        t.typstorage, '', a."notNull", coalesce(a.generated, a."default") IS NOT NULL, false, '',
        CASE WHEN a.generated IS NULL THEN '' ELSE 's' END, false,
        true, 0, t.typcollation
      FROM given_attribute AS a JOIN pg_type AS t ON t.oid = a.type`,
  `INSERT INTO pg_description (objoid, classoid, objsubid, description)
      SELECT relation, 'pg_class'::regclass, number, comment FROM given_attribute WHERE comment IS NOT NULL`,
];

const DEFAULT_INSERTION = `INSERT INTO pg_attrdef (oid, adrelid, adnum, adbin)
      SELECT ${numbered('pg_attrdef')}, relation, number, coalesce(generated, "default")::pg_node_tree
      FROM given_attribute WHERE coalesce(generated, "default") IS NOT NULL
      RETURNING oid, adrelid, adnum`;

const NOT_NULL_INSERTION = `INSERT INTO pg_constraint (oid, conname, connamespace, contype, condeferrable, condeferred, conenforced,
        convalidated, conrelid, contypid, conindid, conparentid, confrelid, confupdtype, confdeltype, confmatchtype,
        conislocal, coninhcount, connoinherit, conperiod, conkey)
      SELECT ${numbered('pg_constraint')}, left(r.name || '_' || a.name, 54) || '_not_null', r.schema, 'n', false, false, true,
        true, r.oid, 0, 0, 0, 0, ' ', ' ', ' ',
        true, 0, false, false, ARRAY[a.number]
      FROM given_attribute AS a JOIN given AS r ON r.oid = a.relation WHERE a."notNull" AND r.kind = 'r'
      RETURNING oid, conrelid, conkey`;

const KEY_INSERTIONS = [
  `INSERT INTO pg_class (oid, relname, relnamespace, reltype, reloftype, relowner, relam, relfilenode, reltablespace,
        relpages, reltuples, relallvisible, relallfrozen, reltoastrelid, relhasindex, relisshared, relpersistence,
        relkind, relnatts, relchecks, relhasrules, relhastriggers, relhassubclass, relrowsecurity,
        relforcerowsecurity, relispopulated, relreplident, relispartition, relrewrite, relfrozenxid, relminmxid)
      SELECT oid, name, schema, 0, 0, owner, method, oid, 0,
        0, -1, 0, 0, 0, false, false, 'p',
        'i', cardinality(columns), 0, false, false, false, false,
        false, true, 'n', false, 0, 0::text::xid, 0::text::xid
      FROM given_key`,
  `INSERT INTO pg_attribute (attrelid, attname, atttypid, attlen, attnum, atttypmod, attndims, attbyval, attalign,
        attstorage, attcompression, attnotnull, atthasdef, atthasmissing, attidentity, attgenerated, attisdropped,
        attislocal, attinhcount, attcollation)
      SELECT k.oid, a.name, a.type, t.typlen, c.ordinality, a.modifier, a.dimensions, t.typbyval, t.typalign,
        t.typstorage, '', false, false, false, '', '', false,
        true, 0, t.typcollation
      FROM given_key AS k, unnest(k.columns) WITH ORDINALITY AS c (number, ordinality),
        given_attribute AS a, pg_type AS t
      WHERE a.relation = k.relation AND a.number = c.number AND t.oid = a.type`,
  `INSERT INTO pg_index (indexrelid, indrelid, indnatts, indnkeyatts, indisunique, indnullsnotdistinct, indisprimary,
        indisexclusion, indimmediate, indisclustered, indisvalid, indcheckxmin, indisready, indislive,
        indisreplident, indkey, indcollation, indclass, indoption)
      SELECT k.oid, k.relation, cardinality(k.columns), cardinality(k.columns), k.isprimary, false, k.isprimary,
        false, true, false, true, false, true, true,
        false, array_to_string(k.columns, ' ')::int2vector, c.collations::oidvector, c.classes::oidvector,
        k.options::int2vector
      FROM given_key AS k, LATERAL (
        SELECT string_agg(t.typcollation::text, ' ' ORDER BY n.ordinality) AS collations,
          string_agg(coalesce((SELECT o.oid FROM pg_opclass AS o WHERE o.opcmethod = k.method AND o.opcdefault
            AND o.opcintype = CASE WHEN t.oid = 'varchar'::regtype THEN 'text'::regtype
              WHEN t.typcategory = 'A' THEN 'anyarray'::regtype ELSE t.oid END
            LIMIT 1), 3124)::text, ' ' ORDER BY n.ordinality) AS classes
        FROM unnest(k.columns) WITH ORDINALITY AS n (number, ordinality)
          JOIN given_attribute AS a ON a.relation = k.relation AND a.number = n.number
          JOIN pg_type AS t ON t.oid = a.type) AS c`,
  `INSERT INTO pg_constraint (oid, conname, connamespace, contype, condeferrable, condeferred, conenforced,
        convalidated, conrelid, contypid, conindid, conparentid, confrelid, confupdtype, confdeltype, confmatchtype,
        conislocal, coninhcount, connoinherit, conperiod, conkey)
      SELECT "constraint", name, schema, 'p', false, false, true,
        true, relation, 0, oid, 0, 0, ' ', ' ', ' ',
        true, 0, true, false, columns
      FROM given_key WHERE isprimary`,
  `INSERT INTO pg_description (objoid, classoid, objsubid, description)
      SELECT oid, 'pg_class'::regclass, 0, comment FROM given_key WHERE comment IS NOT NULL`,
];

/** A rule holds a view's text. */
const RULE_INSERTION = `INSERT INTO pg_rewrite (oid, rulename, ev_class, ev_type, ev_enabled, is_instead, ev_qual, ev_action)
      SELECT ${numbered('pg_rewrite')}, '_RETURN', oid, '1', 'O', true, '<>'::text::pg_node_tree,
        definition::pg_node_tree
      FROM given WHERE definition IS NOT NULL RETURNING oid, ev_class`;

const POLICY_INSERTION = `INSERT INTO pg_policy (oid, polname, polrelid, polcmd, polpermissive, polroles, polqual, polwithcheck)
      SELECT p.oid, p.name, r.oid, p.command, p.permissive, p.roles, p."using"::pg_node_tree, p."check"::pg_node_tree
      FROM given AS r, jsonb_to_recordset(r.policies) AS p (oid oid, name text, command "char", permissive bool,
        roles oid[], "using" text, "check" text)`;
