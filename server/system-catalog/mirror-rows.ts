/** What the mirror is told of our catalog: the rows of its system tables, as plain data. */
import type { RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { Oid } from '../../runtime/plan/relation.ts';

/** A relation: `attributes` are its columns, numbered from 1; `definition` is the node tree of a view's query. */
export type RelationRow = Readonly<{
  oid: Oid;
  name: string;
  schema: Oid;
  owner: Oid;
  kind: 'r' | 'v' | 'm';
  options: readonly string[] | null;
  comment: string | null;
  definition: string | null;
  dependencies: readonly Oid[];
  attributes: readonly AttributeRow[];
  /** `oid`: of its index. */
  primaryKey: Readonly<{ oid: Oid; constraint: Oid; name: string; columns: readonly number[] }> | null;
  indexes: readonly IndexRow[];
  access: AccessTexts;
  rowSecurity: boolean;
  forceRowSecurity: boolean;
  policies: readonly PolicyRow[];
}>;

/** `columns`: numbers of attributes; `options`: of each, 1 for DESC plus 2 for NULLS FIRST. */
export type IndexRow = Readonly<{
  oid: Oid;
  name: string;
  columns: readonly number[];
  method: 'btree' | 'hash';
  options: readonly number[];
  comment: string | null;
}>;

/** As PostgreSQL writes an aclitem: `anna=r*w/millrace`. */
export type AccessTexts = readonly string[] | null;

export type PolicyRow = Readonly<{
  oid: Oid;
  name: string;
  command: '*' | 'r' | 'a' | 'w' | 'd';
  permissive: boolean;
  roles: readonly Oid[];
  /** node trees */
  using: string | null;
  check: string | null;
}>;

export type DatabaseRow = Readonly<{ owner: Oid; access: AccessTexts; comment: string | null }>;

export type AttributeRow = Readonly<{
  name: string;
  type: Oid;
  modifier: number;
  dimensions: number;
  notNull: boolean;
  default: string | null;
  generated: string | null;
  comment: string | null;
}>;

export type SchemaRow = Readonly<{
  oid: Oid;
  name: string;
  owner: Oid;
  access: AccessTexts;
  comment: string | null;
}>;

export type RoleRow = Omit<
  RoleDefinition,
  'kind' | 'verifier' | 'validUntil' | 'settings' | 'defaultAccess'
> &
  Readonly<{
    /** ISO text; null: for good. */
    validUntil: string | null;
    settings: readonly string[] | null;
    /** ALTER DEFAULT PRIVILEGES: relations (r) or schemas (n); `schema` 0: in all of them. */
    defaultAccess: readonly Readonly<{ type: 'r' | 'n'; schema: Oid; access: AccessTexts }>[];
  }>;

/** From one state of the catalog to another: what is there no more or is changed, and what is there instead. */
export type MirrorChange = Readonly<{
  gone: readonly Oid[];
  relations: readonly RelationRow[];
  schemas: readonly SchemaRow[];
  roles: readonly RoleRow[];
  /** null: unchanged */
  database: DatabaseRow | null;
}>;

/** How an expression is printed; the planner's. */
export type PrintExpression = (expression: Expression, names: readonly string[]) => string;
