/** Who may do what: roles and their credentials, in the catalog beside relations. Plain data. */
import type { Oid } from './oid.ts';

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
  /** ALTER ROLE … SET: by lower-case name, applied at login */
  settings: Readonly<Record<string, string>>;
  comment: string | null;
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
