/** Who may do what: roles and their credentials, in the catalog beside relations. Plain data. */
import type { Oid } from './oid.ts';
import type { KnownRelation, ViewSettings } from './relation.ts';

/** The role that owns what nobody else does; it is there from the start, under PostgreSQL's own OID. */
export const BOOTSTRAP_ROLE_OID: Oid = 10;
export const BOOTSTRAP_ROLE_NAME = 'millrace';

/** `GRANT role TO member`. */
export type Membership = Readonly<{
  role: Oid;
  grantor: Oid;
  /** may grant the role to others */
  admin: boolean;
  /** has the role's privileges without SET ROLE */
  inherit: boolean;
  /** may SET ROLE to it */
  set: boolean;
}>;

export type RoleDefinition = Readonly<{
  kind: 'role';
  oid: Oid;
  name: string;
  superuser: boolean;
  /** what memberships made later inherit by default */
  inherit: boolean;
  createRole: boolean;
  createDatabase: boolean;
  login: boolean;
  replication: boolean;
  bypassRowSecurity: boolean;
  /** sessions at once; -1: no limit */
  connectionLimit: number;
  /** µs since 1970: after it no password of the role is good; null: always */
  validUntil: number | null;
  /** `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`; null: no password */
  verifier: string | null;
  memberOf: readonly Membership[];
  /** What its new objects are granted; absent: as it is built in */
  defaultAccess?: readonly DefaultAccess[];
  /** ALTER ROLE … SET: by lower-case name, applied at login */
  settings: Readonly<Record<string, string>>;
  comment: string | null;
}>;

/** As PostgreSQL writes them in an aclitem. */
export type Privilege =
  /** SELECT */
  | 'r'
  /** INSERT */
  | 'a'
  /** UPDATE */
  | 'w'
  /** DELETE */
  | 'd'
  /** TRUNCATE */
  | 'D'
  /** REFERENCES */
  | 'x'
  /** TRIGGER */
  | 't'
  /** MAINTAIN */
  | 'm'
  /** USAGE */
  | 'U'
  /** CREATE */
  | 'C'
  /** CONNECT */
  | 'c'
  /** TEMPORARY */
  | 'T';

/** The grantee of what everyone may. */
export const PUBLIC: Oid = 0;

/** What `grantor` gave to `grantee`; of `grantable` WITH GRANT OPTION. */
export type AccessItem = Readonly<{
  grantee: Oid;
  grantor: Oid;
  privileges: readonly Privilege[];
  grantable: readonly Privilege[];
}>;

/** `ALTER DEFAULT PRIVILEGES`. `schema` null: in all of them. */
export type DefaultAccess = Readonly<{
  kind: 'relation' | 'schema' | 'secret';
  schema: Oid | null;
  access: readonly AccessItem[];
}>;

/** What every object with privileges has. */
export type Owned = Readonly<{
  owner: Oid;
  /** null: as PostgreSQL has it for the kind, until something is granted or revoked */
  access: readonly AccessItem[] | null;
}>;

/** The one database. */
export type DatabaseDefinition = Owned &
  Readonly<{ kind: 'database'; oid: Oid; name: string; comment: string | null }>;

export type PolicyCommand = 'all' | 'select' | 'insert' | 'update' | 'delete';

/** An expression over the relation's columns, as it was written, under the names that they had then. */
export type PolicyExpression = Readonly<{
  text: string;
  /** The relation's name then. */
  relation: string;
  columns: readonly string[];
  settings: ViewSettings;
  /** What the names in its sub-queries meant. */
  names: readonly KnownRelation[];
  dependencies: readonly Oid[];
}>;

/** `CREATE POLICY`: which rows a command sees (USING), and which it may leave behind (WITH CHECK). */
export type PolicyDefinition = Readonly<{
  oid: Oid;
  name: string;
  permissive: boolean;
  command: PolicyCommand;
  /** PUBLIC among them: everyone */
  roles: readonly Oid[];
  using: PolicyExpression | null;
  check: PolicyExpression | null;
}>;

