/**
 * What depends on what, where PostgreSQL's own tables say it: pg_depend for objects of the database, pg_shdepend for roles.
 * Clients tell an index of a constraint from a plain one by it, and whose views read a table.
 */
import { BOOTSTRAP_ROLE_OID } from '../../runtime/plan/authorization.ts';

const DEPENDS =
  'INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)';
const OF_ROLES = 'INSERT INTO pg_shdepend (dbid, classid, objid, objsubid, refclassid, refobjid, deptype)';
const DATABASE_OID = '(SELECT oid FROM pg_database WHERE datname = current_database())';

/**
 * `gone`, `indexes`: queries of OIDs. A relation that is changed is removed and comes again: rules of other views go on
 * depending on it.
 */
export const dependencyRemoval = (gone: string, indexes: string): string => `
    DELETE FROM pg_depend WHERE classid = 'pg_rewrite'::regclass
      AND objid IN (SELECT oid FROM pg_rewrite WHERE ev_class IN (${gone}));
    DELETE FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid IN (${gone} UNION ALL ${indexes});
    DELETE FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND classid <> 'pg_rewrite'::regclass
      AND refobjid IN (${gone} UNION ALL ${indexes});
    DELETE FROM pg_shdepend WHERE classid = 'pg_policy'::regclass
      AND objid IN (SELECT oid FROM pg_policy WHERE polrelid IN (${gone}));
    DELETE FROM pg_shdepend WHERE classid IN ('pg_class'::regclass, 'pg_namespace'::regclass) AND objid IN (${gone});`;

/** Owners, and who stands in the access list beside them. The role that owns all is pinned: nothing depends on it. */
export const ownerInsertions = (table: 'pg_class' | 'pg_namespace', rows: string): readonly string[] => [
  `${OF_ROLES}
      SELECT ${DATABASE_OID}, '${table}'::regclass, oid, 0, 'pg_authid'::regclass, owner, 'o'
      FROM ${rows} WHERE owner <> ${BOOTSTRAP_ROLE_OID}`,
  `${OF_ROLES}
      SELECT DISTINCT ${DATABASE_OID}, '${table}'::regclass, r.oid, 0, 'pg_authid'::regclass, named.role, 'a'::"char"
      FROM ${rows}, aclexplode(nullif(r.access, '{}')) AS item, LATERAL (VALUES (item.grantee), (item.grantor)) AS named (role)
      WHERE named.role NOT IN (0, ${BOOTSTRAP_ROLE_OID}, r.owner)`,
];

/** Of the rows that relations are made of (mirror-sql.ts). */
export const DEPENDENCY_INSERTIONS: readonly string[] = [
  `${DEPENDS}
      SELECT 'pg_rewrite'::regclass, w.oid, 0, 'pg_class'::regclass, r.oid, 0, 'i'
      FROM given AS r JOIN rule AS w ON w.ev_class = r.oid`,
  `${DEPENDS}
      SELECT 'pg_rewrite'::regclass, w.oid, 0, 'pg_class'::regclass, d, 0, 'n'
      FROM given AS r JOIN rule AS w ON w.ev_class = r.oid, unnest(r.dependencies) AS d`,
  `${DEPENDS} SELECT 'pg_class'::regclass, oid, 0, 'pg_namespace'::regclass, schema, 0, 'n' FROM given`,
  `${DEPENDS} SELECT 'pg_type'::regclass, "rowType", 0, 'pg_class'::regclass, oid, 0, 'i' FROM given`,
  `${DEPENDS}
      SELECT 'pg_class'::regclass, oid, 0, 'pg_constraint'::regclass, "constraint", 0, 'i'
      FROM given_key WHERE isprimary`,
  `${DEPENDS}
      SELECT 'pg_class'::regclass, oid, 0, 'pg_class'::regclass, relation, number, 'a'
      FROM given_key, unnest(columns) AS number WHERE NOT isprimary`,
  `${DEPENDS}
      SELECT 'pg_constraint'::regclass, "constraint", 0, 'pg_class'::regclass, relation, number, 'a'
      FROM given_key, unnest(columns) AS number WHERE isprimary`,
  `${DEPENDS}
      SELECT 'pg_constraint'::regclass, oid, 0, 'pg_class'::regclass, conrelid, conkey[1], 'a' FROM not_null`,
  `${DEPENDS}
      SELECT 'pg_attrdef'::regclass, oid, 0, 'pg_class'::regclass, adrelid, adnum, 'a' FROM initial`,
  `${DEPENDS}
      SELECT 'pg_policy'::regclass, p.oid, 0, 'pg_class'::regclass, r.oid, 0, 'a'
      FROM given AS r, jsonb_to_recordset(r.policies) AS p (oid oid)`,
  `${OF_ROLES}
      SELECT DISTINCT ${DATABASE_OID}, 'pg_policy'::regclass, p.oid, 0, 'pg_authid'::regclass, role, 'r'::"char"
      FROM given AS r, jsonb_to_recordset(r.policies) AS p (oid oid, roles oid[]), unnest(p.roles) AS role
      WHERE role NOT IN (0, ${BOOTSTRAP_ROLE_OID})`,
  ...ownerInsertions('pg_class', 'given AS r'),
];