/** Of a relation: ENABLE and FORCE ROW LEVEL SECURITY, and the policies, which are there before it is enabled. */
export type RowSecurity = Readonly<{
  enabled: boolean;
  forced: boolean;
  policies: readonly PolicyDefinition[];
}>;

/** `CREATE TOKEN name FOR role [VALID UNTIL '…']`: a bearer token; only its hash is kept. */
export type TokenDefinition = Readonly<{
  kind: 'token';
  oid: Oid;
  name: string;
  role: Oid;
  /** SHA-256 of the token, hex */
  hash: string;
  /** µs since 1970; null: for good */
  validUntil: number | null;
  comment: string | null;
}>;

export const BOOTSTRAP_ROLE: RoleDefinition = {
  kind: 'role',
  oid: BOOTSTRAP_ROLE_OID,
  name: BOOTSTRAP_ROLE_NAME,
  superuser: true,
  inherit: true,
  createRole: true,
  createDatabase: true,
  login: true,
  replication: true,
  bypassRowSecurity: true,
  connectionLimit: -1,
  validUntil: null,
  verifier: null,
  memberOf: [],
  settings: {},
  comment: null,
};

const predefined = (oid: Oid, name: string, ...memberOf: readonly Oid[]): RoleDefinition => ({
  ...BOOTSTRAP_ROLE,
  oid,
  name,
  superuser: false,
  createRole: false,
  createDatabase: false,
  login: false,
  replication: false,
  bypassRowSecurity: false,
  memberOf: memberOf.map((role) => ({
    role,
    grantor: BOOTSTRAP_ROLE_OID,
    admin: false,
    inherit: true,
    set: true,
  })),
});

/** PostgreSQL's roles for parts of what a superuser may, under its OIDs. */
export const PG_READ_ALL_SETTINGS: Oid = 3374;
export const PG_READ_ALL_STATS: Oid = 3375;
/** In PostgreSQL it is for subscriptions: who may let the server connect to others. */
export const PG_CREATE_SUBSCRIPTION: Oid = 6304;
export const PG_READ_SERVER_FILES: Oid = 4569;
export const PG_WRITE_SERVER_FILES: Oid = 4570;
export const PG_SIGNAL_BACKEND: Oid = 4200;
export const PG_READ_ALL_DATA: Oid = 6181;
export const PG_WRITE_ALL_DATA: Oid = 6182;

/** Roles that are there from the start. */
export const BUILT_IN_ROLES: readonly RoleDefinition[] = [
  BOOTSTRAP_ROLE,
  predefined(3373, 'pg_monitor', PG_READ_ALL_SETTINGS, PG_READ_ALL_STATS),
  predefined(PG_READ_ALL_SETTINGS, 'pg_read_all_settings'),
  predefined(PG_READ_ALL_STATS, 'pg_read_all_stats'),
  predefined(PG_CREATE_SUBSCRIPTION, 'pg_create_subscription'),
  predefined(PG_READ_SERVER_FILES, 'pg_read_server_files'),
  predefined(PG_WRITE_SERVER_FILES, 'pg_write_server_files'),
  predefined(PG_SIGNAL_BACKEND, 'pg_signal_backend'),
  predefined(PG_READ_ALL_DATA, 'pg_read_all_data'),
  predefined(PG_WRITE_ALL_DATA, 'pg_write_all_data'),
];

export const PUBLIC_SCHEMA_OID: Oid = 2200;

/** Of schema public, since PostgreSQL 15: everyone looks in, its owner makes things in it. */
export const PUBLIC_SCHEMA_ACCESS: readonly AccessItem[] = [
  { grantee: BOOTSTRAP_ROLE_OID, grantor: BOOTSTRAP_ROLE_OID, privileges: ['U', 'C'], grantable: [] },
  { grantee: PUBLIC, grantor: BOOTSTRAP_ROLE_OID, privileges: ['U'], grantable: [] },
];

export const DATABASE: DatabaseDefinition = {
  kind: 'database',
  oid: 5,
  name: 'millrace',
  owner: BOOTSTRAP_ROLE_OID,
  access: null,
  comment: null,
};
